"""The columns of a table as samples, made of its rows when they are asked for."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kflab.catalog.sources.columns import Column, ColumnKind
from kflab.data.arrays import Array
from kflab.data.readers.ingest import Stored
from kflab.errors import KflabError

_AT_ONCE = 1 << 30


class _Source:
    """Reads rows of an array that is in memory or mapped from a file.

    What is read of a mapped array would stay in memory with much around it until the system runs short, so it
    is read from its file, which is faster for rows here and there, too.
    """

    def __init__(self, array: Array) -> None:
        # Slices of a plain array are made faster than those of a mapped one.
        self._array = np.asarray(array)
        self._size = array.itemsize * int(np.prod(array.shape[1:]))
        file = getattr(array, "filename", None) if hasattr(os, "pread") else None
        # Open for as long as this is there.
        self._file = Path(file).open("rb", buffering=0) if file is not None else None  # noqa: SIM115

    def read(self, rows: Array | slice) -> Array:
        """Some rows, in memory."""
        if self._file is None:
            return np.array(self._array[rows])
        number, size = self._file.fileno(), self._size
        chosen = numbered(rows, len(self._array))
        if isinstance(chosen, range):
            content = _whole(number, len(chosen) * size, chosen.start * size)
        else:
            content = b"".join([os.pread(number, size, row * size) for row in chosen.tolist()])
        if len(content) < len(chosen) * size:
            raise KflabError(f"{self._file.name}: was cut off while it was read; start again")
        return np.frombuffer(content, self._array.dtype).reshape(len(chosen), *self._array.shape[1:])

    def runs(self, starts: Array, ends: Array) -> list[Array]:
        """The values between each start and its end."""
        places = zip(starts.tolist(), ends.tolist(), strict=True)
        if self._file is None:
            return [self._array[start:end] for start, end in places]
        number, size, dtype = self._file.fileno(), self._size, self._array.dtype
        return [
            np.frombuffer(os.pread(number, (end - start) * size, start * size), dtype)
            for start, end in places
        ]


def numbered(rows: Array | slice, count: int) -> range | Array:
    """Which rows are meant, counted from 0: a range where they follow each other."""
    if isinstance(rows, slice):
        found = range(*rows.indices(count))
        return found if found.step == 1 else np.array(found, "int64")
    rows = np.asarray(rows)
    if rows.dtype == bool:
        return np.flatnonzero(rows)
    return np.where(rows < 0, rows + count, rows)


def _whole(number: int, size: int, offset: int) -> bytes:
    """A stretch of a file: the system reads two gigabytes at once at the most."""
    parts = []
    while size > 0:
        part = os.pread(number, min(size, _AT_ONCE), offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
        size -= len(part)
    return b"".join(parts)


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
        chosen = np.asarray(numbered(rows, self._count), "int64") if self._rows is None else self._rows[rows]
        ends = self._ends[chosen]
        starts = np.where(chosen > 0, self._ends[np.maximum(chosen - 1, 0)], 0)
        pieces = self._values.runs(starts, ends)
        if self._shape is not None:
            whole = self._whole(pieces)
            with np.errstate(over="ignore"):
                return whole.reshape(len(pieces), *self._shape).astype(self._dtype)
        made = np.empty(len(pieces), object)
        for index, piece in enumerate(pieces):
            if self._is_text:
                made[index] = piece.tobytes().decode("utf-8", "replace")
            else:
                made[index] = np.array(piece, self._number).reshape(-1, *self._inner)
        return made

    def _whole(self, pieces: Sequence[Array]) -> Array:
        """Lists of one size below each other; one that is missing is NaN."""
        size = math.prod(self._shape or ())
        if all(len(piece) == size for piece in pieces):
            return np.stack(pieces) if pieces else np.zeros((0, size))
        made = np.full((len(pieces), size), np.nan)
        for index, piece in enumerate(pieces):
            if len(piece) == size:
                made[index] = piece
        return made
