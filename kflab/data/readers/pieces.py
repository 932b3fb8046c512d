"""A few thousand rows of a table's columns, as every reader of tables hands them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from kflab.data.arrays import Array


@dataclass(frozen=True)
class Words:
    """Categories: the index of each row's word, -1 where there is none, and the words."""

    codes: Array
    words: Sequence[str]


@dataclass(frozen=True)
class Runs:
    """Rows of varying length one after the other: the bytes of texts, or the numbers of lists.

    Attributes:
        values: the values of all rows.
        lengths: how many of them each row has; -1 where the row has no list at all.
        shape: the shape of every row, where all have the same.
        ragged: the first row with another shape than the first row's, and that shape.
    """

    values: Array
    lengths: Array
    shape: tuple[int, ...] | None = None
    ragged: tuple[int, tuple[int, ...]] | None = None


Piece: TypeAlias = "Array | Words | Runs"
"""The rows of one column; numbers, booleans and dates are `float64`, NaN where there is no value."""

Block: TypeAlias = Mapping[str, Piece]
"""The same rows of several columns, by the columns' names."""

DAY = 86_400.0
"""Dates are days since 1970."""


def texts(words: Sequence[str]) -> Runs:
    """Texts as runs of bytes."""
    encoded = [word.encode("utf-8", "replace") for word in words]
    values = np.frombuffer(b"".join(encoded), "uint8")
    return Runs(values, np.fromiter(map(len, encoded), "int64", len(encoded)))
