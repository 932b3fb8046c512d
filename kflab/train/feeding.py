"""How the samples of a split go to the steps: arrays where they are in memory, else batches that are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kflab.data.arrays import Array
from kflab.data.batches import Batches, Order, ReadOrders, as_fed, as_one
from kflab.data.class_weights import Weights
from kflab.data.parts import Part
from kflab.graph.nodes import Graph
from kflab.train.orders import Orders


@dataclass(frozen=True)
class Fed:
    """The samples of a split as steps take them.

    Attributes:
        samples: how many there are.
        batch_size: samples in a step; the last one of an epoch may have fewer.
        arrays: inputs, targets and, where they count differently, the weights of all samples, as Keras takes
            them; None where they are not in memory.
        batches: what reads them then.
        orders: tells the order of arrays in each epoch; None keeps it as it is.
    """

    samples: int
    batch_size: int
    arrays: tuple[Any, ...] | None = None
    batches: Batches | None = None
    orders: Order | None = None

    @property
    def steps(self) -> int:
        """The steps that take all samples once."""
        return math.ceil(self.samples / self.batch_size)

    @property
    def arguments(self) -> Mapping[str, object]:
        """The samples as arguments of Keras' `fit` and `evaluate`."""
        if self.arrays is None:
            return {"x": self.batches}
        names = ("x", "y", "sample_weight")
        given = [list(value) if isinstance(value, tuple) else value for value in self.arrays]
        return {**dict(zip(names, given, strict=False)), "batch_size": self.batch_size}

    def order_of(self, epoch: int) -> Array | None:
        """The order of the arrays in an epoch, counted from 0; None where it is their own."""
        return None if self.orders is None else self.orders.of(epoch)


def fed_with(
    part: Part,
    graph: Graph,
    *,
    batch_size: int,
    seed: int | None = None,
    shuffle: bool = False,
    weights: Weights | None = None,
    as_batches: bool = False,
    in_read_order: bool = False,
) -> Fed:
    """How a split goes to the steps.

    Args:
        part: the samples.
        graph: the model.
        batch_size: samples in a step.
        seed: what order and augmentation follow; None for samples that are only looked at.
        shuffle: whether their order changes with each epoch.
        weights: how much the samples count, by their class.
        as_batches: whether threads put batches together where the samples are in memory, too.
        in_read_order: whether their order is that of samples that are read, where they are in memory, too.
    """
    count = len(part)
    is_read = in_read_order or not part.in_memory
    orders = (ReadOrders if is_read else Orders)(count, seed) if shuffle and seed is not None else None
    if as_batches or not part.in_memory:
        batches = Batches(
            part, graph, batch_size=batch_size, seed=seed, shuffle=shuffle, orders=orders, weights=weights
        )
        return Fed(count, batch_size, batches=batches)
    fed: tuple[Any, ...] = as_fed(graph, part.inputs, part.targets)
    if weights is not None:
        fed = (*fed, as_one(list(weights.of(part.read(slice(None))[1], graph))))
    return Fed(count, batch_size, arrays=fed, orders=orders)
