"""Samples that need not be in memory: what an array can do, and no more of it than reading rows."""

from __future__ import annotations

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
