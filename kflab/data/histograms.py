"""The distribution of numbers in bars whose edges can be read: 0, 20, 40 and not 3.7, 19.2, 34.7."""

from __future__ import annotations

import math

import numpy as np

from kflab.catalog.profiles import Bin
from kflab.data.arrays import Array

MOST_BINS = 20
"""The bars that a histogram has at most."""

_STEPS = (1, 2, 5, 10)
_LEAST_SPAN = 1e-290


def edges(low: float, high: float, *, whole: bool, most: int = MOST_BINS) -> list[float]:
    """Edges that hold all numbers from `low` to `high`, each a multiple of 1, 2 or 5 and a power of ten.

    Args:
        low: the least number.
        high: the greatest number.
        whole: the numbers are whole, so that a bar is at least 1 wide.
        most: how many bars there may be.
    """
    if whole and high - low < most:
        return [float(edge) for edge in range(int(low), int(high) + 2)]
    span = high - low
    if not span > _LEAST_SPAN or not math.isfinite(span):
        return [low, high]
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    for factor in _STEPS:
        step = max(1.0, factor * power) if whole else factor * power
        if step <= 0:
            break
        first, last = math.floor(low / step), math.ceil(high / step)
        if last - first <= most:
            digits = max(0, 1 - math.floor(math.log10(step)))
            found = [round(index * step, digits) for index in range(first, last + 1)]
            if len(set(found)) == len(found) and found[0] <= low and found[-1] >= high:
                return found
    # The span is too small or too far from zero for round edges.
    width = span / most  # span times an index may be more than a number can be
    return [low + width * index for index in range(most)] + [high]


class Counter:
    """Counts numbers in bars, a block at a time.

    Args:
        low: the least number that comes.
        high: the greatest one.
        whole: the numbers are whole.
    """

    def __init__(self, low: float, high: float, *, whole: bool) -> None:
        self._edges = edges(low, high, whole=whole)
        self._counts = np.zeros(len(self._edges) - 1, dtype="int64")

    def add(self, values: Array) -> None:
        """Count finite numbers in."""
        if len(self._edges) == 2:
            self._counts[0] += values.size
            return
        numbers = values.astype("uint8") if values.dtype.kind == "b" else values
        self._counts += np.histogram(numbers, self._edges)[0]

    def bins(self) -> tuple[Bin, ...]:
        """The bars; the last one holds its upper edge, too."""
        pairs = zip(self._edges, self._edges[1:], self._counts, strict=False)
        return tuple(Bin(low, high, int(count)) for low, high, count in pairs)
