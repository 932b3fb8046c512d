"""Writes the decision surface of a model with one input of two numbers, as training goes."""

# ruff: noqa: ARG002 - Keras decides what a callback is given

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path

import keras
import msgspec
import numpy as np

from kflab.catalog.dataset_types import TargetInfo, TargetKind
from kflab.catalog.looks import Points
from kflab.data.arrays import Array
from kflab.data.parts import Splits
from kflab.graph.nodes import Graph
from kflab.runs.surface import SURFACE, Surface
from kflab.whole_files import write_whole

COLUMNS, ROWS = 72, 48
"""The places of the plane that the model is asked about."""

MOST_POINTS = 600
"""The training samples that are drawn on it."""

SHARE = 0.008
"""How much of the training's time surfaces may take."""

INTERVAL = 1.0
"""Seconds between two surfaces at least."""

_CLASS_KINDS = (TargetKind.CLASSES, TargetKind.BINARY, TargetKind.ONE_HOT)


def surface_writer(run_dir: Path, graph: Graph, model: keras.Model, splits: Splits) -> SurfaceWriter | None:
    """What writes the surface of a model with one input of two numbers and one output of classes."""
    inputs, outputs = graph.input_names(), graph.output_names()
    if len(inputs) != 1 or len(outputs) != 1 or tuple(model.inputs[0].shape[1:]) != (2,):
        return None
    held = splits.fitted.held.get(outputs[0])
    if not isinstance(held, TargetInfo) or held.kind not in _CLASS_KINDS or len(model.outputs[0].shape) != 2:
        return None
    rows = np.linspace(0, len(splits.train) - 1, min(MOST_POINTS, len(splits.train))).astype("int64")
    fed, against = splits.train.read(np.unique(rows))
    return SurfaceWriter(run_dir, fed[inputs[0]], _numbers(against[outputs[0]]), held.labels)


def _numbers(targets: Array) -> Array:
    one_hot = targets.ndim == 2 and targets.shape[1] > 1
    numbers: Array = targets.argmax(axis=1) if one_hot else targets.reshape(len(targets)).astype("int64")
    return numbers


class SurfaceWriter(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Writes a surface at the end of an epoch, as often as it costs next to nothing.

    Args:
        run_dir: the run folder.
        samples: training samples as the model gets them.
        classes: the class of each.
        labels: the names of the classes.
    """

    def __init__(self, run_dir: Path, samples: Array, classes: Array, labels: tuple[str, ...]) -> None:
        super().__init__()
        self._path = run_dir / SURFACE
        self._points = Points(
            xs=tuple(samples[:, 0].tolist()),
            ys=tuple(samples[:, 1].tolist()),
            classes=tuple(classes.tolist()),
            labels=labels or tuple(str(number) for number in range(int(classes.max(initial=0)) + 1)),
        )
        low, high = samples.min(axis=0).astype("float64"), samples.max(axis=0).astype("float64")
        edge = np.where(high > low, (high - low) * 0.08, 0.5)
        (self._left, self._bottom), (self._right, self._top) = low - edge, high + edge
        xs, ys = np.linspace(self._left, self._right, COLUMNS), np.linspace(self._top, self._bottom, ROWS)
        self._grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2).astype("float32")
        self._next = 0.0
        self._is_warm = False
        self._epoch = 0

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Lets the first steps go by: they tell nothing yet."""
        self._next = time.monotonic() + INTERVAL

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Writes a surface, unless it is too early for another."""
        self._epoch = epoch + 1
        if time.monotonic() >= self._next:
            self._write()

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Writes the last surface."""
        self._write()

    def _write(self) -> None:
        began = time.monotonic()
        answer = np.asarray(self.model.predict_on_batch(self._grid))
        classes, certainty = decided(answer)
        surface = Surface(
            epoch=self._epoch,
            columns=COLUMNS,
            rows=ROWS,
            left=float(self._left),
            right=float(self._right),
            bottom=float(self._bottom),
            top=float(self._top),
            classes=classes.tobytes(),
            certainty=certainty.tobytes(),
            points=self._points,
        )
        with contextlib.suppress(OSError):  # A picture is not worth a run.
            write_whole(self._path, msgspec.json.encode(surface), mode=0o600, durable=False)
        took = time.monotonic() - began
        # The first one takes longer, as the backend prepares for it, and tells nothing of the others.
        self._next = began + (max(INTERVAL, took / SHARE) if self._is_warm else 2 * INTERVAL)
        self._is_warm = True


def decided(answer: Array) -> tuple[Array, Array]:
    """The class of each row of a model's output, and how certain it is, 0 to 255.

    Probabilities are taken as they are; other numbers are logits. One number a row is that of class 1.
    """
    values = np.nan_to_num(answer.reshape(len(answer), -1).astype("float64"), posinf=1e6, neginf=-1e6)
    if values.shape[1] == 1:
        is_share = ((values >= 0) & (values <= 1)).all()
        second = values[:, 0] if is_share else 1 / (1 + np.exp(-np.clip(values[:, 0], -500, 500)))
        shares = np.stack([1 - second, second], axis=1)
    elif (values >= 0).all() and np.allclose(values.sum(axis=1), 1, atol=1e-3):
        shares = values
    else:
        raised = np.exp(values - values.max(axis=1, keepdims=True))
        shares = raised / raised.sum(axis=1, keepdims=True)
    count = shares.shape[1]
    certainty = (shares.max(axis=1) - 1 / count) / (1 - 1 / count)
    classes: Array = shares.argmax(axis=1).astype("uint8")
    return classes, np.clip(certainty * 255, 0, 255).astype("uint8")
