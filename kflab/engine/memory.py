"""What training a model takes in memory: an estimate from shapes and from the optimizer's own slots."""

from __future__ import annotations

import math
from collections.abc import Iterable

import keras

from kflab.catalog import Kind
from kflab.engine import objects
from kflab.engine.probe import Spec, Weights, item_bytes
from kflab.errors import KflabError
from kflab.experiment import Spec as ObjectSpec
from kflab.values import canonical

FLOAT_BYTES = 4
"""Bytes of one number of a gradient or an optimizer slot."""

_SIDE = 32


class OptimizerSlots:
    """How many numbers each optimizer keeps for one weight, asked of the optimizer itself and remembered."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bytes], float] = {}

    def per_weight(self, optimizer: ObjectSpec) -> float:
        """Numbers kept for one trainable weight: 2 for Adam, 0 for plain SGD and for what cannot be made."""
        key = (optimizer.name, canonical(optimizer.arguments))
        if key not in self._known:
            self._known[key] = _slots(optimizer)
        return self._known[key]


def _slots(optimizer: ObjectSpec) -> float:
    try:
        made = objects.make(Kind.OPTIMIZER, optimizer.name, optimizer.arguments)
    except KflabError:
        return 0.0  # what is wrong with the optimizer is told where its settings are checked
    assert isinstance(made, keras.optimizers.Optimizer)
    # An optimizer that factors its slots keeps fewer numbers than the weight has, so numbers are counted and
    # not variables; a square is what weights are like.
    with keras.device("cpu:0"):
        made.build([keras.Variable(initializer="zeros", shape=(_SIDE, _SIDE))])
    kept: int = sum(math.prod(variable.shape) for variable in made.variables if len(variable.shape))
    return kept / _SIDE**2


def activation_bytes(outputs: Iterable[Spec], batch: int) -> int:
    """Bytes of what one call returns for one batch; axes of unknown size count as 1."""
    return sum(
        batch * math.prod(size or 1 for size in spec.shape[1:]) * item_bytes(spec.dtype) for spec in outputs
    )


def training_bytes(weights: Weights, slots: float, activations: int) -> int:
    """Bytes that training takes: weights, gradients, optimizer slots and the activations of one batch."""
    return weights.bytes + round(weights.trainable * (1 + slots) * FLOAT_BYTES) + activations
