"""Reads JSON-lines files in blocks, with the line of what cannot be read."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import msgspec
import numpy as np

from kflab.catalog.sources.columns import Column, ColumnKind, list_shape, text_of
from kflab.catalog.sources.sketch import LONGEST_ROW, record, too_long
from kflab.data.arrays import Array, Progress
from kflab.data.readers.pieces import DAY, Block, Piece, Runs, Words, texts
from kflab.errors import UnusableInputError

_CHUNK = 4 << 20
_STRETCHES, _STRETCH = 16, 1 << 20

_decoder = msgspec.json.Decoder()

_EXPECTED: Mapping[ColumnKind, str] = {
    ColumnKind.NUMBER: "a number",
    ColumnKind.BOOLEAN: "true or false",
    ColumnKind.DATE: 'a date such as "2026-01-31"',
    ColumnKind.NUMBERS: "a list of numbers",
    ColumnKind.CATEGORY: "text",
    ColumnKind.TEXT: "text",
}


def read_json_lines(path: Path, columns: Sequence[Column], progress: Progress | None) -> Iterator[Block]:
    """The rows of a file in blocks.

    Args:
        path: the file.
        columns: its columns, each of the kind that it is read as.
        progress: told how much of the file is read.

    Raises:
        UnusableInputError: a line cannot be read; the text names it.
    """
    size = path.stat().st_size
    first, done = 1, 0
    for chunk in _chunks(path):
        found = _rows(path, chunk, first, columns)
        if found is not None:
            yield found
        first += chunk.count(b"\n")
        done += len(chunk)
        if progress is not None:
            progress(path.name, done, size)


def _chunks(path: Path) -> Iterator[bytes]:
    """Whole lines of a file, a few megabytes at a time."""
    rest, line = b"", 1
    try:
        with path.open("rb") as stream:
            while read := stream.read(_CHUNK):
                end = read.rfind(b"\n") + 1
                if end:
                    yield rest + read[:end]
                    line += read.count(b"\n")
                    rest = read[end:]
                else:
                    rest += read
                if len(rest) > LONGEST_ROW:
                    raise too_long(path, line)
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(path)) from None
    if rest:
        yield rest


def _rows(path: Path, chunk: bytes, first: int, columns: Sequence[Column]) -> Block | None:
    """The rows of some lines, which are looked at one by one only where something is wrong with one.

    Nothing where all are empty.
    """
    names = {column.name for column in columns}
    with contextlib.suppress(msgspec.DecodeError, RecursionError, UnicodeError, UnusableInputError):
        rows = _decoder.decode_lines(chunk)
        if rows and all(type(row) is dict and row.keys() <= names for row in rows):
            return block(path, rows, [0] * len(rows), columns)
    found: list[Mapping[str, object]] = []
    lines: list[int] = []
    for number, line in enumerate(chunk.split(b"\n"), first):
        if line.strip():
            row = record(path, line, number)
            if not row.keys() <= names:
                _refuse_field(path, number, row, names)
            found.append(row)
            lines.append(number)
    return block(path, found, lines, columns) if found else None


def _refuse_field(path: Path, number: int, found: Mapping[str, object], names: set[str]) -> None:
    name = next(name for name in found if name not in names)
    raise UnusableInputError(
        f"has the field {name!r}, which the lines before have not; they have {', '.join(sorted(names)[:12])}",
        file=str(path),
        line=number,
    )


def sample_json_lines(path: Path, columns: Sequence[Column]) -> tuple[Iterator[Block], int]:
    """Rows from all over a large file in blocks, and how many rows it has, about.

    Raises:
        UnusableInputError: a line cannot be read.
    """
    size = path.stat().st_size
    rows: list[Mapping[str, object]] = []
    read = 0
    with path.open("rb") as stream:
        for index in range(_STRETCHES):
            stream.seek(index * max(0, size - _STRETCH) // (_STRETCHES - 1))
            piece = stream.read(_STRETCH)
            first = 0 if index == 0 else piece.find(b"\n") + 1
            piece = piece[first : piece.rfind(b"\n") + 1]
            read += len(piece)
            rows += [record(path, line, 0) for line in piece.splitlines() if line.strip()]
    total = max(1, round(len(rows) * size / max(1, read)))
    return iter([block(path, rows, [0] * len(rows), columns)]), total


def block(
    path: Path, rows: Sequence[Mapping[str, object]], lines: Sequence[int], columns: Sequence[Column]
) -> Block:
    """The columns of some records.

    Raises:
        UnusableInputError: a value is not what the column holds.
    """
    return {
        column.name: _piece(path, column, [row.get(column.name) for row in rows], lines) for column in columns
    }


def _piece(path: Path, column: Column, values: list[object], lines: Sequence[int]) -> Piece:
    kind = column.kind
    if kind is ColumnKind.NUMBERS:
        return _lists(path, column, values, lines)
    if kind in (ColumnKind.CATEGORY, ColumnKind.TEXT):
        if not {list, dict}.isdisjoint(map(type, values)):
            index = next(index for index, value in enumerate(values) if isinstance(value, list | dict))
            raise _unexpected(path, column, values[index], lines[index])
        words = ["" if value is None else text_of(value) for value in values]
        if kind is ColumnKind.TEXT:
            return texts(words)
        codes: dict[str, int] = {}
        found = np.array([codes.setdefault(word, len(codes)) for word in words], "int32")
        return Words(found, list(codes))
    return _numbers(path, column, values, lines)


def _numbers(path: Path, column: Column, values: list[object], lines: Sequence[int]) -> Array:
    if column.kind is ColumnKind.DATE:
        return np.array(
            [
                np.nan if value is None else _days(path, column, value, lines[row])
                for row, value in enumerate(values)
            ]
        )
    allowed = {type(None), *({bool} if column.kind is ColumnKind.BOOLEAN else {int, float})}
    if not set(map(type, values)) <= allowed:
        row = next(row for row, value in enumerate(values) if type(value) not in allowed)
        raise _unexpected(path, column, values[row], lines[row])
    try:
        # NumPy makes NaN of None.
        return np.array(values, "float64")
    except OverflowError:
        row = next(row for row, value in enumerate(values) if isinstance(value, int) and abs(value) > 1e308)
        raise _unexpected(path, column, values[row], lines[row]) from None


def _days(path: Path, column: Column, value: object, line: int) -> float:
    try:
        found = datetime.datetime.fromisoformat(str(value))
    except ValueError:
        raise _unexpected(path, column, value, line) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=datetime.UTC)
    return found.timestamp() / DAY


def _lists(path: Path, column: Column, values: list[object], lines: Sequence[int]) -> Runs:
    found = _flat_lists(values) if len(column.shape) == 1 else None
    if found is not None:
        return found
    shapes: list[tuple[int, ...] | None] = []
    for row, value in enumerate(values):
        shape = None if value is None else list_shape(value)
        if value is not None and not shape:
            raise _unexpected(path, column, value, lines[row])
        shapes.append(shape)
    known = [(row, shape) for row, shape in enumerate(shapes) if shape is not None]
    rank = len(column.shape) or (len(known[0][1]) if known else 1)
    for row, shape in known:
        if len(shape) != rank or shape[1:] != known[0][1][1:]:
            raise UnusableInputError(
                f"{column.name!r} has a list of shape {list(shape)}; expected {list(known[0][1])}, as in the "
                "rows before it: only the first axis may vary",
                file=str(path),
                line=lines[row],
            )
    flat: list[object] = [value for value in values if value is not None]
    for _ in range(rank):
        flat = list(chain.from_iterable(item for item in flat if isinstance(item, list)))
    try:
        numbers = np.array(flat, "float64")
    except (OverflowError, TypeError, ValueError):
        raise _unexpected(path, column, next(v for v in values if v is not None), lines[0]) from None
    lengths = np.array([-1 if shape is None else int(np.prod(shape)) for shape in shapes], "int64")
    first = known[0][1] if known else None
    ragged = next(((row, shape) for row, shape in known if shape != first), None)
    return Runs(numbers, lengths, first, ragged)


def _flat_lists(values: Sequence[object]) -> Runs | None:
    """Lists of numbers that need no closer look; nothing where one is missing or holds anything else."""
    lists = [value for value in values if isinstance(value, list)]
    if len(lists) < len(values) or not all(lists):
        return None
    flat = list(chain.from_iterable(lists))
    if not set(map(type, flat)) <= {int, float}:
        return None
    lengths = np.fromiter(map(len, lists), "int64", len(lists))
    others = np.flatnonzero(lengths != lengths[0])
    ragged = (int(others[0]), (int(lengths[others[0]]),)) if len(others) else None
    try:
        return Runs(np.array(flat, "float64"), lengths, (int(lengths[0]),), ragged)
    except OverflowError:
        return None


def _unexpected(path: Path, column: Column, value: object, line: int) -> UnusableInputError:
    shown = repr(value) if not isinstance(value, str) else f'"{value}"'
    if len(shown) > 40:
        shown = f"{shown[:39]}…"
    return UnusableInputError(
        f"{column.name!r} holds {shown}; expected {_EXPECTED[column.kind]}, as in the rows before it",
        file=str(path),
        line=line,
    )
