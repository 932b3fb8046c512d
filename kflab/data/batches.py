"""Samples in batches for Keras, read and prepared ahead of the training, whatever its backend is."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeAlias

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
        weights: Weights | None = None,
    ) -> None:
        super().__init__(workers=1)
        self.failure: Exception | None = None
        self.waited = 0.0
        self._part, self._graph, self._weights = part, graph, weights
        self._batch_size, self._seed, self._shuffle = batch_size, seed, shuffle and seed is not None
        self._epoch = 0
        self._order: tuple[int, Array] | None = None
        threads = min(_MOST_THREADS, max(2, os.cpu_count() or 1))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="batches")
        self._ahead: dict[tuple[int, int], Future[Fed]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return math.ceil(len(self._part) / self._batch_size)

    def __getitem__(self, index: int) -> Fed:
        """The batch with a number; those after it begin to be read."""
        with self._lock:
            epoch = self._epoch
            if self._shuffle and self._seed is not None and (self._order is None or self._order[0] != epoch):
                self._order = epoch, order_of(len(self._part), self._seed, epoch)
            for number in range(index, min(index + 1 + _AHEAD, len(self))):
                if (epoch, number) not in self._ahead:
                    rows = self._rows(number)
                    self._ahead[epoch, number] = self._pool.submit(self._make, epoch, number, rows)
            batch = self._ahead.pop((epoch, index))
        asked = time.monotonic()
        try:
            return batch.result()
        except Exception as error:
            self.failure = self.failure or error
            raise
        finally:
            self.waited += time.monotonic() - asked

    def at_epoch(self, epoch: int) -> None:
        """Go to an epoch, counted from 0; what was read ahead of another one is dropped."""
        with self._lock:
            if epoch == self._epoch:
                return
            self._epoch = epoch
            self._drop()

    def close(self) -> None:
        """Stop reading."""
        with self._lock:
            self._drop()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _drop(self) -> None:
        for batch in self._ahead.values():
            batch.cancel()
        self._ahead.clear()

    def _rows(self, index: int) -> Array:
        """The numbers of the samples of a batch of the epoch at hand."""
        start, count = index * self._batch_size, len(self._part)
        if self._order is not None:
            return self._order[1][start : start + self._batch_size]
        return np.arange(start, min(start + self._batch_size, count))

    def _make(self, epoch: int, index: int, rows: Array) -> Fed:
        if self._seed is not None and self._part.augment is not None:
            inputs, targets = self._part.augment(rows, (self._seed, _AUGMENT, epoch, index))
        else:
            inputs, targets = self._part.read(rows)
        # Where Keras is given batches, TensorFlow wants something for an output that is held against nothing.
        nothing = np.zeros((len(rows), 1), "float32")
        targets = {name: targets.get(name, nothing) for name in self._graph.output_names()}
        fed = as_fed(self._graph, inputs, targets)
        return fed if self._weights is None else (*fed, as_one(self._weights.of(targets, self._graph)))


class FollowEpochs(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Tells batches which epoch they are of, which may not begin at 0 when a training goes on."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:  # noqa: ARG002
        """Passes the epoch on."""
        self._batches.at_epoch(epoch)


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
