"""Keeps what is not saved in a recovery file while a person edits, off the event loop.

A file is written a moment after the last edit, and at once when the lab is about to end. It goes when there
is nothing to keep any more: after a save, after an undo back to what is saved, or when a person gives it up.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from kflab import recovery
from kflab.recovery import Speller, Unsaved
from kflab.tui.session import Session

PAUSE = 1.0
"""Seconds without an edit after which what is not saved is kept."""

LONGEST = 5.0
"""Seconds after which it is kept in any case."""

PATIENCE = 5.0
"""Seconds that the end of the lab waits for what is kept last."""


class Keeper:
    """Keeps one session at a time.

    Args:
        tell: told, in the event loop and once, why nothing can be kept.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told = ""
        self._session: Session | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._since = 0.0
        self._is_closed = False
        # One thread: what is written last is what was edited last.
        self._thread = ThreadPoolExecutor(1, "recovery")
        # What follows belongs to the thread.
        self._place: Path | None = None
        self._placed: tuple[Path | None, str] = (None, "")
        self._speller = Speller()

    def note(self, session: Session) -> None:
        """Notes another state of the session; it is kept in a moment. Costs nothing where nothing changed."""
        before, self._session = self._session, session
        if before is not None and before.experiment is session.experiment and before.saved is session.saved:
            return
        if before is None and not session.unsaved:
            return
        now = time.monotonic()
        if self._timer is None:
            self._since = now
        else:
            self._timer.cancel()
        wait = min(PAUSE, max(self._since + LONGEST - now, 0.0))
        self._timer = asyncio.get_running_loop().call_later(wait, self._begin)

    def adopt(self, place: Path, path: Path | None, source: str) -> None:
        """Goes on with the recovery file of a lab that has crashed, so that there is one at any time."""

        def take() -> None:
            self._place, self._placed = place, (path, source)

        self._thread.submit(take)

    def _begin(self) -> None:
        self._timer = None
        if self._session is not None:
            done = self._thread.submit(self._keep, self._session)
            loop = asyncio.get_running_loop()
            done.add_done_callback(lambda future: _call(loop, self._finished, future))

    def _finished(self, future: Future[None]) -> None:
        problem = future.exception()
        text = str(problem or "")
        if text and text != self._told:
            self._tell(text)
        self._told = text

    def _keep(self, session: Session) -> None:
        """Brings the recovery file to the state of the session; runs in the thread."""
        if not session.unsaved:
            self._remove()
            return
        unsaved = _unsaved(session, self._speller)
        stands_for = (session.path, session.source)
        old = self._place
        self._place = recovery.keep(unsaved, old if stands_for == self._placed else None)
        if old is not None and old != self._place:
            recovery.remove(old)
        self._placed = stands_for

    def _remove(self) -> None:
        if self._place is not None:
            place, self._place = self._place, None
            recovery.remove(place)

    def keep_now(self) -> None:
        """Keeps what is not saved at once and waits for it: the lab is about to end."""
        self._cancel()
        if self._session is not None and not self._is_closed:
            # A folder on a machine that does not answer must not hold the lab for ever.
            with contextlib.suppress(TimeoutError):
                self._thread.submit(self._keep, self._session).exception(PATIENCE)

    def give_up(self) -> None:
        """Forgets the session, and its recovery file, too: a person does not want what is not saved."""
        self._cancel()
        self._session = None
        self._thread.submit(self._remove)

    def close(self) -> None:
        """Waits for what is being written."""
        self._cancel()
        self._is_closed = True
        self._thread.shutdown()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _unsaved(session: Session, speller: Speller) -> Unsaved:
    return speller.unsaved(
        session.history,
        path=session.path,
        source=session.source,
        folder=session.folder,
        base=session.disk,
        edits=session.edits,
    )


def _call(
    loop: asyncio.AbstractEventLoop, function: Callable[[Future[None]], None], future: Future[None]
) -> None:
    """Calls a function in the event loop, unless that has ended meanwhile."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(function, future)
