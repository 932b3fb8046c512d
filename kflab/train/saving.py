"""Models on disk: whole or not at all."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from kflab.train.model_variables import values_of

# Saving may take this part of the time at most, so that short epochs are not spent on writing files.
_SHARE = 0.01


def save_model(model: keras.Model, path: Path) -> None:
    """Writes the model as a `.keras` file; whoever reads the path finds the old file or the new one."""
    _write_whole(lambda temporary: model.save(temporary, overwrite=True), path)


def _write_whole(write: Callable[[Path], object], path: Path) -> None:
    # The ending stays: Keras tells the format by it.
    temporary = path.with_name(f".saving-{path.name}")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class SavedWhole:
    """A model to a callback that writes it to files: as it is, but that each file is written whole.

    Keras writes its checkpoints in place, so that a kill leaves half a model where the best one was, and a
    file of the same name that a snapshot has kept would change with it.

    Args:
        model: the model.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def save(self, filepath: str | Path, **arguments: object) -> None:
        """Writes the whole model."""
        _write_whole(lambda temporary: self._model.save(temporary, **arguments), Path(filepath))

    def save_weights(self, filepath: str | Path, **arguments: object) -> None:
        """Writes its weights."""
        _write_whole(lambda temporary: self._model.save_weights(temporary, **arguments), Path(filepath))

    def __getattr__(self, name: str) -> object:
        return getattr(self._model, name)


def save_whole(callbacks: Sequence[keras.callbacks.Callback], model: keras.Model) -> None:
    """Has the callbacks that write models write each file whole; to be called once they have their model."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.ModelCheckpoint):
            callback.set_model(SavedWhole(model))


class BestModel:
    """Keeps the model of the epoch with the lowest loss.

    The file follows at once where saving is quick against the epochs, else a little later; the weights that
    are not written yet are kept in memory.

    Args:
        path: the file.
        monitor: the name of the loss in the logs.
    """

    def __init__(self, path: Path, monitor: str) -> None:
        self._path = path
        self._monitor = monitor
        self._lowest = math.inf
        self._waiting: list[Any] | None = None
        self._next_save = 0.0

    def after_epoch(self, model: keras.Model, logs: dict[str, float]) -> None:
        """Takes the model as it is now when this epoch was the best so far."""
        loss = logs.get(self._monitor, math.nan)
        if loss < self._lowest:
            self._lowest = loss
            if time.monotonic() >= self._next_save:
                self._waiting = None
                self._save(model)
            else:
                self._waiting = values_of(_saved(model))
        elif time.monotonic() >= self._next_save:
            self.finish(model)

    def finish(self, model: keras.Model) -> None:
        """Writes what is not written yet; the model has its own weights again afterwards."""
        if self._waiting is None:
            return
        variables = _saved(model)
        own = values_of(variables)
        _assign(variables, self._waiting)
        self._waiting = None
        try:
            self._save(model)
        finally:
            _assign(variables, own)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def state(self) -> dict[str, Any]:
        """What it knows, beside what is in the file: for a snapshot."""
        return {"lowest": self._lowest, "waiting": self._waiting}

    def take_up(self, state: dict[str, Any]) -> None:
        """Goes on from what it knew; the file has to be as it was then."""
        self._lowest, self._waiting = state["lowest"], state["waiting"]

    def _save(self, model: keras.Model) -> None:
        start = time.monotonic()
        save_model(model, self._path)
        end = time.monotonic()
        self._next_save = end + (end - start) / _SHARE


def _saved(model: keras.Model) -> list[Any]:
    """The variables that a saved model has: those of its optimizer, too."""
    optimizer = getattr(model, "optimizer", None)  # A model that was never compiled has none.
    return [*model.weights, *(optimizer.variables if optimizer is not None else ())]


def _assign(variables: Sequence[Any], values: Sequence[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
