"""Which samples are looked at where there are too many: the same ones each time, from all over the data."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np

from kflab.data.arrays import Array
from kflab.data.rows import Rows

MOST_VALUES = 64_000_000
"""The values of an array in memory that are all looked at; of a larger one, a sample is."""

MOST_READ = 32_000_000
"""The values that are read of an array on the disk."""

MOST_ROWS_READ = 50_000
"""The rows that are read of an array on the disk: each may be a file of its own."""

_PLACES = 64


class Looked:
    """What is looked at of an array.

    Attributes:
        values: the samples, in memory.
        rows: the index of each among all samples; nothing where all were looked at.
    """

    def __init__(self, values: Array, rows: Array | None) -> None:
        self.values, self.rows = values, rows

    def row_of(self, index: int) -> int:
        """The index of a looked-at sample among all samples."""
        return index if self.rows is None else int(self.rows[index])


def places(count: int, most: int) -> list[tuple[int, int]]:
    """Short stretches of `count` rows, `most` rows in all, spread evenly, from the first row to the last.

    They come in an order in which each prefix is spread, too, for those who have to stop early.
    """
    if count <= most:
        return [(0, count)] if count else []
    stretches = min(_PLACES, most)
    length = most // stretches
    starts = [round(index * (count - length) / max(1, stretches - 1)) for index in range(stretches)]
    return [(starts[index], length) for index in _spread(stretches)]


def _spread(count: int) -> Iterator[int]:
    """0 to `count` - 1 in bit-reversed order: first the ends of halves, then those of quarters, ..."""
    bits = max(1, (count - 1).bit_length())
    for index in range(1 << bits):
        found = int(f"{index:0{bits}b}"[::-1], 2)
        if found < count:
            yield found


def look(rows: Rows, until: float, most: int | None = None) -> Looked:
    """The samples of an array, or those of a sample of it, in memory.

    Args:
        rows: the array, in memory or not.
        until: when to stop reading, by the monotonic clock; a little is read in any case.
        most: how many values to look at; nothing given: as many as can be afforded.

    Raises:
        KflabError: a sample can not be read.
    """
    size = max(1, math.prod(rows.shape[1:]))
    in_memory = isinstance(rows, np.ndarray)
    values_most = most or (MOST_VALUES if in_memory else MOST_READ)
    rows_most = max(1, values_most // size if in_memory else min(values_most // size, MOST_ROWS_READ))
    count = len(rows)
    if isinstance(rows, np.ndarray) and count <= rows_most:
        return Looked(rows, None)
    chosen: list[Array] = []
    read: list[Array] = []
    for start, length in places(count, rows_most):
        # Pieces small enough that each one ends soon.
        piece = max(1, min(length, 65_536 // size or 1))
        for at in range(start, start + length, piece):
            index = np.arange(at, min(at + piece, start + length))
            read.append(np.asarray(rows[index]))
            chosen.append(index)
            if time.monotonic() > until:
                break
        if time.monotonic() > until:
            break
    if not read:
        return Looked(np.asarray(rows[np.arange(0)]), None)
    index = np.concatenate(chosen)
    order = np.argsort(index, kind="stable")
    values = np.concatenate(read)[order]
    return Looked(values, None if len(index) == count else index[order])
