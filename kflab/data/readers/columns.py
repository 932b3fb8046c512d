"""The columns of a table that an experiment asks for, as samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from kflab.catalog.dataset_types import ArrayInfo, TargetInfo, TargetKind
from kflab.catalog.offers import Settings
from kflab.catalog.sources.columns import Column, ColumnKind
from kflab.catalog.sources.settings import IDS
from kflab.catalog.sources.sketch import Style
from kflab.catalog.sources.tables import (
    FEATURES,
    beside,
    describe_target,
    dtype_of_lists,
    is_feature,
    missing_problem,
    roles_of,
    width,
)
from kflab.data.arrays import Array, Raw, Samples
from kflab.data.beside import beside as put_side_by_side
from kflab.data.gaps import Gaps
from kflab.data.readers.ingest import Stored
from kflab.data.readers.table_rows import RunRows, TableRows
from kflab.data.rows import Rows
from kflab.errors import UnusableInputError
from kflab.experiment import Data

PADDED = "pad_sequences"
"""The step of preparation that lists of varying length need."""

_BLOCK = 1 << 18
_LOOKED, _TOGETHER = 200_000, 100


class OpenedTable:
    """A table that is opened for an experiment.

    Args:
        path: its file, for errors.
        settings: the arguments of the source.
        data: the experiment's data section.
        style: what the document says of its columns.
        stored: the table.
    """

    def __init__(self, path: Path, settings: Settings, data: Data, style: Style, stored: Stored) -> None:
        self._path, self._data, self._style, self._stored = path, data, style, stored
        self._how = settings.text("missing")
        self._roles = roles_of(path, stored.table, settings, data)

    def raw(self, wanted: Sequence[ArrayInfo | TargetInfo], *, look: bool) -> Raw:
        """The wanted columns as samples; with `look`, missing values are left as they are.

        Raises:
            UnusableInputError: one has a missing value, and the document does not say what to do.
        """
        inputs = {array.name: self._columns(array) for array in wanted if isinstance(array, ArrayInfo)}
        targets = [self._column(array.name) for array in wanted if not isinstance(array, ArrayInfo)]
        used = {column.name: column for columns in inputs.values() for column in columns}
        if not look:
            self._check(used.values(), targets)
        rows = self._looked() if look else None
        if self._how == "drop":
            rows = self._complete([*used.values(), *targets], rows)
        made = {name: self._input(columns, rows) for name, columns in inputs.items()}
        found = {name: self._gaps(columns) for name, columns in inputs.items()}
        return Raw(
            Samples(made, {column.name: self._target(column, rows) for column in targets}),
            gaps={name: gaps for name, gaps in found.items() if gaps is not None},
            sampled_from=self._sampled_from(rows) if look else 0,
        )

    def _looked(self) -> Array | None:
        """Rows from all over a large table, for those who only look; nothing where they are all."""
        count = self._stored.table.rows
        if count <= _LOOKED:
            return None
        starts = np.linspace(0, count - _TOGETHER, _LOOKED // _TOGETHER).astype("int64")
        return (starts[:, None] + np.arange(_TOGETHER)).ravel()

    def _sampled_from(self, rows: Array | None) -> int:
        table = self._stored.table
        if not table.is_whole:
            return table.about
        return table.rows if rows is not None and table.rows > _LOOKED else 0

    def _columns(self, array: ArrayInfo) -> tuple[Column, ...]:
        if array.columns:
            return tuple(column for name in array.columns for column in self._named(name))
        return self._named(array.name)

    def _named(self, name: str) -> tuple[Column, ...]:
        column = self._stored.table.column(name)
        is_list = column is not None and column.kind is ColumnKind.NUMBERS
        if name == FEATURES and not is_list:
            return beside(self._roles.features, self._style)
        return (self._column(name),)

    def _column(self, name: str) -> Column:
        column = self._stored.table.column(name)
        if column is None:
            raise UnusableInputError(f"has no column {name!r}", file=str(self._path))
        return column

    def _check(self, inputs: Iterable[Column], targets: Sequence[Column]) -> None:
        for columns, are_targets in ((inputs, False), (targets, True)):
            for column in columns:
                if column.missing and column.kind is not ColumnKind.TEXT:
                    problem = missing_problem(column, self._how, is_target=are_targets)
                    if problem:
                        raise UnusableInputError(problem, file=str(self._path), path="data.arguments.missing")
                if column.first_ragged is not None and not self._is_padded(column.name):
                    raise UnusableInputError(
                        f"{column.name!r} has a list of shape {list(column.ragged)} in row "
                        f"{column.first_ragged + 1:,}, and others before it; expected lists of one shape, or "
                        f"data.prepare: {{{column.name}: [{{{PADDED}: {{maxlen: 100}}}}]}}",
                        file=str(self._path),
                    )

    def _is_padded(self, name: str) -> bool:
        return any(step.name == PADDED for step in self._data.prepare.get(name, ()))

    def _complete(self, columns: Iterable[Column], among: Array | None) -> Array | None:
        """Those rows in which no column lacks its value; nothing where that is all of them."""
        gappy = [column for column in columns if column.missing and column.kind is not ColumnKind.TEXT]
        if not gappy:
            return among
        count = self._stored.table.rows if among is None else len(among)
        complete = np.ones(count, bool)
        for column in gappy:
            if column.kind is ColumnKind.NUMBERS:
                _, ends = self._stored.runs[column.name]
                found = np.diff(np.asarray(ends), prepend=0) > 0
                complete &= found if among is None else found[among]
                continue
            rows = TableRows(self._stored, [column], among, are_codes=True, flat=True, dtype="float64")
            for start in range(0, count, _BLOCK):
                complete[start : start + _BLOCK] &= ~np.isnan(rows[start : start + _BLOCK])
        kept = np.flatnonzero(complete)
        if not len(kept):
            names = ", ".join(column.name for column in gappy[:4])
            raise UnusableInputError(
                f"no row has a value in every column: {names} lack some",
                file=str(self._path),
                path="data.arguments.missing",
            )
        return kept if among is None else among[kept]

    def _input(self, columns: Sequence[Column], rows: Array | None) -> Rows:
        if all(is_feature(column, self._style) for column in columns):
            # Dates and large numbers on their own keep what tells one from the next.
            alone = len(columns) == 1 and columns[0].name in self._stored.layout.wide
            dtype = "float64" if alone else "float32"
            return self._resident(TableRows(self._stored, columns, rows, dtype=dtype))
        if len(columns) > 1:
            arrays = [self._input((column,), rows) for column in columns]
            return put_side_by_side(arrays, [column.name for column in columns])
        (column,) = columns
        if self._style.types.get(column.name) == IDS:
            # NaN has no place among whole numbers; who fills in gaps has them as numbers first.
            dtype = "float32" if column.missing and self._how not in ("error", "drop") else "int32"
            return self._resident(TableRows(self._stored, columns, rows, are_codes=True, dtype=dtype))
        return self._runs(column, rows, dtype_of_lists(column))

    def _runs(self, column: Column, rows: Array | None, dtype: str) -> Rows:
        values, ends = self._stored.runs[column.name]
        if column.kind is ColumnKind.TEXT:
            return RunRows(values, ends, rows, is_text=True)
        if None in column.shape:
            inner = tuple(axis or 0 for axis in column.shape[1:])
            return RunRows(values, ends, rows, inner=inner, dtype=dtype)
        shape = tuple(axis or 0 for axis in column.shape)
        return self._resident(RunRows(values, ends, rows, shape=shape, dtype=dtype))

    def _target(self, column: Column, rows: Array | None) -> Rows:
        target = describe_target(column, self._style, self._stored.table)
        if column.kind is ColumnKind.NUMBERS:
            dtype = "float32"
            if column.shape == (1,):
                values, ends = self._stored.runs[column.name]
                return self._resident(RunRows(values, ends, rows, shape=(), dtype=dtype))
            return self._runs(column, rows, dtype)
        are_classes = target.kind in (TargetKind.CLASSES, TargetKind.BINARY)
        # Who only looks may find rows without a value.
        dtype = "int32" if are_classes and not (column.missing and rows is None) else "float32"
        # What tells the classes is looked at as a whole, to split the samples by it.
        return _in_memory(TableRows(self._stored, [column], rows, are_codes=True, flat=True, dtype=dtype))

    def _resident(self, rows: Rows) -> Rows:
        """Rows of a table in memory as one array, where that is no larger than the table."""
        is_mapped = any(
            isinstance(array, np.memmap)
            for array in (
                self._stored.narrow,
                self._stored.wide,
                *(values for values, _ in self._stored.runs.values()),
            )
        )
        size = int(np.prod(rows.shape)) * rows.dtype.itemsize
        return rows if is_mapped or size > _MOST_RESIDENT else _in_memory(rows)

    def _gaps(self, columns: Sequence[Column]) -> Gaps | None:
        """How the missing values of columns side by side are filled in."""
        if self._how in ("error", "drop") or not any(column.missing for column in columns):
            return None
        if any(column.kind in (ColumnKind.TEXT, ColumnKind.NUMBERS) for column in columns):
            return None
        groups: list[tuple[int, int]] = []
        at = 0
        for column in columns:
            size = 1 if self._style.types.get(column.name) == IDS else width(column)
            groups.append((at, size))
            at += size
        counted = frozenset(
            index
            for index, column in enumerate(columns)
            if column.kind in (ColumnKind.BOOLEAN, ColumnKind.CATEGORY)
        )
        return Gaps(self._how, tuple(groups), counted)


def _in_memory(rows: Rows) -> Array:
    """All of some rows, read a block at a time: a mapped table may be larger than memory."""
    made = np.empty(rows.shape, rows.dtype)
    for start in range(0, len(rows), _BLOCK):
        made[start : start + _BLOCK] = rows[start : start + _BLOCK]
    return made


_MOST_RESIDENT = 1 << 30
"""Samples of a table in memory that would take more bytes are made when they are read."""
