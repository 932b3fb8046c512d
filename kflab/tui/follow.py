"""Follows a run while the screen lives: reads its events in the background and posts what became of it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from textual.message import Message
from textual.message_pump import MessagePump

from kflab.errors import KflabError
from kflab.runs.ending import Ending, how_it_ended
from kflab.runs.history import RunState
from kflab.runs.info import EVENTS
from kflab.runs.status import Status, status
from kflab.runs.tail import Tail

LOOK_SECONDS = 0.25
"""How often the events are looked at, and so how often a screen changes at most."""

STATUS_SECONDS = 1.0
"""How often it is asked whether the trainer is alive."""

_CHUNK = 32 * 1024
"""Bytes of events taken up at once: a few milliseconds of work, so that keys are answered in between."""


class RunUpdated(Message):
    """A followed run has gone on.

    Attributes:
        run_dir: its folder.
        state: what has happened so far; the same object grows from message to message.
        status: what became of it.
        problem: why it cannot be followed any more, in one line; "" while it can.
        ending: how it ended; None while it has not.
    """

    def __init__(
        self,
        run_dir: Path,
        state: RunState,
        status: Status,
        problem: str = "",
        ending: Ending | None = None,
    ) -> None:
        super().__init__()
        self.run_dir, self.state, self.status, self.problem = run_dir, state, status, problem
        self.ending = ending

    def can_replace(self, message: Message) -> bool:
        """An older message about the same run says nothing that this one does not."""
        return isinstance(message, RunUpdated) and message.run_dir == self.run_dir


class RunFollower:
    """Reads a run's events four times a second and posts `RunUpdated` to a widget, screen or app.

    A message comes when there is something new, and once a second while the run is alive, so that the time
    left can be shown anew. It stops by itself when the run is over.

    Args:
        run_dir: the run folder.
        target: who gets the messages.
    """

    def __init__(self, run_dir: Path, target: MessagePump) -> None:
        self.run_dir = run_dir
        self.state = RunState()
        self.status = Status.STARTING
        self.ending: Ending | None = None
        self._target = target
        self._tail = Tail(run_dir / EVENTS)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts to follow; needs a running event loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name=f"follow {self.run_dir.name}")

    def stop(self) -> None:
        """Ends the following; the run itself goes on."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    @property
    def is_following(self) -> bool:
        """Whether more may come."""
        return self._task is not None and not self._task.done()

    async def _follow(self) -> None:
        try:
            await self._follow_to_the_end()
        except (KflabError, OSError) as error:
            self._post(str(error) or type(error).__name__)

    async def _follow_to_the_end(self) -> None:
        posted = asked = -STATUS_SECONDS
        while True:
            read = await self._read()
            now = time.monotonic()
            is_new = bool(read)
            if now - asked >= STATUS_SECONDS or (self.state.finished and not self.status.is_over):
                before, self.status = self.status, await asyncio.to_thread(status, self.run_dir)
                asked = now
                is_new = is_new or self.status is not before or not self.status.is_over
            if self.status.is_over and self._tail.at_end and not read:
                # The status was told after the last look: what came in between has to be in.
                read = await self._read()
                if not read:
                    self.ending = await asyncio.to_thread(how_it_ended, self.run_dir)
                    self._post()
                    return
            if is_new and now - posted >= LOOK_SECONDS * 0.9:
                self._post()
                posted = now
            await asyncio.sleep(0 if not self._tail.at_end else LOOK_SECONDS)

    async def _read(self) -> int:
        """Takes up a bounded part of what is new; tells how many events there were."""
        restarts = self._tail.restarts
        events = await asyncio.to_thread(self._tail.read, _CHUNK)
        if self._tail.restarts != restarts:
            self.state = RunState()
        self.state.apply_all(events)
        return len(events)

    def _post(self, problem: str = "") -> None:
        self._target.post_message(RunUpdated(self.run_dir, self.state, self.status, problem, self.ending))
