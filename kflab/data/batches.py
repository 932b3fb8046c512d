"""Samples in batches for Keras, read and prepared ahead of the training, whatever its backend is."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol, TypeAlias

import keras
import numpy as np

from kflab.data.arrays import Array
from kflab.data.class_weights import Weights
from kflab.data.parts import Part
from kflab.graph.nodes import Graph

Fed: TypeAlias = tuple[Any, ...]
"""What `fit` takes of a batch: inputs, targets, and the weights of the samples where they have any."""

_AHEAD = 8
"""How many batches are read before they are asked for; so many are in memory at once."""

_MOST_THREADS = 8

_ORDER, _AUGMENT = 1, 2
"""What random numbers are for, so that no two things draw the same ones."""


def order_of(count: int, seed: int, epoch: int) -> Array:
    """The order of training samples in an epoch: a function of nothing but the seed and the epoch.

    Args:
        count: how many there are.
        seed: the training's seed.
        epoch: the epoch, counted from 0.
    """
    numbers = np.arange(count, dtype="int32" if count < 2**31 else "int64")
    np.random.default_rng([seed, _ORDER, epoch]).shuffle(numbers)
    return numbers


class Order(Protocol):
    """Tells the order of the training samples."""

    def of(self, epoch: int) -> Array:
        """The numbers of the samples in an epoch, counted from 0."""
        ...


class ReadOrders:
    """The orders of training samples that are read: `order_of` each epoch.

    Args:
        count: how many there are.
        seed: the training's seed.
    """

    def __init__(self, count: int, seed: int) -> None:
        self._count, self._seed = count, seed

    def of(self, epoch: int) -> Array:
        """The numbers of the samples in an epoch, counted from 0."""
        return order_of(self._count, self._seed, epoch)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """The batches of a split.

    Samples are read by threads of its own, a few batches ahead. What a batch holds depends on seed, epoch and
    its number alone, so that training can go on later as if it had never stopped.

    Args:
        part: the samples.
        graph: the model, which tells the order of inputs and outputs.
        batch_size: samples in a batch; the last one may have fewer.
        seed: what order and augmentation follow; None keeps the order and augments nothing.
        shuffle: whether the order changes with each epoch.
        orders: tells it then; nothing given: it is that of `order_of`.
        weights: how much the samples count, by their class.

    Attributes:
        failure: the error that ended the reading, in the words it was raised with: the backend in between may
            wrap it in its own.
        waited: seconds that a batch was waited for in all, because it was not read yet.
    """

    def __init__(
        self,
        part: Part,
        graph: Graph,
        *,
        batch_size: int,
        seed: int | None = None,
        shuffle: bool = True,
        orders: Order | None = None,
        weights: Weights | None = None,
    ) -> None:
        super().__init__(workers=1)
        self.failure: Exception | None = None
        self.waited = 0.0
        self._part, self._graph, self._weights = part, graph, weights
        self._batch_size, self._seed = batch_size, seed
        self._order = None if seed is None or not shuffle else orders or ReadOrders(len(part), seed)
        self._epoch = 0
        self._orders: dict[int, Array] = {}
        threads = min(_MOST_THREADS, max(2, os.cpu_count() or 1))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="batches")
        self._ahead: dict[_Unit, Future[Fed]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return math.ceil(len(self._part) / self._batch_size)

    @property
    def whole(self) -> int:
        """How many of them have all the samples that a batch has; the last one may have fewer."""
        return len(self._part) // self._batch_size

    @property
    def bytes_of_batch(self) -> int:
        """About how many bytes a batch takes."""
        rows = (*self._part.inputs.values(), *self._part.targets.values())
        return self._batch_size * sum(math.prod(one.shape[1:]) * one.dtype.itemsize for one in rows)

    def __getitem__(self, index: int) -> Fed:
        """The batch with a number; those after it begin to be read."""
        return self._read(index, 1)

    def several(self, begin: int, count: int) -> Fed:
        """So many batches from one on, stacked along a new first axis; those after them begin to be read.

        Raises:
            ValueError: the last of them has fewer samples than the others.
        """
        if not 0 < count <= self.whole - begin:
            raise ValueError(f"{count} batches from {begin} on of {self.whole} whole ones")
        shape = (count, self._batch_size)
        stacked = _each(self._read(begin, count), lambda array: array.reshape(*shape, *array.shape[1:]))
        assert isinstance(stacked, tuple)
        return stacked

    def _read(self, begin: int, count: int) -> Fed:
        with self._lock:
            asked_for = _Unit(self._epoch, begin, count)
            wanted = [asked_for, *self._following(asked_for)]
            # What was read ahead in other portions is of no use any more.
            for unit in self._ahead.keys() - set(wanted):
                self._ahead.pop(unit).cancel()
            for unit in wanted:
                if unit not in self._ahead:
                    self._ahead[unit] = self._pool.submit(self._make, unit, self._rows(unit))
            batch = self._ahead.pop(asked_for)
        asked = time.monotonic()
        try:
            return batch.result()
        except Exception as error:
            self.failure = self.failure or error
            raise
        finally:
            self.waited += time.monotonic() - asked

    def _following(self, unit: _Unit) -> Iterator[_Unit]:
        """What will be asked for next, in portions of the same size; in training, of the next epoch, too."""
        epoch, begin, count = unit.epoch, unit.begin + unit.length, unit.length
        size = count
        for _ in range(max(2, math.ceil(_AHEAD / size))):
            if begin >= len(self):
                if self._seed is None:
                    return
                epoch, begin = epoch + 1, 0
            count = min(size, self.whole - begin) if begin < self.whole else 1
            yield _Unit(epoch, begin, count)
            begin += count

    def at_epoch(self, epoch: int) -> None:
        """Go to an epoch, counted from 0; what was read ahead of another one is dropped."""
        with self._lock:
            self._epoch = epoch
            for unit in [unit for unit in self._ahead if unit.epoch != epoch]:
                self._ahead.pop(unit).cancel()

    def close(self) -> None:
        """Stop reading."""
        with self._lock:
            for batch in self._ahead.values():
                batch.cancel()
            self._ahead.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _rows(self, unit: _Unit) -> Array:
        """The numbers of the samples of some batches."""
        start, count = unit.begin * self._batch_size, len(self._part)
        end = min(start + unit.length * self._batch_size, count)
        if self._order is None:
            return np.arange(start, end)
        if unit.epoch not in self._orders:
            self._orders = {epoch: order for epoch, order in self._orders.items() if epoch == unit.epoch - 1}
            self._orders[unit.epoch] = self._order.of(unit.epoch)
        return self._orders[unit.epoch][start:end]

    def _make(self, unit: _Unit, rows: Array) -> Fed:
        if self._seed is None or self._part.augment is None:
            return self._fed(*self._part.read(rows))
        # What augmentation draws goes by the number of the batch, however many are read at once.
        starts = range(0, len(rows), self._batch_size)
        made = [
            self._fed(*self._part.augment(rows[start : start + self._batch_size], key))
            for index, start in enumerate(starts, start=unit.begin)
            for key in [(self._seed, _AUGMENT, unit.epoch, index)]
        ]
        return made[0] if len(made) == 1 else _joined(made)

    def _fed(self, inputs: dict[str, Array], targets: dict[str, Array]) -> Fed:
        # Where Keras is given batches, TensorFlow wants something for an output that is held against nothing.
        nothing = np.zeros((len(next(iter(inputs.values()))), 1), "float32")
        targets = {name: targets.get(name, nothing) for name in self._graph.output_names()}
        fed = as_fed(self._graph, inputs, targets)
        return fed if self._weights is None else (*fed, as_one(self._weights.of(targets, self._graph)))


class _Unit(NamedTuple):
    """Batches of an epoch that are read at once."""

    epoch: int
    begin: int
    length: int


def _each(value: Any, change: Callable[[Array], Array]) -> Any:
    return tuple(_each(one, change) for one in value) if isinstance(value, tuple) else change(value)


def _joined(made: Sequence[Any]) -> Any:
    if isinstance(made[0], tuple):
        return tuple(_joined(parts) for parts in zip(*made, strict=True))
    return np.concatenate(made)


def as_fed(graph: Graph, inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> Fed:
    """Inputs and targets as the model takes them: in its own order, alone where there is one.

    An output that is held against nothing has None for its target.
    """
    return (
        as_one([inputs[name] for name in graph.input_names()]),
        as_one([targets.get(name) for name in graph.output_names()]),
    )


def as_one(values: list[Any]) -> Any:
    """What stands for a list in a call of Keras: what it holds, where that is one."""
    return values[0] if len(values) == 1 else tuple(values)


@contextlib.contextmanager
def open_batches(*some: Batches | None) -> Iterator[None]:
    """Batches that are closed when the work with them is done; an error of their reading is raised as it was.

    Raises:
        Exception: what ended the reading.
    """
    try:
        yield
    except Exception:
        for batches in some:
            if batches is not None and batches.failure is not None:
                raise batches.failure from None
        raise
    finally:
        for batches in some:
            if batches is not None:
                batches.close()
