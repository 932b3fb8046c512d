"""What training a model takes in memory: an estimate from shapes and from the optimizer's own slots."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable

import keras
import msgspec

from kflab.catalog import Kind
from kflab.engine import objects
from kflab.engine.probe import Spec, Weights, item_bytes
from kflab.errors import KflabError
from kflab.experiment import Spec as ObjectSpec
from kflab.values import canonical

FLOAT_BYTES = 4
"""Bytes of one number of a gradient or an optimizer slot."""

_SIDE = 32


def slots_per_weight(optimizer: ObjectSpec) -> float:
    """Numbers that an optimizer keeps for one trainable weight: 2 for Adam, 0 for plain SGD.

    The optimizer itself is asked, and its answer remembered. One that cannot be made keeps nothing: what is
    wrong with it is told where its settings are checked.
    """
    return _slots(optimizer.name, canonical(optimizer.arguments))


@functools.lru_cache(maxsize=256)
def _slots(name: str, arguments: bytes) -> float:
    try:
        made = objects.make(Kind.OPTIMIZER, name, msgspec.json.decode(arguments))
    except KflabError:
        return 0.0
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
