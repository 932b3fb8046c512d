"""Steps on PyTorch: one after the other, on samples that lie on the device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import torch

from kflab.data.arrays import Array
from kflab.train.feeding import Fed
from kflab.train.steppers.direct import Direct, tensor
from kflab.train.steppers.stepper import Made
from kflab.train.steppers.variables import make_variables

Step = Callable[[Any], Mapping[str, Any]]
"""A step of the model: what it is given of a batch, and the logs that it returns."""


class TorchStepper(Direct):
    """Makes the steps of a model on PyTorch.

    A step is Keras' own (`train_step`, `test_step`), so that its results are those of `fit` to the bit.

    Args:
        model: the compiled model.
        fed: the training samples.
        jit_compile: whether `torch.compile` compiles the steps.
    """

    def __init__(self, model: keras.Model, fed: Fed, *, jit_compile: bool = False) -> None:
        self._model = model
        self._samples = _Samples(fed)
        self._samples.begin_epoch(0)
        with torch.no_grad():
            make_variables(model, self._samples.batch(0), lambda look, batch: look(batch))
        self._tests: dict[int, tuple[Fed, _Samples]] = {}
        self._step: Step = torch.compile(model.train_step) if jit_compile else model.train_step
        self._test_step: Step = torch.compile(model.test_step) if jit_compile else model.test_step

    def begin_epoch(self, epoch: int, *, fresh: bool = True) -> None:
        """Goes to an epoch, counted from 0; unless `fresh`, the metrics go on from where they are."""
        if fresh:
            self._model.reset_metrics()
        self._samples.begin_epoch(epoch)

    def train(self, step: int, count: int) -> Made:
        """Makes `count` steps of the epoch at hand, from the one with index `step` on."""
        # Layers of PyTorch's own ask the module what it is doing.
        self._model.train()
        try:
            return _made(self._step, self._samples, step, count)
        finally:
            self._model.eval()

    def evaluate(self, fed: Fed, *, begin: int, count: int) -> Made:
        """Makes steps of an evaluation; with `begin` 0 the metrics start anew."""
        if id(fed) not in self._tests:
            self._tests[id(fed)] = fed, _Samples(fed)
        samples = self._tests[id(fed)][1]
        if begin == 0:
            samples.begin_epoch(0)
            self._model.reset_metrics()
        with torch.no_grad():
            return _made(self._test_step, samples, begin, count)


class Losses:
    """The losses after some steps, which become an array of the host when they are asked for.

    Args:
        parts: the losses, on the device.
    """

    def __init__(self, parts: list[torch.Tensor]) -> None:
        self._parts = parts

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        del copy  # It always is one.
        losses: Array = torch.stack(self._parts).detach().to("cpu", torch.float32).numpy()
        return losses.astype(dtype or "float32")


def _made(step: Step, samples: _Samples, begin: int, count: int) -> Made:
    logs: Mapping[str, Any] = {}
    losses = []
    for index in range(begin, begin + count):
        logs = step(samples.batch(index))
        losses.append(torch.as_tensor(logs["loss"]).detach())
    return Made(logs, Losses(losses))


class _Samples:
    """The samples of a split: arrays on the device, or batches that are read as they are needed."""

    def __init__(self, fed: Fed) -> None:
        self._fed = fed
        self._arrays = keras.tree.map_structure(_tensor, fed.arrays)
        self._order: torch.Tensor | None = None
        self._begun: int | None = None

    def begin_epoch(self, epoch: int) -> None:
        """Goes to an epoch, counted from 0."""
        if self._fed.batches is not None:
            self._fed.batches.at_epoch(epoch)
        elif epoch != self._begun and (order := self._fed.order_of(epoch)) is not None:
            self._order = keras.ops.convert_to_tensor(order, dtype="int64")
        self._begun = epoch

    def batch(self, step: int) -> Any:
        """The batch of a step, on the device."""
        if self._fed.batches is not None:
            return keras.tree.map_structure(_tensor, self._fed.batches[step])
        first = step * self._fed.batch_size
        rows = slice(first, min(first + self._fed.batch_size, self._fed.samples))
        if self._order is None:
            return keras.tree.map_structure(
                lambda array: None if array is None else array[rows], self._arrays
            )
        chosen = self._order[rows]
        return keras.tree.map_structure(
            lambda array: None if array is None else array.index_select(0, chosen), self._arrays
        )


def _tensor(array: Array | None) -> Any:
    # A copy: PyTorch would share the memory of an array that somebody may still write to.
    return tensor(None if array is None else np.array(array))
