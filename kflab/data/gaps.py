"""Fills in missing values of a table with what the training samples have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kflab.data.arrays import Array
from kflab.data.rows import Rows

_SAMPLE = 1_000_000
_BLOCK = 65_536


@dataclass(frozen=True)
class Gaps:
    """How the missing values of an input are filled in.

    Attributes:
        how: `mean`, `median`, `zero` or `most_frequent`; of categories and of booleans the most frequent one,
            unless it is `zero`.
        groups: the first entry and the width of each column along the last axis.
        counted: the columns whose values are counted whatever `how` says: categories and booleans.
    """

    how: str
    groups: tuple[tuple[int, int], ...]
    counted: frozenset[int] = frozenset()

    def fit(self, train: Rows) -> Array:
        """What stands in for a missing value of each entry, told from the training samples alone.

        Medians and most frequent numbers come from a million samples at the most.
        """
        width = train.shape[-1] if len(train.shape) > 1 else 1
        values = np.zeros(width, "float32")
        if self.how == "zero":
            return values
        means = self._means(train, width)
        sample = _sample(train).reshape(-1, width)
        for index, (first, size) in enumerate(self.groups):
            if size > 1:
                values[first + int(np.argmax(means[first : first + size]))] = 1
            elif index in self.counted or self.how == "most_frequent":
                values[first] = _most_frequent(sample[:, first])
            elif self.how == "median":
                known = sample[:, first][~np.isnan(sample[:, first])]
                values[first] = np.median(known) if len(known) else 0
            else:
                values[first] = means[first]
        return values

    @staticmethod
    def _means(train: Rows, width: int) -> Array:
        total, count = np.zeros(width), np.zeros(width)
        for start in range(0, len(train), _BLOCK):
            block = train[start : start + _BLOCK].reshape(-1, width)
            known = ~np.isnan(block)
            total += np.where(known, block, 0).sum(axis=0, dtype="float64")
            count += known.sum(axis=0)
        means: Array = total / np.maximum(count, 1)
        return means


def fill(array: Array, values: Array) -> Array:
    """The samples with `values`, which `Gaps.fit` told, where they have none."""
    if not np.isnan(array).any():
        return array
    return np.where(np.isnan(array), values.astype(array.dtype), array)


def _sample(train: Rows) -> Array:
    if len(train) <= _SAMPLE:
        return train[:]
    return train[np.linspace(0, len(train) - 1, _SAMPLE).astype("int64")]


def _most_frequent(values: Array) -> float:
    known: Sequence[Array] = np.unique(values[~np.isnan(values)], return_counts=True)
    return float(known[0][np.argmax(known[1])]) if len(known[0]) else 0.0
