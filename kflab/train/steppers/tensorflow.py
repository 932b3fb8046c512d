"""Steps on TensorFlow: many of them in one call of a function that takes its batches from tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kflab.data.arrays import Array
from kflab.train.feeding import Fed
from kflab.train.steppers.stepper import Made

Step = Callable[[Any], Mapping[str, Any]]
"""A step of the model: what it is given of a batch, and the logs that it returns."""


class TensorFlowStepper:
    """Makes the steps of a model on TensorFlow.

    A step is Keras' own (`train_step`, `test_step`). However many are made at once, it is the same loop of
    the same function that makes them, so their number changes no bit of the result.

    Args:
        model: the compiled model.
        fed: the training samples.
        jit_compile: whether XLA compiles the steps.
    """

    def __init__(self, model: keras.Model, fed: Fed, *, jit_compile: bool = False) -> None:
        self._model, self._fed, self._jit = model, fed, jit_compile
        self._train = _made(model, fed, model.train_step, jit_compile=jit_compile)
        self._tests: dict[int, _Steps] = {}
        if model.optimizer is not None:
            model.optimizer.build(model.trainable_variables)
        self._train.trace()

    def begin_epoch(self, epoch: int, *, fresh: bool = True) -> None:
        """Goes to an epoch, counted from 0; unless `fresh`, the metrics go on from where they are."""
        if fresh:
            self._model.reset_metrics()
        self._train.begin_epoch(epoch)

    def train(self, step: int, count: int) -> Made:
        """Makes `count` steps of the epoch at hand, from the one with index `step` on."""
        return self._train.make(step, count)

    def evaluate(self, fed: Fed, *, begin: int, count: int) -> Made:
        """Makes steps of an evaluation; with `begin` 0 the metrics start anew."""
        steps = self._tests.get(id(fed))
        if steps is None:
            steps = self._tests[id(fed)] = _made(
                self._model, fed, self._model.test_step, jit_compile=self._jit
            )
        if begin == 0:
            self._model.reset_metrics()
        return steps.make(begin, count)

    def settle(self) -> None:
        """The variables of the model are always up to date."""

    def take_up(self) -> None:
        """What is changed in the variables of the model holds from the next step on."""

    def wait(self, made: Made) -> None:
        """Waits until the device has made these steps."""
        np.asarray(made.losses)


def _made(model: keras.Model, fed: Fed, step: Step, *, jit_compile: bool) -> _Steps:
    # As Keras does: a step is a function of its own, which is all that XLA compiles.
    compiled = tf.function(step, autograph=False, reduce_retracing=True, jit_compile=jit_compile or None)
    return _FromArrays(model, fed, compiled) if fed.batches is None else _FromBatches(fed, compiled)


class _Steps:
    """Steps over the samples of a split."""

    def begin_epoch(self, epoch: int) -> None:
        """Goes to an epoch."""
        raise NotImplementedError

    def trace(self) -> None:
        """Makes the function of the step, and with it every variable that a step needs."""
        raise NotImplementedError

    def make(self, begin: int, count: int) -> Made:
        """Makes steps."""
        raise NotImplementedError


class _FromArrays(_Steps):
    def __init__(self, model: keras.Model, fed: Fed, step: Step) -> None:
        self._model, self._fed, self._step = model, fed, step
        self._whole = fed.samples // fed.batch_size
        self._arrays = tf.nest.map_structure(_tensor, fed.arrays)
        self._order: tf.Tensor | None = None
        self._many = tf.function(self._steps, autograph=False, reduce_retracing=True)
        self._rest = tf.function(self._last, autograph=False, reduce_retracing=True)
        if fed.orders is not None:
            self._order = tf.range(fed.samples, dtype=tf.int64)

    def begin_epoch(self, epoch: int) -> None:
        order = self._fed.order_of(epoch)
        if order is not None:
            self._order = tf.constant(order, dtype=tf.int64)

    def trace(self) -> None:
        if self._whole:
            self._many.get_concrete_function(tf.constant(0), tf.constant(1), self._order)
        else:
            self._rest.get_concrete_function(self._order)

    def make(self, begin: int, count: int) -> Made:
        whole = min(count, self._whole - begin)
        made = None
        if whole > 0:
            made = Made(*self._many(tf.constant(begin), tf.constant(whole), self._order))
        if count > max(whole, 0):
            logs, loss = self._rest(self._order)
            losses = loss if made is None else tf.concat([made.losses, loss], 0)
            made = Made(logs, losses)
        assert made is not None, "no steps were asked for"
        return made

    def _steps(self, begin: Any, count: Any, order: Any) -> tuple[Mapping[str, Any], Any]:
        def body(index: Any, losses: Any) -> tuple[Any, Any]:
            first = (begin + index) * self._fed.batch_size
            logs = self._step(self._batch(first, self._fed.batch_size, order))
            return index + 1, losses.write(index, tf.cast(logs["loss"], tf.float32))

        _, losses = tf.while_loop(
            lambda index, _: index < count,
            body,
            (tf.constant(0), tf.TensorArray(tf.float32, size=count)),
            parallel_iterations=1,
        )
        return self._model.get_metrics_result(), losses.stack()

    def _last(self, order: Any) -> tuple[Mapping[str, Any], Any]:
        first = self._whole * self._fed.batch_size
        logs = self._step(self._batch(tf.constant(first), self._fed.samples - first, order))
        return logs, tf.cast(logs["loss"], tf.float32)[None]

    def _batch(self, first: Any, size: int, order: Any) -> Any:
        if order is None:
            return tf.nest.map_structure(
                lambda array: None if array is None else _rows(array, first, size), self._arrays
            )
        rows = tf.slice(order, [first], [size])
        return tf.nest.map_structure(
            lambda array: None if array is None else tf.gather(array, rows), self._arrays
        )


class _FromBatches(_Steps):
    def __init__(self, fed: Fed, step: Step) -> None:
        self._fed, self._step = fed, step

    def begin_epoch(self, epoch: int) -> None:
        if self._fed.batches is not None:
            self._fed.batches.at_epoch(epoch)

    def trace(self) -> None:
        """The first batch has to be read for that."""
        self._step.get_concrete_function(self._batch(0))  # type: ignore[attr-defined]

    def make(self, begin: int, count: int) -> Made:
        losses = []
        logs: Mapping[str, Any] = {}
        for index in range(begin, begin + count):
            logs = self._step(self._batch(index))
            losses.append(tf.cast(logs["loss"], tf.float32))
        return Made(logs, tf.stack(losses))

    def _batch(self, index: int) -> Any:
        assert self._fed.batches is not None
        return tf.nest.map_structure(_tensor, self._fed.batches[index])


def _rows(array: Any, first: Any, size: int) -> Any:
    return tf.slice(array, [first, *[0] * (array.shape.rank - 1)], [size, *array.shape[1:]])


def _tensor(array: Array | None) -> Any:
    """An array as Keras gives it to its steps: numbers with a fraction in the default precision."""
    if array is None:
        return None
    is_float = np.issubdtype(array.dtype, np.floating)
    return tf.convert_to_tensor(array, dtype=keras.config.floatx() if is_float else None)
