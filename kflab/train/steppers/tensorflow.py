"""Steps on TensorFlow: many of them in one call of a function that takes its batches from tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import keras
import tensorflow as tf

from kflab.data.batches import Batches
from kflab.train.feeding import Fed
from kflab.train.steppers.direct import Direct, tensor
from kflab.train.steppers.fusing import rounds_otherwise_in_a_loop
from kflab.train.steppers.stepper import Made
from kflab.train.steppers.variables import make_variables

Step = Callable[[Any], Mapping[str, Any]]
"""A step of the model: what it is given of a batch, and the logs that it returns."""


class TensorFlowStepper(Direct):
    """Makes the steps of a model on TensorFlow.

    A step is Keras' own (`train_step`, `test_step`), with the results of `fit` to the bit. However many are
    made at once, it is the same loop of the same function that makes them, so their number changes no bit of
    the result. Where a loop in the graph would round otherwise, each step is a call of its own.

    Args:
        model: the compiled model.
        fed: the training samples.
        jit_compile: whether XLA compiles the steps.
    """

    def __init__(self, model: keras.Model, fed: Fed, *, jit_compile: bool = False) -> None:
        self._model, self._fed, self._jit = model, fed, jit_compile
        self._train = _made(model, fed, model.train_step, jit_compile=jit_compile)
        self._tests: dict[int, _Steps] = {}
        # A function that makes variables is traced twice.
        make_variables(model, self._train.example(), _trace)
        self._train.trace()
        self._train.by_itself = self._train.by_itself and not jit_compile

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
            steps.by_itself = self._train.by_itself
        if begin == 0:
            self._model.reset_metrics()
        return steps.make(begin, count)


def _made(model: keras.Model, fed: Fed, step: Step, *, jit_compile: bool) -> _Steps:
    # As Keras does: a step is a function of its own, which is all that XLA compiles.
    compiled = tf.function(step, autograph=False, reduce_retracing=True, jit_compile=jit_compile or None)
    return (
        _FromArrays(model, fed, compiled)
        if fed.batches is None
        else _FromBatches(model, fed.batches, compiled)
    )


class _Steps(Protocol):
    """Steps over the samples of a split.

    Attributes:
        by_itself: each step is a call of its own, instead of many in a loop.
    """

    by_itself: bool

    def begin_epoch(self, epoch: int) -> None:
        """Goes to an epoch, counted from 0."""

    def example(self) -> Any:
        """What stands for a batch."""

    def trace(self) -> None:
        """Makes the function of the step, and finds out what it has to be."""

    def make(self, begin: int, count: int) -> Made:
        """Makes steps."""


class _FromArrays:
    def __init__(self, model: keras.Model, fed: Fed, step: Step) -> None:
        self._model, self._fed, self._step = model, fed, step
        self._arrays = tf.nest.map_structure(tensor, fed.arrays)
        self._order: tf.Tensor | None = None
        self._many = tf.function(self._steps, autograph=False, reduce_retracing=True)
        self._one = tf.function(self._alone, autograph=False, reduce_retracing=True)
        self.by_itself = False
        if fed.orders is not None:
            self._order = tf.range(fed.samples, dtype=tf.int64)

    def begin_epoch(self, epoch: int) -> None:
        order = self._fed.order_of(epoch)
        if order is not None:
            self._order = tf.constant(order, dtype=tf.int64)

    def example(self) -> Any:
        size = min(self._fed.batch_size, self._fed.samples)
        return tf.nest.map_structure(
            lambda array: None if array is None else tf.TensorSpec([size, *array.shape[1:]], array.dtype),
            self._arrays,
        )

    def trace(self) -> None:
        traced = self._many.get_concrete_function(tf.constant(0), tf.constant(1), self._order)
        self.by_itself = rounds_otherwise_in_a_loop(traced)

    def make(self, begin: int, count: int) -> Made:
        if not self.by_itself:
            return Made(*self._many(tf.constant(begin), tf.constant(count), self._order))
        steps = [self._one(tf.constant(step), self._order) for step in range(begin, begin + count)]
        return Made(*_joined(steps))

    def _alone(self, step: Any, order: Any) -> tuple[Mapping[str, Any], Any]:
        return _by_itself(self._model, self._step, self._batch(step, order))

    def _steps(self, begin: Any, count: Any, order: Any) -> tuple[Mapping[str, Any], Any]:
        return _in_a_loop(self._model, self._step, lambda index: self._batch(begin + index, order), count)

    def _batch(self, step: Any, order: Any) -> Any:
        samples, size = self._fed.samples, self._fed.batch_size
        first = step * size
        if samples % size:
            # As in `fit`, batches are of any size where the last one is smaller: TensorFlow rounds otherwise
            # where it knows the size beforehand.
            size = tf.minimum(size, samples - first)
        if order is None:
            return tf.nest.map_structure(
                lambda array: None if array is None else _rows(array, first, size), self._arrays
            )
        rows = tf.slice(order, [first], [size])
        return tf.nest.map_structure(
            lambda array: None if array is None else tf.gather(array, rows), self._arrays
        )


class _FromBatches:
    def __init__(self, model: keras.Model, batches: Batches, step: Step) -> None:
        self._model, self._batches, self._step = model, batches, step
        self._many: Any = None
        self._one: Any = None
        self.by_itself = False

    def begin_epoch(self, epoch: int) -> None:
        self._batches.at_epoch(epoch)

    def example(self) -> Any:
        """The first batch, which has to be read for that."""
        return tf.nest.map_structure(tensor, self._batches[0])

    def trace(self) -> None:
        self._make_functions(self.example())
        self.by_itself = rounds_otherwise_in_a_loop(self._many.get_concrete_function())

    def make(self, begin: int, count: int) -> Made:
        whole = min(count, self._batches.whole - begin)
        parts = [self._made(self._batches.several(begin, whole))] if whole > 0 else []
        if count > max(whole, 0):
            last = self._batches[begin + count - 1]
            parts.append(self._made(tf.nest.map_structure(lambda array: array[None], last)))
        assert parts, "no steps were asked for"
        return Made(parts[-1][0], tf.concat([losses for _, losses in parts], 0))

    def _made(self, batches: Any) -> tuple[Mapping[str, Any], Any]:
        given = tf.nest.map_structure(tensor, batches)
        if self._many is None:
            self._make_functions(_of_several(given, 0))
        if not self.by_itself:
            made: tuple[Mapping[str, Any], Any] = self._many(given)
            return made
        each = range(len(tf.nest.flatten(given)[0]))
        return _joined([self._one(_of_several(given, index)) for index in each])

    def _make_functions(self, batch: Any) -> None:
        """Makes the function of many steps, whatever their number, and that of one, for such batches.

        Their size is left open where the last one is smaller, as it is for arrays.
        """
        is_open = self._batches.whole < len(self._batches)

        def like(array: Any) -> Any:
            return tf.TensorSpec([None if is_open else array.shape[0], *array.shape[1:]], array.dtype)

        one = tf.nest.map_structure(like, batch)
        many = tf.nest.map_structure(lambda spec: tf.TensorSpec([None, *spec.shape], spec.dtype), one)
        self._one = tf.function(self._alone, autograph=False, input_signature=[one])
        self._many = tf.function(self._steps, autograph=False, input_signature=[many])

    def _alone(self, batch: Any) -> tuple[Mapping[str, Any], Any]:
        return _by_itself(self._model, self._step, batch)

    def _steps(self, batches: Any) -> tuple[Mapping[str, Any], Any]:
        count = tf.shape(tf.nest.flatten(batches)[0])[0]
        return _in_a_loop(self._model, self._step, lambda index: _of_several(batches, index), count)


def _in_a_loop(
    model: keras.Model, step: Step, batch: Callable[[Any], Any], count: Any
) -> tuple[Mapping[str, Any], Any]:
    """Makes so many steps in the graph; `batch` gives the samples of each."""

    def body(index: Any, losses: Any) -> tuple[Any, Any]:
        logs = step(batch(index))
        return index + 1, losses.write(index, tf.cast(logs["loss"], tf.float32))

    _, losses = tf.while_loop(
        lambda index, _: index < count,
        body,
        (tf.constant(0), tf.TensorArray(tf.float32, size=count)),
        parallel_iterations=1,
    )
    return model.get_metrics_result(), losses.stack()


def _by_itself(model: keras.Model, step: Step, batch: Any) -> tuple[Mapping[str, Any], Any]:
    """Makes one step in the graph."""
    loss = tf.cast(step(batch)["loss"], tf.float32)
    return model.get_metrics_result(), loss


def _joined(steps: list[tuple[Mapping[str, Any], Any]]) -> tuple[Mapping[str, Any], Any]:
    """The logs after steps that were made one by one, and the losses of all."""
    return steps[-1][0], tf.stack([loss for _, loss in steps])


def _trace(function: Callable[[Any], None], batch: Any) -> None:
    tf.function(function, autograph=False).get_concrete_function(batch)


def _rows(array: Any, first: Any, size: Any) -> Any:
    return tf.slice(array, [first, *[0] * (array.shape.rank - 1)], [size, *array.shape[1:]])


def _of_several(batches: Any, index: Any) -> Any:
    """One of several batches."""
    return tf.nest.map_structure(lambda array: array[index], batches)
