"""Steps on several devices of one machine with TensorFlow: each makes its share of every batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from kflab.train.feeding import Fed
from kflab.train.steppers.direct import Direct, tensor
from kflab.train.steppers.stepper import Made
from kflab.train.steppers.variables import make_variables

Step = Callable[[Any], object]
"""A step of the model on one replica, given its share of a batch."""

_HOST = "CPU:0"
"""Where arrays lie, of which each device is given its share: so they are there once."""


class ReplicaStepper(Direct):
    """Makes the steps of a model that was built for several devices (`tf.distribute.MirroredStrategy`).

    As with `fit`, each device has a replica of the model and takes its share of a batch, the mean of their
    gradients changes all replicas alike, and BatchNormalization looks at the share alone. Metrics are those
    of the whole batch. A last batch of fewer samples that cannot be shared out evenly is made as a whole by
    each, to the same result: with uneven shares some samples would count more than others.

    Args:
        model: the compiled model, which was built in the scope of a strategy.
        fed: the training samples.
    """

    def __init__(self, model: keras.Model, fed: Fed) -> None:
        self._model = model
        self._train = _Steps(model, fed, model.train_step)
        self._tests: dict[int, tuple[Fed, _Steps]] = {}
        self._train.begin_epoch(0)
        with model.distribute_strategy.scope():
            make_variables(model, self._train.few(), lambda look, batch: look(batch))

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
        if id(fed) not in self._tests:
            self._tests[id(fed)] = fed, _Steps(self._model, fed, self._model.test_step)
        steps = self._tests[id(fed)][1]
        if begin == 0:
            self._model.reset_metrics()
            steps.begin_epoch(0)
        return steps.make(begin, count)


def share_of(samples: int, replica: int, replicas: int) -> tuple[int, int]:
    """The first sample of a replica's share of a batch, and how many it takes; they differ by one at most."""
    each, more = divmod(samples, replicas)
    return replica * each + min(replica, more), each + (replica < more)


class _Steps:
    """Steps over the samples of a split."""

    def __init__(self, model: keras.Model, fed: Fed, step: Step) -> None:
        self._model, self._fed, self._step = model, fed, step
        self._strategy = model.distribute_strategy
        self._replicas = int(self._strategy.num_replicas_in_sync)
        self._whole = fed.samples // fed.batch_size
        with tf.device(_HOST):
            self._arrays = tf.nest.map_structure(tensor, fed.arrays)
            self._order: Any = tf.range(fed.samples, dtype=tf.int64)
        self._many = tf.function(self._loop, autograph=False)
        self._rest = tf.function(self._last, autograph=False)
        self._given = tf.function(self._of_shares, autograph=False, reduce_retracing=True)

    def begin_epoch(self, epoch: int) -> None:
        """Goes to an epoch, counted from 0."""
        if self._fed.batches is not None:
            self._fed.batches.at_epoch(epoch)
        elif (order := self._fed.order_of(epoch)) is not None:
            with tf.device(_HOST):
                self._order = tf.constant(order, dtype=tf.int64)

    def few(self) -> Any:
        """A sample for each device, as steps take them."""
        if self._fed.batches is not None:
            return tf.nest.map_structure(
                lambda array: None if array is None else tensor(array[: self._replicas]),
                self._fed.batches[0],
            )
        return self._taken(0, min(self._replicas, self._fed.samples), self._order)

    def make(self, begin: int, count: int) -> Made:
        """Makes steps."""
        if self._fed.batches is not None:
            return self._of_batches(begin, count)
        parts: list[Any] = []
        logs: Mapping[str, Any] = {}
        whole = min(count, self._whole - begin)
        if whole > 0:
            logs, losses = self._many(tf.constant(begin, tf.int64), tf.constant(whole), self._order)
            parts.append(losses)
        if count > max(whole, 0):
            logs, losses = self._rest(self._order)
            parts.append(losses)
        return Made(logs, tf.concat(parts, 0))

    def _loop(self, begin: Any, count: Any, order: Any) -> tuple[Mapping[str, Any], Any]:
        size = self._fed.batch_size

        def body(index: Any, losses: Any) -> tuple[Any, Any]:
            self._shared((begin + tf.cast(index, tf.int64)) * size, size, order)
            return index + 1, losses.write(index, self._loss())

        _, losses = tf.while_loop(
            lambda index, _: index < count,
            body,
            (tf.constant(0), tf.TensorArray(tf.float32, size=count, element_shape=())),
            parallel_iterations=1,
        )
        return self._model.get_metrics_result(), losses.stack()

    def _last(self, order: Any) -> tuple[Mapping[str, Any], Any]:
        first = self._whole * self._fed.batch_size
        self._shared(tf.constant(first, tf.int64), self._fed.samples - first, order)
        return self._model.get_metrics_result(), self._loss()[None]

    def _shared(self, first: Any, size: int, order: Any) -> None:
        """Has each device make its share of a step."""

        def make(replica: int) -> None:
            begin, share = self._share(size, replica)
            self._step(self._taken(first + begin, share, order))

        self._run(make, is_shared=self._is_shared(size))

    def _is_shared(self, samples: int) -> bool:
        """Whether replicas share a batch; else each makes all of it."""
        return samples % self._replicas == 0 or (self._replicas < samples == self._fed.batch_size)

    def _share(self, samples: int, replica: int) -> tuple[int, int]:
        return share_of(samples, replica, self._replicas) if self._is_shared(samples) else (0, samples)

    def _run(self, make: Callable[[int], object], *, is_shared: bool) -> None:
        """Has each replica make what is its own of a step, given its number."""
        variables = self._model.metrics_variables

        def make_mine() -> None:
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            replica = int(tf.get_static_value(number))
            # Metrics are summed over the replicas: what all of them make is counted by one.
            is_counted = is_shared or replica == 0
            before = [] if is_counted else [tf.identity(variable.value) for variable in variables]
            make(replica)
            for variable, value in zip(variables, before, strict=False):
                variable.assign(value)

        self._strategy.run(make_mine)

    def _taken(self, first: Any, size: int, order: Any) -> Any:
        with tf.device(_HOST):
            rows = tf.slice(order, [first], [size])
            return tf.nest.map_structure(
                lambda array: None if array is None else tf.gather(array, rows), self._arrays
            )

    def _loss(self) -> Any:
        return tf.cast(self._model.get_metrics_result()["loss"], tf.float32)

    def _of_batches(self, begin: int, count: int) -> Made:
        assert self._fed.batches is not None
        losses = []
        logs: Mapping[str, Any] = {}
        for index in range(begin, begin + count):
            batch = self._fed.batches[index]
            samples = next(len(array) for array in tf.nest.flatten(batch) if array is not None)
            logs, loss = self._given(self._shares(batch, samples), self._is_shared(samples))
            losses.append(loss)
        return Made(logs, tf.stack(losses))

    def _shares(self, batch: Any, samples: int) -> tuple[Any, ...]:
        def share(replica: int) -> Any:
            begin, count = self._share(samples, replica)
            return tf.nest.map_structure(
                lambda array: None if array is None else tensor(array[begin : begin + count]), batch
            )

        with tf.device(_HOST):
            return tuple(share(replica) for replica in range(self._replicas))

    def _of_shares(self, shares: tuple[Any, ...], is_shared: bool) -> tuple[Mapping[str, Any], Any]:
        self._run(lambda replica: self._step(shares[replica]), is_shared=is_shared)
        return self._model.get_metrics_result(), self._loss()
