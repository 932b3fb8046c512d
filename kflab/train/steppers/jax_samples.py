"""The samples of a split on JAX: arrays on the device, or batches that are read as they are needed."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol, TypeAlias

import jax
import keras
import numpy as np

from kflab.data.arrays import Array
from kflab.train.feeding import Fed

Batch: TypeAlias = Any
"""Inputs, targets and weights of the samples of a step, as Keras takes them: nests of arrays and None."""


class Samples(Protocol):
    """Where the batches of a split come from."""

    def begin_epoch(self, epoch: int) -> None:
        """Goes to an epoch, counted from 0."""

    def batch(self, step: int) -> Batch:
        """The batch of a step of the epoch at hand, on the device."""


class Placement:
    """Where the arrays of a step lie: on one device, or spread over those of a distribution of Keras.

    Args:
        distribution: the distribution; None where there is one device.
    """

    def __init__(self, distribution: keras.distribution.DataParallel | None) -> None:
        self._distribution = distribution
        self._everywhere: Any = None
        if distribution is not None:
            mesh = distribution.device_mesh.backend_mesh
            self._everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
            self._spread = jax.sharding.NamedSharding(
                mesh, jax.sharding.PartitionSpec(distribution.batch_dim_name)
            )
            self._devices = int(distribution.device_mesh.devices.size)

    def whole(self, value: Array) -> jax.Array:
        """An array that is whole on every device."""
        # A copy: `jnp.asarray` would share the memory of an array that somebody may still write to.
        return jax.device_put(value, self._everywhere)

    def batch(self, batch: Batch) -> Batch:
        """The arrays of a batch, its samples spread over the devices."""
        if self._distribution is None:
            # The function of the step puts them there, faster than it is done by hand.
            return batch
        return jax.tree.map(lambda array: jax.device_put(array, self._of(len(array))), batch)

    def spread(self, batch: Batch) -> Batch:
        """The same within a function that JAX compiles."""
        if self._distribution is None:
            return batch
        return jax.tree.map(
            lambda array: jax.lax.with_sharding_constraint(array, self._of(array.shape[0])), batch
        )

    def _of(self, samples: int) -> Any:
        """How samples are laid out: on one device, spread, or, where they cannot be shared out, on each."""
        if self._distribution is None:
            return None
        # Each device then makes the whole step, to the same result.
        return self._everywhere if samples % self._devices else self._spread


class OnDevice:
    """Samples that lie on the device, from where batches are taken by their number.

    Args:
        fed: the samples, which are arrays.
        placement: where they are to lie.
    """

    def __init__(self, fed: Fed, placement: Placement) -> None:
        self._fed, self._placement = fed, placement
        self._begun: int | None = None
        self.arrays = jax.tree.map(lambda array: placement.whole(as_keras_takes(array)), fed.arrays)
        self.order: jax.Array | None = None
        self._take = jax.jit(self.take, static_argnums=3)

    def begin_epoch(self, epoch: int) -> None:
        """Puts the order of the epoch on the device."""
        if epoch != self._begun and self._fed.orders is not None:
            order = np.asarray(self._fed.order_of(epoch))
            self.order = self._placement.whole(
                order.astype("int32" if self._fed.samples < 2**31 else "int64")
            )
        self._begun = epoch

    def take(self, arrays: Batch, order: jax.Array | None, first: Any, size: int) -> Batch:
        """A batch of so many samples from a place of the order on; JAX can compile this.

        Args:
            arrays: all samples.
            order: the order of the epoch; None where it is that of the arrays.
            first: the place.
            size: how many.
        """
        if order is None:
            taken = jax.tree.map(
                partial(jax.lax.dynamic_slice_in_dim, start_index=first, slice_size=size), arrays
            )
        else:
            rows = jax.lax.dynamic_slice_in_dim(order, first, size)
            taken = jax.tree.map(lambda array: array.at[rows].get(mode="promise_in_bounds"), arrays)
        return self._placement.spread(taken)

    def batch(self, step: int) -> Batch:
        """The batch of a step."""
        first, size = bounds(self._fed, step)
        return self._take(self.arrays, self.order, first, size)


class Streamed:
    """Samples that are read batch by batch.

    Args:
        fed: the samples, which are read.
        placement: where batches are to lie.
    """

    def __init__(self, fed: Fed, placement: Placement) -> None:
        assert fed.batches is not None
        self._batches, self._placement = fed.batches, placement

    def begin_epoch(self, epoch: int) -> None:
        """Tells what reads them which epoch it is."""
        self._batches.at_epoch(epoch)

    def batch(self, step: int) -> Batch:
        """The batch of a step; while it is waited for, the device is at work on the steps before."""
        return self._placement.batch(jax.tree.map(as_keras_takes, self._batches[step]))


def bounds(fed: Fed, step: int) -> tuple[int, int]:
    """The place of the first sample of a step, and how many it has."""
    first = step * fed.batch_size
    return first, min(fed.batch_size, fed.samples - first)


def as_keras_takes(array: Array) -> Array:
    """An array as Keras gives it to its steps: numbers with a fraction in the default precision.

    Numbers of 64 bits become ones of 32 on the device, where JAX is not told otherwise.
    """
    if np.issubdtype(array.dtype, np.floating):
        return array.astype(keras.config.floatx(), copy=False)
    return array
