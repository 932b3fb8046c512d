"""Takes snapshots of a training while it runs, at next to no cost: nothing is lost with its process."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from kflab.errors import KflabError
from kflab.runs.disk import FULL
from kflab.runs.events import Snapshotted
from kflab.runs.info import EVENTS
from kflab.train.journal import Journal
from kflab.train.shelf import Shelf, Taken
from kflab.train.steppers.stepper import Made
from kflab.train.whole_state import WholeState

if TYPE_CHECKING:
    from kflab.train.loop import Loop

LEAST_SECONDS = 1.0
"""Seconds between two snapshots at least, of those that nobody asked for."""

WAITING_SHARE = 0.01
"""How much of the time training may wait for snapshots."""

WRITING_SHARE = 0.05
"""How much of the time a snapshot may be being written beside the training."""


class Snapshots:
    """Takes snapshots: at the ends of epochs, now and then within long ones, and whenever training ends.

    The state is copied on the thread that trains and written on another, so steps wait for the copy alone.
    One snapshot is written at a time and one may wait, the newest. Between two is a second at least, and so
    much more that copies take no more than 1 % of the time and writing no more than 5 %: an epoch of 10 ms
    has no snapshot of its own, and one of a model of 10 GB may have none either. When training pauses, stops
    or ends there always is one, and it is on the disk when `close` returns.

    Args:
        state: what is taken.
        shelf: where it is kept.
        journal: where the snapshots are told of.
        seconds: how often one is taken within an epoch.
        data: tells the digest of the samples; asked once, on the thread that writes.
        steered: the ids of the requests that trainers before this one have answered.
    """

    def __init__(
        self,
        state: WholeState,
        shelf: Shelf,
        journal: Journal,
        *,
        seconds: float,
        data: Callable[[], str],
        steered: tuple[str, ...] = (),
    ) -> None:
        self._steered = steered
        self._state, self._shelf, self._journal = state, shelf, journal
        self._seconds = seconds
        self._writer = _Writer(shelf, data)
        self._last = self._next = 0.0
        self._at: object = None
        self._has_failed = ""

    def before_training(self, loop: Loop) -> None:  # noqa: ARG002 - as attendants are called
        """Lets the first steps go by, as there is nothing to lose."""
        self._last = time.monotonic()
        self._next = self._last + LEAST_SECONDS

    def after_steps(self, loop: Loop, made: Made | None) -> None:
        """Takes a snapshot when the training ends here, or the last one is long ago."""
        self._tell()
        if loop.stops_now or (
            loop.model.stop_training and made is not None and loop.position.step < loop.steps
        ):
            self._take(loop)
            return
        now = time.monotonic()
        if made is None:
            return
        if loop.position.step == loop.steps and loop.validation and now - self._last >= LEAST_SECONDS:
            # A stop or a pause within the validation has its snapshot, however long the last one took.
            self._state.keep_metrics(loop)
        if now - self._last >= self._seconds and now >= self._next:
            self._take(loop)

    def after_epoch(self, loop: Loop, logs: dict[str, float]) -> None:  # noqa: ARG002 - as attendants are called
        """Takes a snapshot, unless there was one a moment ago and another epoch follows."""
        self._tell()
        self._state.forget_metrics()
        is_last = loop.is_stopping or loop.model.stop_training or loop.position.epoch >= loop.epochs
        if is_last or time.monotonic() >= self._next:
            self._take(loop)

    def next_stop(self, loop: Loop) -> int | None:  # noqa: ARG002 - as attendants are called
        """Snapshots are taken wherever a group of steps ends."""
        return None

    @contextlib.contextmanager
    def evaluating(self, loop: Loop) -> Iterator[None]:
        """Keeps the metrics of the epoch for snapshots within an evaluation that somebody asked for."""
        self._state.keep_metrics(loop)
        try:
            yield
        finally:
            self._state.forget_metrics()

    def take(self, loop: Loop) -> None:
        """Takes a snapshot now, as somebody asked for it.

        Raises:
            KflabError: none is taken here.
        """
        if not self._state.is_sound:
            raise KflabError("the loss is no number any more: the snapshots from before are kept")
        if loop.is_validating and not self._state.has_metrics:
            raise KflabError("none is taken in the middle of a validation")
        self._take(loop)

    def _take(self, loop: Loop) -> None:
        steered = (*self._steered, *self._journal.answered)
        at = (loop.position, loop.epochs, bool(loop.model.stop_training), steered)
        is_between = not loop.is_validating or self._state.has_metrics
        if self._at == at or not (self._state.is_sound and is_between):
            return
        begin = time.monotonic()
        try:
            snapshot = self._state.take(loop, steered)
            taken = self._shelf.put_aside(snapshot, [path for path in self._state.files() if path.exists()])
        except OSError as error:
            self._tell_failure(error)
            return
        now = time.monotonic()
        sync = (self._journal.run_dir / EVENTS, *self._state.sync())
        self._writer.give(replace(taken, seconds=now - begin, sync=sync))
        self._at, self._last = at, now
        self._next = now + max(
            LEAST_SECONDS, (now - begin) / WAITING_SHARE, self._writer.seconds / WRITING_SHARE
        )

    def close(self) -> None:
        """Waits until the last snapshot is on the disk."""
        self._writer.close()
        self._tell()

    def _tell(self) -> None:
        for done in self._writer.done():
            if isinstance(done, OSError):
                self._tell_failure(done)
            else:
                self._has_failed = ""
                self._journal.write(done)

    def _tell_failure(self, error: OSError) -> None:
        self._at = None
        reason = error.strerror or str(error)
        if reason != self._has_failed:
            self._has_failed = reason
            self._journal.note(f"no snapshot could be written: {reason}; training goes on without")


class _Writer:
    """Writes snapshots on a thread of its own, of those that wait the newest."""

    def __init__(self, shelf: Shelf, data: Callable[[], str]) -> None:
        self.seconds = 0.0
        self._shelf, self._data = shelf, data
        self._digest: str | None = None
        self._done: list[Snapshotted | OSError] = []
        self._waiting: Taken | None = None
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def give(self, taken: Taken) -> None:
        """Has a snapshot written; one that still waits is given up for it."""
        with self._changed:
            before, self._waiting = self._waiting, taken
            self._changed.notify()
        if before is not None:
            self._shelf.drop(before)
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="snapshots", daemon=True)
            self._thread.start()

    def done(self) -> list[Snapshotted | OSError]:
        """What became of the snapshots since the last call."""
        if not self._done:
            return []
        with self._changed:
            done, self._done = self._done, []
        return done

    def close(self) -> None:
        """Waits until all is written."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None or self._is_closed)
                taken, self._waiting = self._waiting, None
            if taken is None:
                return
            begin = time.monotonic()
            done = self._write(taken)
            self.seconds = time.monotonic() - begin
            with self._changed:
                self._done.append(done)

    def _write(self, taken: Taken) -> Snapshotted | OSError:
        if self._digest is None:
            self._digest = self._data()
        about = msgspec.structs.replace(taken.snapshot.about, data=self._digest)
        try:
            path = self._shelf.write(replace(taken, snapshot=replace(taken.snapshot, about=about)))
            size = path.stat().st_size
        except OSError as error:
            if error.errno in FULL:
                # The next one may find the room that all but the newest had.
                self._shelf.make_room()
            return error
        return Snapshotted(time.time(), about.epoch, about.step, size, taken.seconds, path.name)
