"""The queue in the lab: puts the experiment there, and sees to it that what waits is started."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kflab import paths
from kflab.errors import KflabError
from kflab.tui.actions.runs import RunActions, make_run
from kflab.tui.session import Session
from kflab.tui.text import plural

_LOOK_SECONDS = 5.0


class QueueActions(RunActions):
    """What the keys do with the queue."""

    def keep_queue(self) -> None:
        """Sees to it, now and from time to time, that what waits is started when its turn comes."""
        self.set_interval(_LOOK_SECONDS, self._start_what_is_due)
        self.run_worker(self._start_what_is_due(), group="queue")

    async def _start_what_is_due(self) -> None:
        from kflab.runs.queue_keeper import keep

        try:
            await asyncio.to_thread(keep, paths.runs_dir())
        except (KflabError, OSError):
            return  # `R` shows what is wrong with the queue.

    def action_queue(self) -> None:
        """Puts the experiment in the queue; refused with the reasons where it can not work."""
        session = self.session
        if refusal := self.refusal(session):
            self.say(f"Not queued, {plural(len(session.errors), 'error')}: {refusal}", error=True)
            return
        self.run_worker(self._queue(session), group="train")

    async def _queue(self, session: Session) -> None:
        try:
            run_dir, place = await asyncio.to_thread(_submit, session, self.backend)
        except (KflabError, OSError) as problem:
            self.say(f"Not queued: {problem}", error=True)
            return
        self.say(f"Queued at place {place}: R lists the queue.")
        if not self.training_alive:
            self.watch_run(run_dir)


def _submit(session: Session, backend: str) -> tuple[Path, int]:
    from kflab.runs.queueing import submit

    run_dir = make_run(session, backend)
    return run_dir, submit(run_dir)
