"""What callbacks know of a training: kept in a snapshot, given back to the callbacks of another process."""

from __future__ import annotations

import contextlib
import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from kflab.data.arrays import Array
from kflab.train.plain_state import NotPlainError, Packed, pack

State = dict[str, Any]
"""Attributes of a callback by their names."""


class CallbackStates:
    """The state of callbacks, whichever they are: every attribute with a plain value that training changed.

    What is still as it was when training began is a setting, or follows from one, and is left alone: paths
    stay those of the folder that the run is in now. What is no plain value (open files, the model) is made
    by `on_train_begin` in each process.

    Args:
        callbacks: the callbacks, right after their `on_train_begin`.
    """

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        self._callbacks = callbacks
        self._begun = [_looks(callback) for callback in callbacks]

    def take(self) -> list[tuple[str, State]]:
        """The class and the state of each callback; the values are theirs and not copied."""
        return [
            (type(callback).__name__, _changed(callback, begun))
            for callback, begun in zip(self._callbacks, self._begun, strict=True)
        ]

    def put_back(self, states: Sequence[tuple[str, State]]) -> None:
        """Gives each callback its state back.

        Raises:
            ValueError: they are the states of other callbacks.
        """
        kinds = [type(callback).__name__ for callback in self._callbacks]
        if kinds != [kind for kind, _ in states]:
            raise ValueError(f"it has the callbacks {', '.join(kind for kind, _ in states) or 'none'}")
        for callback, (_, state) in zip(self._callbacks, states, strict=True):
            for name, value in state.items():
                setattr(callback, name, value)


def let_train_on(callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Has a training that `EarlyStopping` ended go on as a person wants: its patience begins anew."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.EarlyStopping):
            callback.stopped_epoch = callback.wait = 0


def append_to_files(callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Has loggers go on with the files that are there; to be called before their `on_train_begin`."""
    for logger in _csv_loggers(callbacks):
        logger.append = True


def cut_files(callbacks: Sequence[keras.callbacks.Callback], epochs: int) -> None:
    """Cuts the tables of `CSVLogger` back to so many epochs: what follows is logged again.

    To be called after `append_to_files` and `on_train_begin`.

    Raises:
        OSError: a table can not be cut.
    """
    for logger in _csv_loggers(callbacks):
        path = Path(logger.filename)
        end = _end_of(path, logger.sep, epochs)
        os.truncate(path, end)
        logger.append_header = end == 0


def sync_files(callbacks: Sequence[keras.callbacks.Callback]) -> list[Path]:
    """The files that a snapshot must not be ahead of after a power cut."""
    return [Path(logger.filename) for logger in _csv_loggers(callbacks)]


def _csv_loggers(callbacks: Sequence[keras.callbacks.Callback]) -> list[keras.callbacks.CSVLogger]:
    return [callback for callback in callbacks if isinstance(callback, keras.callbacks.CSVLogger)]


def _end_of(path: Path, separator: str, epochs: int) -> int:
    """How many bytes of a table are its heading and the rows of the first epochs, each in one line."""
    end = 0
    column: int | None = None
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break  # torn by a kill
        cells = next(csv.reader([line.decode("utf-8", "replace")], delimiter=separator), [])
        if column is None:
            if "epoch" not in cells:
                break
            column = cells.index("epoch")
        elif not (len(cells) > column and cells[column].isdecimal() and int(cells[column]) < epochs):
            break
        end += len(line)
    return end if epochs else 0


def _looks(callback: keras.callbacks.Callback) -> Mapping[str, str]:
    """The plain attributes of a callback as text, to be compared later."""
    looks = {}
    for name, value in vars(callback).items():
        with contextlib.suppress(NotPlainError):
            arrays: list[Array] = []
            packed = pack(value, arrays)
            if not arrays:
                looks[name] = _text(packed)
    return looks


def _changed(callback: keras.callbacks.Callback, begun: Mapping[str, str]) -> State:
    state: State = {}
    for name, value in vars(callback).items():
        with contextlib.suppress(NotPlainError):
            arrays: list[Array] = []
            packed = pack(value, arrays)
            if arrays or begun.get(name) != _text(packed):
                state[name] = value
    return state


def _text(packed: Packed) -> str:
    return json.dumps(packed)
