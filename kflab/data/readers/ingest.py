"""Gathers a table column by column, and what there is to know of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from kflab.catalog.sources.columns import MOST_CATEGORIES, MOST_LABELS, Column, ColumnKind, Table, infer
from kflab.catalog.sources.sketch import Style
from kflab.data.arrays import Array
from kflab.data.readers.pieces import Block, Piece, Runs, Words
from kflab.data.readers.store import Growing, mapped
from kflab.errors import UnusableInputError

_EXACT = float(1 << 24)


class OtherKindError(Exception):
    """A column turned out to be of another kind than its first rows said: the table is read again."""

    def __init__(self, column: Column) -> None:
        super().__init__(column.name)
        self.column = column


class Layout(msgspec.Struct, frozen=True):
    """How the columns of a table lie in files.

    Attributes:
        narrow: the columns of the rows of single precision.
        wide: the columns of the rows of double precision.
        runs: the columns that have files of their own, and the dtype of their values.
        words: the words of each column of categories, by code.
    """

    narrow: tuple[str, ...]
    wide: tuple[str, ...]
    runs: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Stored:
    """A table that was read.

    Attributes:
        table: what is known of it.
        layout: where its columns are.
        narrow: a row of numbers in single precision for each row.
        wide: a row of numbers in double precision for each row: dates and large numbers.
        runs: values and ends of the rows of texts and lists.
    """

    table: Table
    layout: Layout
    narrow: Array
    wide: Array
    runs: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)


class Ingest:
    """Takes the blocks of a table.

    Args:
        path: the file, for errors.
        sketch: what its first rows say.
        style: what the document says of it.
        columns: its columns, each of the kind that it is read as.
        folder: where it is kept; nothing given: in memory.
    """

    def __init__(
        self, path: Path, sketch: Table, style: Style, columns: Sequence[Column], folder: Path | None
    ) -> None:
        self._path, self._sketch, self._style, self._columns = path, sketch, style, columns
        runs = [column for column in columns if column.kind in (ColumnKind.TEXT, ColumnKind.NUMBERS)]
        flat = [column for column in columns if column not in runs]
        self._wide = [column.name for column in flat if _is_wide(column)]
        self._narrow = [column.name for column in flat if not _is_wide(column)]
        self._tables = {
            "narrow": Growing("float32", max(1, len(self._narrow)), folder and folder / "narrow"),
            "wide": Growing("float64", max(1, len(self._wide)), folder and folder / "wide"),
        }
        self._runs = {
            column.name: (
                Growing(_run_dtype(column), 0, folder and folder / f"values_{index}"),
                Growing("int64", 0, folder and folder / f"ends_{index}"),
            )
            for index, column in enumerate(runs)
        }
        self._run_columns = {column.name: column for column in runs}
        self._facts = {column.name: _facts(column) for column in columns}
        self._codes: dict[str, dict[str, int]] = {
            column.name: {} for column in columns if column.kind is ColumnKind.CATEGORY
        }
        self._last = dict.fromkeys(self._runs, 0)
        self.rows = 0

    def add(self, block: Block) -> None:
        """Take the next rows.

        Raises:
            OtherKindError: a column is of another kind.
            UnusableInputError: a column can not be what it was said to be.
        """
        flat: dict[str, Array] = {}
        count = 0
        for column in self._columns:
            piece = block[column.name]
            if isinstance(piece, Runs):
                self._add_runs(column.name, piece)
                count = len(piece.lengths)
            elif isinstance(piece, Words):
                flat[column.name] = self._coded(column, piece)
                count = len(piece.codes)
            else:
                flat[column.name] = piece
                count = len(piece)
            self._facts[column.name].see(flat.get(column.name, piece), self.rows)
        for names, store in ((self._narrow, "narrow"), (self._wide, "wide")):
            if names:
                self._tables[store].append(np.stack([flat[name] for name in names], axis=1))
        self.rows += count

    def _coded(self, column: Column, piece: Words) -> Array:
        known = self._codes[column.name]
        absent = self._style.missing_labels
        codes = np.array(
            [np.nan if word in absent else known.setdefault(word, len(known)) for word in piece.words]
            or [np.nan],
            "float64",
        )
        if len(known) > MOST_LABELS:
            self._too_many(column)
        return np.where(piece.codes < 0, np.nan, codes[piece.codes])

    def _too_many(self, column: Column) -> None:
        if column.name in self._style.categories or self._style.kind(column.name) is ColumnKind.CATEGORY:
            raise UnusableInputError(
                f"{column.name!r} has more than {MOST_LABELS:,} different words; expected classes or numbers",
                file=str(self._path),
                path="data.arguments",
            )
        raise OtherKindError(msgspec.structs.replace(column, kind=ColumnKind.TEXT, labels=()))

    def _add_runs(self, name: str, piece: Runs) -> None:
        values, ends = self._runs[name]
        values.append(piece.values)
        found = np.cumsum(np.maximum(piece.lengths, 0)) + self._last[name]
        if len(found):
            self._last[name] = int(found[-1])
        ends.append(found)

    def finish(self, total: int = 0) -> tuple[Table, Layout]:
        """What is known of the table, and how it is laid out, once all its rows are there.

        Args:
            total: how many rows there are where not all were read; 0 where all were.

        Raises:
            OtherKindError: a column without values in the first rows is of another kind.
        """
        for store in (*self._tables.values(), *(store for pair in self._runs.values() for store in pair)):
            store.close()
        columns = []
        for column in self._columns:
            facts = self._facts[column.name].column(column)
            if column.kind is ColumnKind.CATEGORY:
                facts = self._labelled(facts, is_all=not total)
            columns.append(facts)
        table = msgspec.structs.replace(
            self._sketch, columns=tuple(columns), rows=self.rows, total=total or self.rows
        )
        layout = Layout(
            tuple(self._narrow),
            tuple(self._wide),
            {name: _run_dtype(column) for name, column in self._run_columns.items()},
            {name: tuple(codes) for name, codes in self._codes.items()},
        )
        return table, layout

    def _labelled(self, column: Column, *, is_all: bool) -> Column:
        labels = sorted(self._codes[column.name])
        is_chosen = column.name in self._style.categories or self._style.kind(column.name) is not None
        if column.unseen and labels and not is_chosen and self._sketch.separator:
            found = infer(column.name, labels, self._sketch.decimal, self._style.missing_words, None)
            if found.kind not in (ColumnKind.CATEGORY, ColumnKind.TEXT):
                raise OtherKindError(found)
        few = min(MOST_CATEGORIES, (self.rows - column.missing) / 2)
        if is_all and not is_chosen and len(labels) > few:
            raise OtherKindError(msgspec.structs.replace(column, kind=ColumnKind.TEXT, labels=()))
        return msgspec.structs.replace(column, labels=tuple(labels), unseen=False)

    def stored(self, table: Table, layout: Layout) -> Stored:
        """The table, in memory or mapped."""
        return Stored(
            table,
            layout,
            self._tables["narrow"].array(),
            self._tables["wide"].array(),
            {name: (values.array(), ends.array()) for name, (values, ends) in self._runs.items()},
        )


def reopened(folder: Path, table: Table, layout: Layout) -> Stored:
    """A table that is kept in a folder.

    Raises:
        OSError: a file of it is gone.
    """
    return Stored(
        table,
        layout,
        mapped(folder / "narrow", "float32", max(1, len(layout.narrow))),
        mapped(folder / "wide", "float64", max(1, len(layout.wide))),
        {
            name: (mapped(folder / f"values_{index}", dtype), mapped(folder / f"ends_{index}", "int64"))
            for index, (name, dtype) in enumerate(layout.runs.items())
        },
    )


def _is_wide(column: Column) -> bool:
    """Whether single precision would lose what its numbers say."""
    largest = max(abs(column.low or 0), abs(column.high or 0))
    return column.kind is ColumnKind.DATE or (column.kind is ColumnKind.NUMBER and largest >= _EXACT)


def _run_dtype(column: Column) -> str:
    return "uint8" if column.kind is ColumnKind.TEXT else "float64"


class _NumberFacts:
    """What is known of the numbers of a column; of codes, only which are missing."""

    def __init__(self, *, are_codes: bool = False) -> None:
        self._are_codes = are_codes
        self.missing, self.first_missing = 0, -1
        self.low, self.high = np.inf, -np.inf
        self.whole = True
        self.distinct: set[int] | None = set()

    def see(self, piece: Piece, first_row: int) -> None:
        """Look at the next rows."""
        assert isinstance(piece, np.ndarray)
        absent = np.isnan(piece)
        if absent.any():
            if self.first_missing < 0:
                self.first_missing = first_row + int(np.argmax(absent))
            self.missing += int(absent.sum())
            piece = piece[~absent]
        if not self._are_codes:
            self.look(piece)

    def look(self, known: Array) -> None:
        """Look at numbers."""
        if not len(known):
            return
        low, high = float(known.min()), float(known.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            self.whole = False
            known = known[np.isfinite(known)]
            low, high = (float(known.min()), float(known.max())) if len(known) else (np.inf, -np.inf)
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.whole = self.whole and bool((known[:1000] % 1 == 0).all()) and bool((known % 1 == 0).all())
        if not self.whole:
            self.distinct = None
        elif self.distinct is not None:
            self.distinct.update(map(int, np.unique(known)))
            if len(self.distinct) > MOST_LABELS:
                self.distinct = None

    def column(self, column: Column) -> Column:
        """The column with what was seen."""
        is_number = column.kind in (ColumnKind.NUMBER, ColumnKind.BOOLEAN)
        is_seen = self.low <= self.high
        found = msgspec.structs.replace(
            column,
            missing=self.missing,
            first_missing=self.first_missing if self.missing else None,
        )
        if self._are_codes:
            return found
        return msgspec.structs.replace(
            found,
            whole=self.whole and is_seen and is_number,
            low=self.low if is_seen else None,
            high=self.high if is_seen else None,
            distinct=tuple(sorted(self.distinct)) if self.distinct and is_number else (),
            unseen=False,
        )


class _TextFacts:
    """What is known of a column of texts."""

    def __init__(self) -> None:
        self.missing, self.first_missing = 0, -1

    def see(self, piece: Piece, first_row: int) -> None:
        """Look at the next rows."""
        assert isinstance(piece, Runs)
        absent = piece.lengths <= 0
        if absent.any():
            if self.first_missing < 0:
                self.first_missing = first_row + int(np.argmax(absent))
            self.missing += int(absent.sum())

    def column(self, column: Column) -> Column:
        """The column with what was seen."""
        return msgspec.structs.replace(
            column,
            missing=self.missing,
            first_missing=self.first_missing if self.missing else None,
            unseen=False,
        )


class _ListFacts:
    """What is known of a column of lists."""

    def __init__(self) -> None:
        self._numbers = _NumberFacts()
        self.missing, self.first_missing = 0, -1
        self._shape: tuple[int, ...] | None = None
        self._agreed: tuple[int | None, ...] = ()
        self._ragged: tuple[int, tuple[int, ...]] | None = None
        self._one_hot = True

    def see(self, piece: Piece, first_row: int) -> None:
        """Look at the next rows."""
        assert isinstance(piece, Runs)
        absent = piece.lengths < 0
        if absent.any():
            if self.first_missing < 0:
                self.first_missing = first_row + int(np.argmax(absent))
            self.missing += int(absent.sum())
        self._numbers.look(piece.values[~np.isnan(piece.values)])
        if piece.shape is None:
            return
        if self._shape is None:
            self._shape = piece.shape
        if self._ragged is None:
            if piece.shape != self._shape:
                self._ragged = (first_row + int(np.argmax(~absent)), piece.shape)
            elif piece.ragged is not None:
                self._ragged = (first_row + piece.ragged[0], piece.ragged[1])
        width = self._shape[0] if len(self._shape) == 1 else 0
        if self._one_hot and width and self._ragged is None and len(piece.values) % width == 0:
            rows = piece.values.reshape(-1, width)
            self._one_hot = bool((rows.sum(axis=1) == 1).all())

    def column(self, column: Column) -> Column:
        """The column with what was seen."""
        shape: tuple[int | None, ...] = self._shape or ()
        if self._ragged is not None:
            shape = (None, *shape[1:])
        numbers = self._numbers
        is_seen = numbers.low <= numbers.high
        return msgspec.structs.replace(
            column,
            missing=self.missing,
            first_missing=self.first_missing if self.missing else None,
            whole=numbers.whole and is_seen,
            low=numbers.low if is_seen else None,
            high=numbers.high if is_seen else None,
            shape=shape,
            first_ragged=self._ragged[0] if self._ragged else None,
            ragged=self._ragged[1] if self._ragged else (),
            one_hot=self._one_hot,
            unseen=False,
        )


def _facts(column: Column) -> _NumberFacts | _TextFacts | _ListFacts:
    if column.kind is ColumnKind.TEXT:
        return _TextFacts()
    if column.kind is ColumnKind.NUMBERS:
        return _ListFacts()
    return _NumberFacts(are_codes=column.kind is ColumnKind.CATEGORY)


def gather(ingest: Ingest, blocks: Iterable[Block], total: int = 0) -> tuple[Table, Layout]:
    """Take all blocks.

    Raises:
        OtherKindError: a column is of another kind.
        UnusableInputError: a row cannot be read, or there is none.
    """
    for block in blocks:
        ingest.add(block)
    return ingest.finish(total)
