"""Plain functions that only scripts run: what kflab does a block at a time, done to arrays as a whole.

They need nothing of kflab, and tests hold what they make against what kflab makes. Their lines are at most
88 columns wide, which is what scripts have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
    weights: Array = counts.sum() / (len(counts) * counts)
    return weights[numbers].reshape(classes.shape)


def weighted(classes: Array, weights: Mapping[int, float]) -> Array:
    """How much each sample counts by its class; 1 where no weight is given."""
    table = np.ones(max(classes.max(), *weights) + 1)
    table[list(weights)] = list(weights.values())
    return table[classes]


def codes(words: Iterable[object]) -> Array:
    """The number of each word, counted in the order of the alphabet."""
    stripped = [str(word).strip() for word in np.asarray(words)]
    return np.unique(stripped, return_inverse=True)[1]


def one_hot(words: Iterable[object]) -> Array:
    """A column of 0s and 1s for each word, in the order of the alphabet."""
    numbers = codes(words)
    return np.eye(numbers.max() + 1, dtype="float32")[numbers]


def filled(values: Array, *parts: Array) -> list[Array]:
    """Each part of the samples with `values` where it has none."""
    return [np.where(np.isnan(part), values.astype(part.dtype), part) for part in parts]


def ragged(lists: Iterable[object], dtype: str) -> Array:
    """Lists of any length as an array of arrays."""
    rows = [np.array(values, dtype) for values in lists]
    made = np.empty(len(rows), dtype=object)
    for row, values in enumerate(rows):
        made[row] = values
    return made
