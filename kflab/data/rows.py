"""Samples that need not be in memory: what an array can do, and no more of it than reading rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

from kflab.data.arrays import Array


class Rows(Protocol):
    """Samples along the first axis, read when they are asked for; every array of NumPy is one.

    Rows are read by whoever trains, evaluates or looks, from any thread.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are, then the shape of a sample."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        ...

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, rows: Array | slice, /) -> Array:
        """The samples at `rows`, in that order, in memory.

        Raises:
            KflabError: one can not be read; the text names the file and the row.
        """
        ...


class Over:
    """Samples that are read from others, of which there are as many, each of the same shape and dtype.

    Args:
        source: the others.
    """

    def __init__(self, source: Rows) -> None:
        self._source = source

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are, then the shape of a sample."""
        return self._source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self._source.dtype

    def __len__(self) -> int:
        return len(self._source)


class Taken:
    """Some rows of others, in an order of their own, without reading any.

    Args:
        source: the rows.
        rows: which of them, in what order.
    """

    def __init__(self, source: Rows, rows: Array) -> None:
        self._source = source
        self._rows = rows

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are, then the shape of a sample."""
        return (len(self._rows), *self._source.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self._source.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Array | slice, /) -> Array:
        return self._source[self._rows[rows]]


class Mapped:
    """Others after a change, which is made when they are read.

    Args:
        source: the rows.
        change: what is done to a few of them at a time; it must treat each alike, whichever it comes with.
    """

    def __init__(self, source: Rows, change: Callable[[Array], Array]) -> None:
        self._source = source
        self._change = change
        first = change(source[:1])
        self._shape, self._dtype = (len(source), *first.shape[1:]), first.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are, then the shape of a sample."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self._dtype

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, rows: Array | slice, /) -> Array:
        return self._change(self._source[rows])


_BLOCK_BYTES = 32 * 1024**2
_BLOCK_ROWS = 65_536

_MOST_BYTES = 2 * 1024**3
"""Changed samples of more bytes are made anew each time they are needed, instead of being kept."""


def take(rows: Rows, chosen: Array | slice) -> Rows:
    """Some rows of others: in memory where they are, else without reading any."""
    if isinstance(rows, np.ndarray):
        return rows[chosen]
    return Taken(rows, np.arange(len(rows))[chosen])


def blocks(rows: Rows) -> Iterator[Array]:
    """All of some rows in order, as many at a time as memory has room for beside everything else."""
    size = block_size(rows)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def block_size(rows: Rows) -> int:
    """How many rows are read at a time."""
    each = max(1, math.prod(rows.shape[1:])) * max(rows.dtype.itemsize, 4)
    return max(1, min(_BLOCK_ROWS, _BLOCK_BYTES // each))


def changed(rows: Rows, change: Callable[[Array], Array]) -> Rows:
    """Rows after a change: in memory where they are and will fit, else made when they are read."""
    if not isinstance(rows, np.ndarray) or not len(rows):
        return Mapped(rows, change) if len(rows) else change(rows[:])
    mapped = Mapped(rows, change)
    if math.prod(mapped.shape) * mapped.dtype.itemsize > _MOST_BYTES:
        return mapped
    size = min(block_size(rows), block_size(mapped))
    if len(rows) <= size:
        return change(rows)
    made = np.empty(mapped.shape, mapped.dtype)
    for start in range(0, len(rows), size):
        made[start : start + size] = change(rows[start : start + size])
    return made


class Checked(Over):
    """Others that are looked at when they are read.

    Args:
        source: the rows.
        look: told the rows that were read and their numbers; raises where one can not be used.
    """

    def __init__(self, source: Rows, look: Callable[[Array, Array], None]) -> None:
        super().__init__(source)
        self._look = look

    def __getitem__(self, rows: Array | slice, /) -> Array:
        read = self._source[rows]
        self._look(read, np.arange(len(self))[rows] if isinstance(rows, slice) else rows)
        return read
