"""All that a training goes on from, taken between two steps and put back in another process."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kflab.data.arrays import Array
from kflab.runs.places import is_pattern
from kflab.train import model_variables
from kflab.train.callback_state import CallbackStates, cut_files, let_train_on, sync_files
from kflab.train.events_callback import Recorder
from kflab.train.model_variables import METRICS, MODEL
from kflab.train.plain_state import pack, unpack
from kflab.train.saving import BestModel
from kflab.train.snapshot_file import About, RefusedSnapshotError, Snapshot, kept

if TYPE_CHECKING:
    from kflab.train.loop import Loop


class WholeState:
    """Takes and puts back the state of a training.

    Args:
        experiment: the digest of the experiment.
        seed: what all random numbers follow from.
        callbacks: the callbacks of the experiment.
        recorder: what writes the training down.
        best: what keeps the best model; None where a callback does.
    """

    def __init__(
        self,
        *,
        experiment: str,
        seed: int,
        callbacks: Sequence[keras.callbacks.Callback],
        recorder: Recorder,
        best: BestModel | None,
    ) -> None:
        self.callbacks = callbacks
        self._experiment, self._seed = experiment, seed
        self._recorder, self._best = recorder, best
        self._states: CallbackStates | None = None
        self._metrics: list[Array] = []

    def begin(self) -> None:
        """To be called after `on_train_begin` of the callbacks, before anything is put back."""
        self._states = CallbackStates(self.callbacks)

    @property
    def is_sound(self) -> bool:
        """Whether the losses were numbers so far."""
        return self._recorder.nan_at is None

    def files(self) -> list[Path]:
        """The files of the run that have to be as they were when a training goes on, there or not."""
        found = [] if self._best is None else [self._best.path]
        for callback in self.callbacks:
            # A name with the epoch in it is of its epoch for good.
            if isinstance(callback, keras.callbacks.ModelCheckpoint) and not is_pattern(callback.filepath):
                found.append(Path(callback.filepath))
        return found

    def sync(self) -> list[Path]:
        """The files that have to be on the disk before a snapshot is."""
        return sync_files(self.callbacks)

    @property
    def has_metrics(self) -> bool:
        """Whether those of the epoch are kept that is being validated."""
        return bool(self._metrics)

    def keep_metrics(self, loop: Loop) -> None:
        """Keeps the metrics of the epoch before a validation takes their place."""
        self._metrics = model_variables.values_of(model_variables.variables_of(loop.model)[METRICS])

    def forget_metrics(self) -> None:
        """A new epoch begins."""
        self._metrics = []

    def take(self, loop: Loop, steered: tuple[str, ...]) -> Snapshot:
        """The state as it is now; the model's variables have to be up to date."""
        assert self._states is not None, "the training has not begun"
        position = loop.position
        groups = model_variables.variables_of(loop.model)
        arrays = [array for variables in groups.values() for array in model_variables.values_of(variables)]
        if loop.is_validating and self._metrics:
            begin = len(groups[MODEL])
            arrays[begin : begin + len(self._metrics)] = self._metrics
        about = model_variables.kept_variables(groups, arrays)
        state = pack(
            {
                "callbacks": self._states.take(),
                "recorder": self._recorder.state(is_within=position.step > 0),
                "best": None if self._best is None else self._best.state(),
                "random": (random.getstate(), np.random.get_state()),
            },
            arrays,
        )
        return Snapshot(
            About(
                epoch=position.epoch,
                step=position.step,
                epochs=loop.epochs,
                has_ended=bool(loop.model.stop_training) and not loop.is_stopping,
                experiment=self._experiment,
                seed=self._seed,
                backend=keras.backend.backend(),
                groups={group: len(variables) for group, variables in groups.items()},
                arrays=(*about, *(kept(array) for array in arrays[len(about) :])),
                state=state,
                steered=steered,
            ),
            arrays,
        )

    def refuse_other(self, model: keras.Model, snapshot: Snapshot) -> None:
        """Refuses a snapshot that is not of this training.

        Raises:
            RefusedSnapshotError: it says why.
        """
        about = snapshot.about
        if about.experiment != self._experiment:
            raise RefusedSnapshotError("it is of another experiment: model, data or training differ")
        if (about.seed, about.backend) != (self._seed, keras.backend.backend()):
            raise RefusedSnapshotError(
                f"it was taken on {about.backend} with the seed {about.seed}, "
                f"not on {keras.backend.backend()} with {self._seed}"
            )
        groups = model_variables.variables_of(model)
        model_variables.refuse_others(groups, about.groups, about.arrays)
        try:
            self._state_of(snapshot)
        except (ValueError, KeyError, TypeError) as error:
            raise RefusedSnapshotError(f"its state can not be read: {error}") from error

    def put_back(self, loop: Loop, snapshot: Snapshot, *, train_on: bool) -> None:
        """Gives model, optimizer, callbacks and what else there is the state of a snapshot.

        Args:
            loop: the training, after `begin`.
            snapshot: one that was not refused.
            train_on: a training that a callback had ended goes on all the same.
        """
        assert self._states is not None, "the training has not begun"
        position = snapshot.about.position
        groups = model_variables.variables_of(loop.model)
        count = sum(len(variables) for variables in groups.values())
        model_variables.put_back(groups, snapshot.arrays[:count])
        loop.stepper.take_up()
        state = self._state_of(snapshot)
        self._states.put_back(state["callbacks"])
        cut_files(self.callbacks, position.epoch)
        if train_on:
            let_train_on(self.callbacks)
        self._recorder.take_up(state["recorder"], position.epoch)
        if self._best is not None and state["best"] is not None:
            self._best.take_up(state["best"])
        own, numpy = state["random"]
        random.setstate(own)
        np.random.set_state(numpy)

    def _state_of(self, snapshot: Snapshot) -> dict[str, Any]:
        state: dict[str, Any] = unpack(snapshot.about.state, snapshot.arrays)
        if set(state) != {"callbacks", "recorder", "best", "random"}:
            raise ValueError("it does not have what a state has")
        return state
