"""Models on disk: whole or not at all."""

from __future__ import annotations

import math
import time
from pathlib import Path

import keras

# Saving may take this part of the time at most, so that short epochs are not spent on writing files.
_SHARE = 0.01


def save_model(model: keras.Model, path: Path) -> None:
    """Writes the model as a `.keras` file; whoever reads the path finds the old file or the new one."""
    temporary = path.with_name(f".saving-{path.name}")
    try:
        model.save(temporary, overwrite=True)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
        self._waiting: list[object] | None = None
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
                self._waiting = model.get_weights()
        elif time.monotonic() >= self._next_save:
            self.finish(model)

    def finish(self, model: keras.Model) -> None:
        """Writes what is not written yet; the model has its own weights again afterwards."""
        if self._waiting is None:
            return
        own = model.get_weights()
        model.set_weights(self._waiting)
        self._waiting = None
        try:
            self._save(model)
        finally:
            model.set_weights(own)

    def _save(self, model: keras.Model) -> None:
        start = time.monotonic()
        save_model(model, self._path)
        end = time.monotonic()
        self._next_save = end + (end - start) / _SHARE
