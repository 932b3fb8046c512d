"""The columns of a table as samples, made of its rows when they are asked for."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kflab.catalog.sources.columns import Column, ColumnKind
from kflab.data.arrays import Array
from kflab.data.readers.ingest import Stored

_LET_GO = 128 << 20
_AROUND = 512 << 10


class _Source:
    """Reads rows of a mapped array, and lets go of the memory that they took now and then."""

    def __init__(self, array: Array) -> None:
        # Slices of a plain array are made faster than those of a mapped one.
        self.array = np.asarray(array)
        self._file = getattr(array, "_mmap", None)
        self._read = 0

    def read(self, rows: Array | slice) -> Array:
        """Some rows, in memory."""
        found = np.array(self.array[rows])
        self.let_go(len(found), found.nbytes)
        return found

    def let_go(self, places: int, size: int) -> None:
        """Note that `size` bytes were read at so many places, and give back the memory of many."""
        if isinstance(self._file, mmap.mmap):
            # Each place brings its page and many around it, which stay until the system runs short.
            self._read += max(size, min(places * _AROUND, self.array.nbytes))
            if self._read > _LET_GO and hasattr(mmap, "MADV_DONTNEED"):
                self._file.madvise(mmap.MADV_DONTNEED)
                self._read = 0


@dataclass(frozen=True)
class _Place:
    """A column among the entries of a sample.

    Attributes:
        store: `narrow` or `wide`.
        index: which entry of a row there.
        order: the place of each code among the labels, for categories.
        width: how many entries it becomes.
        is_code: a category is one whole number.
    """

    store: str
    index: int
    order: Array | None
    width: int
    is_code: bool = False


class TableRows:
    """Columns of numbers and categories side by side, categories one-hot.

    Args:
        stored: the table.
        columns: the columns, in order.
        rows: which rows of the table, in what order; nothing given: all.
        are_codes: categories are whole numbers instead, as a target or an Embedding takes them.
        flat: a single column is one number a sample, without an axis of its own.
        dtype: the dtype of the samples.
    """

    def __init__(
        self,
        stored: Stored,
        columns: Sequence[Column],
        rows: Array | None = None,
        *,
        are_codes: bool = False,
        flat: bool = False,
        dtype: str = "float32",
    ) -> None:
        self._sources = {"narrow": _Source(stored.narrow), "wide": _Source(stored.wide)}
        self._places = [_place(stored, column, are_codes=are_codes) for column in columns]
        self._rows = rows
        self._flat = flat
        self._dtype = np.dtype(dtype)
        self._count = stored.table.rows if rows is None else len(rows)
        self._width = sum(place.width for place in self._places)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are, then the shape of a sample."""
        return (self._count,) if self._flat else (self._count, self._width)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self._dtype

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, rows: Array | slice, /) -> Array:
        chosen = rows if self._rows is None else self._rows[rows]
        read: dict[str, Array] = {}
        for place in self._places:
            if place.store not in read:
                read[place.store] = self._sources[place.store].read(chosen)
        count = len(next(iter(read.values())))
        made = np.empty((count, self._width), self._dtype)
        at = 0
        for place in self._places:
            values = read[place.store][:, place.index]
            if place.order is None:
                with np.errstate(over="ignore"):
                    made[:, at] = values
            elif place.is_code:
                made[:, at] = _sorted_codes(values, place.order)
            else:
                made[:, at : at + place.width] = _one_hot(values, place.order, place.width)
            at += place.width
        return made[:, 0] if self._flat else made


def _place(stored: Stored, column: Column, *, are_codes: bool) -> _Place:
    layout = stored.layout
    store = "narrow" if column.name in layout.narrow else "wide"
    index = (layout.narrow if store == "narrow" else layout.wide).index(column.name)
    if column.kind is not ColumnKind.CATEGORY:
        return _Place(store, index, None, 1)
    labels = {label: place for place, label in enumerate(column.labels)}
    order = np.array([labels[word] for word in layout.words[column.name]], "int64")
    return _Place(store, index, order, 1 if are_codes else len(labels), are_codes)


def _sorted_codes(values: Array, order: Array) -> Array:
    absent = np.isnan(values)
    codes = order[np.where(absent, 0, values).astype("int64")] if len(order) else np.zeros(len(values))
    return np.where(absent, np.nan, codes)


def _one_hot(values: Array, order: Array, width: int) -> Array:
    made = np.zeros((len(values), width), "float32")
    absent = np.isnan(values)
    known = np.flatnonzero(~absent)
    made[known, order[values[known].astype("int64")]] = 1
    made[absent] = np.nan
    return made


class RunRows:
    """Texts, or lists of numbers, one a sample.

    Args:
        values: the bytes or numbers of all rows, one after the other.
        ends: where each row ends.
        rows: which rows, in what order; nothing given: all.
        shape: the shape of every list; nothing where it varies, and for texts.
        inner: the axes of a list behind the one that varies.
        dtype: the dtype of the numbers; `object` for texts and for lists that vary.
        is_text: they are texts.
    """

    def __init__(
        self,
        values: Array,
        ends: Array,
        rows: Array | None = None,
        *,
        shape: tuple[int, ...] | None = None,
        inner: tuple[int, ...] = (),
        dtype: str = "object",
        is_text: bool = False,
    ) -> None:
        self._values, self._ends, self._rows = _Source(values), np.asarray(ends), rows
        self._shape, self._inner, self._is_text = shape, inner, is_text
        self._number = np.dtype(dtype if dtype != "object" else "float32")
        self._dtype = np.dtype(dtype) if shape is not None else np.dtype(object)
        self._count = len(ends) if rows is None else len(rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are, then the shape of a sample."""
        return (self._count, *(self._shape or ()))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self._dtype

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, rows: Array | slice, /) -> Array:
        every = np.arange(self._count) if self._rows is None else self._rows
        chosen = every[rows]
        ends = self._ends[chosen]
        starts = np.where(chosen > 0, self._ends[np.maximum(chosen - 1, 0)], 0)
        values = self._values.array
        pieces = [values[start:end] for start, end in zip(starts, ends, strict=True)]
        made = self._made(pieces)
        self._values.let_go(len(pieces), sum(piece.nbytes for piece in pieces))
        return made

    def _made(self, pieces: Sequence[Array]) -> Array:
        if self._shape is not None:
            whole = np.stack(pieces) if pieces else np.zeros((0, *self._shape))
            with np.errstate(over="ignore"):
                return whole.reshape(len(pieces), *self._shape).astype(self._dtype)
        made = np.empty(len(pieces), object)
        for index, piece in enumerate(pieces):
            if self._is_text:
                made[index] = piece.tobytes().decode("utf-8", "replace")
            else:
                made[index] = np.array(piece, self._number).reshape(-1, *self._inner)
        return made
