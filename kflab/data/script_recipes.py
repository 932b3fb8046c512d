"""Plain functions that only scripts run: what kflab does a block at a time, done to arrays as a whole.

They need nothing of kflab, and tests hold what they make against what kflab makes. Their lines are at most
88 columns wide, which is what scripts have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from keras import ops

from kflab.data.arrays import Array


def prepared(layer: Callable[[Array], Any], *parts: Array) -> list[Array]:
    """What a preprocessing layer makes of each part of the samples, as arrays."""
    return [ops.convert_to_numpy(layer(part)) for part in parts]


def balanced(classes: Array) -> Array:
    """How much each sample counts, so that all classes count the same."""
    _, numbers, counts = np.unique(classes, return_inverse=True, return_counts=True)
    weights = counts.sum() / (len(counts) * counts)
    return weights[numbers].reshape(classes.shape)


def weighted(classes: Array, weights: Mapping[int, float]) -> Array:
    """How much each sample counts by its class; 1 where no weight is given."""
    table = np.ones(max(classes.max(), *weights) + 1)
    table[list(weights)] = list(weights.values())
    return table[classes]
