"""Looks after the disk and the run folder while a model is trained."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kflab.runs.disk import room, shortage, too_little
from kflab.runs.events import Fault
from kflab.runs.info import INFO
from kflab.train.failure import TrainingFailedError
from kflab.train.journal import Journal

if TYPE_CHECKING:
    from kflab.train.loop import Loop
    from kflab.train.steppers.stepper import Made

_LOOK_SECONDS = 1.0


class Guard:
    """Stops a training in good order before the disk is full, and ends one whose folder is gone.

    Args:
        run_dir: the run folder.
        reserve: bytes of the disk that are left free.
        journal: where it is noted.

    Attributes:
        cause: why the training was stopped; "" as long as it was not.
    """

    def __init__(self, run_dir: Path, reserve: float, journal: Journal) -> None:
        self.cause = ""
        self._run_dir, self._reserve, self._journal = run_dir, reserve, journal
        self._next_look = 0.0

    def expect(self, needs: int) -> None:
        """Warns where so many bytes more than are there may be needed on the disk."""
        with contextlib.suppress(OSError):  # A disk that does not tell its room is none to warn of.
            if lacking := shortage(room(self._run_dir), needs, self._reserve):
                self._journal.note(lacking)

    @property
    def fault(self) -> Fault:
        """What kind of thing it stopped the training for."""
        return Fault.DISK if self.cause else Fault.NONE

    def before_training(self, loop: Loop) -> None:
        """Looks for the first time."""
        self._look(loop)

    def after_steps(self, loop: Loop, made: Made | None) -> None:  # noqa: ARG002 - an attendant is given it
        """Looks again after a while."""
        if time.monotonic() >= self._next_look:
            self._look(loop)

    def after_epoch(self, loop: Loop, logs: dict[str, float]) -> None:
        """An epoch is no reason to look."""

    def next_stop(self, loop: Loop) -> int | None:  # noqa: ARG002 - an attendant is given it
        """It does not matter where a group of steps ends."""
        return None

    def _look(self, loop: Loop) -> None:
        try:
            found = room(self._run_dir)
            is_there = (self._run_dir / INFO).exists()
        except OSError as error:
            raise TrainingFailedError(
                f"the run folder cannot be read any more: {error.strerror or error}",
                loop.position.epoch,
                Fault.FOLDER,
            ) from error
        if not is_there:
            raise TrainingFailedError(
                "the run folder was moved or deleted while it trained", loop.position.epoch, Fault.FOLDER
            )
        self._next_look = time.monotonic() + _LOOK_SECONDS
        if not self.cause and (cause := too_little(found, self._reserve)):
            self.cause = cause
            self._journal.note(f"stopped: {cause}")
            loop.stop_after_step()
