"""Going on with a run where its newest whole snapshot was taken."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from kflab.errors import KflabError, UnusableInputError
from kflab.runs.events import Resumed, Steered
from kflab.runs.info import amend_info, read_info
from kflab.runs.position import Position
from kflab.train.callback_state import append_to_files
from kflab.train.journal import Journal
from kflab.train.past import WITH_RESUME, Past
from kflab.train.shelf import Shelf
from kflab.train.snapshot_file import RefusedSnapshotError, Snapshot, read_snapshot
from kflab.train.steppers.stepper import Made
from kflab.train.whole_state import WholeState

if TYPE_CHECKING:
    from kflab.train.loop import Loop


class Resuming:
    """Puts a training back where it was; the first of the attendants.

    Args:
        state: what is put back.
        shelf: the snapshots.
        journal: where is told what was done.
        past: what trainers before this one have written.

    Attributes:
        again: the requests that were answered after the snapshot, to be made again at the same steps.
        steered: the ids of those that were answered before it.
    """

    def __init__(self, state: WholeState, shelf: Shelf, journal: Journal, past: Past) -> None:
        self.again: Sequence[Steered] = ()
        self.steered: tuple[str, ...] = ()
        self._state, self._shelf, self._journal, self._past = state, shelf, journal, past
        self._path: Path | None = None
        self._snapshot: Snapshot | None = None
        self._refused: list[str] = []
        self._has_begun = False

    def choose(self, model: keras.Model, data: Callable[[], str], epochs: int = 0) -> None:
        """Chooses the snapshot: the newest that is whole and of this very training.

        Args:
            model: the compiled model, with every variable that a training needs.
            data: tells the digest of the samples.
            epochs: the epochs to train in all, where that was asked for with going on; else 0.

        Raises:
            KflabError: the data is not what it was.
        """
        for path in self._shelf.newest_first():
            try:
                snapshot = read_snapshot(path)
                self._state.refuse_other(model, snapshot)
                if not self._shelf.is_complete(path, snapshot):
                    raise RefusedSnapshotError("the best model of then, which belongs to it, is gone")
            except RefusedSnapshotError as error:
                self._shelf.refuse(path)
                self._refused.append(f"{path.name}: {error}")
                self._journal.note(f"snapshot {path.name} is not used: {error}")
                continue
            if snapshot.about.data and snapshot.about.data != data():
                raise KflabError(
                    "the samples are not those that the run was trained on so far: the data has "
                    "changed; put it back to go on, or train anew"
                )
            self._path, self._snapshot = path, snapshot
            self.steered = snapshot.about.steered
            append_to_files(self._state.callbacks)
            break
        start = Position() if self._snapshot is None else self._snapshot.about.position
        self.again = self._past.later_than(start, self.steered)
        if epochs:
            others = [made for made in self.again if made.request != "epochs"]
            self.again = [_more_epochs(start, epochs), *others]

    def before_training(self, loop: Loop) -> None:
        """Puts everything back, and tells where the training goes on."""
        self._state.begin()
        if self._snapshot is None or self._path is None:
            if self._past.has_trained:
                self._tell(loop)
            return
        about = self._snapshot.about
        # Who goes on with a run that came to its end wants it to train on, however often it is killed.
        train_on = about.has_ended and about.epoch <= self._past.finished
        self._shelf.put_back(self._path, self._snapshot, self._state.files())
        self._state.put_back(loop, self._snapshot, train_on=train_on)
        loop.start = loop.position = about.position
        loop.epochs = about.epochs
        # Killed after the last step, before the run was over: what follows the training is left to do.
        loop.model.stop_training = about.has_ended and not train_on
        self._tell(loop)

    def after_steps(self, loop: Loop, made: Made | None) -> None:  # noqa: ARG002 - as attendants are called
        """What was asked for with going on is done, and holds no more for a trainer after this one."""
        if not self._has_begun:
            self._has_begun = True
            # A folder that takes no more is told of by who watches it.
            with contextlib.suppress(OSError, UnusableInputError):
                if read_info(self._journal.run_dir).epochs:
                    amend_info(self._journal.run_dir, epochs=0)

    def after_epoch(self, loop: Loop, logs: dict[str, float]) -> None:
        """Nothing is left to do."""

    def next_stop(self, loop: Loop) -> int | None:  # noqa: ARG002 - as attendants are called
        """No wish."""
        return None

    def _tell(self, loop: Loop) -> None:
        start = loop.start
        self._journal.seconds_before = self._past.seconds
        self._journal.write(
            Resumed(
                time=time.time(),
                epoch=start.epoch,
                step=start.step,
                snapshot=self._path.name if self._path else "",
                refused=tuple(self._refused),
                epochs=loop.epochs,
                logs=self._past.logs.get(start.epoch, {}),
                seconds=self._past.seconds,
            )
        )
        if self._path is None and start.epoch:
            self._journal.note(f"BackupAndRestore: goes on after epoch {start.epoch}")
        elif self._path is None:
            self._journal.note("there is no snapshot that can be used: training starts anew")


def _more_epochs(start: Position, epochs: int) -> Steered:
    """The request for so many epochs, as if it had been made where the training goes on."""
    return Steered(
        time.time(),
        "epochs",
        start.epoch,
        start.step,
        f"{epochs:,} epochs in all",
        float(epochs),
        id=f"{WITH_RESUME}{start.epoch}-{start.step}-{epochs}",
    )
