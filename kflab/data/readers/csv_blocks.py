"""Reads CSV and TSV files in blocks, with the row of what cannot be read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from kflab.catalog.sources.columns import Column, ColumnKind, Table
from kflab.catalog.sources.sketch import LONGEST_ROW, Style
from kflab.data.arrays import Array, Progress
from kflab.data.readers.pieces import DAY, Block, Piece, Runs, Words
from kflab.errors import UnusableInputError

_BLOCK = LONGEST_ROW
_LINES_COUNTED = 300_000_000
_STRETCHES, _STRETCH = 16, 1 << 20

_VALUE = re.compile(
    r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to [^:]+: invalid value '(.*)'", re.DOTALL
)
_COUNT = re.compile(r"CSV parse error: (?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")
_UTF8 = re.compile(r"In CSV column #(\d+): (?:Row #(\d+): )?.*invalid UTF8", re.DOTALL)

_EXPECTED: Mapping[ColumnKind, str] = {
    ColumnKind.NUMBER: "a number",
    ColumnKind.BOOLEAN: "true or false",
    ColumnKind.DATE: "a date such as 2026-01-31",
}


def read_csv(
    path: Path, table: Table, style: Style, columns: Sequence[Column], progress: Progress | None
) -> Iterator[Block]:
    """The rows of a file in blocks.

    Args:
        path: the file.
        table: what its first rows say of how it is written.
        style: what the document says of that.
        columns: its columns, each of the kind that it is read as.
        progress: told how much of the file is read.

    Raises:
        UnusableInputError: a row cannot be read; the text names it.
    """
    size = path.stat().st_size
    try:
        with pa.OSFile(str(path)) as source:
            reader = _open(source, table, style, columns)
            for batch in reader:
                if progress is not None:
                    progress(path.name, min(source.tell(), size), size)
                yield _block(batch, columns)
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeError) as error:
        raise _unreadable(path, str(error), columns, style, table) from None
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror or error}", file=str(path)) from None


def sample_csv(
    path: Path, table: Table, style: Style, columns: Sequence[Column]
) -> tuple[Iterator[Block], int]:
    """Rows from all over a large file in blocks, and how many rows it has, about.

    Raises:
        UnusableInputError: a row of its beginning cannot be read.
    """
    size = path.stat().st_size
    pieces, rows = _stretches(path, size)
    # Where a stretch begins in the middle of a quoted text, its rows are no rows.
    for tried in (pieces, pieces[:1]):
        try:
            text = b"".join(tried)
            found = [
                _block(batch, columns)
                for batch in _open(pa.BufferReader(text), table, style, columns, skip_invalid=len(tried) > 1)
            ]
        except (pa.ArrowInvalid, UnicodeError):
            continue
        return iter(found), max(1, round(rows * size / max(1, sum(map(len, pieces)))))
    return read_csv(path, table, style, columns, None), 0


def _stretches(path: Path, size: int) -> tuple[list[bytes], int]:
    """Whole lines from all over a file, the header among the first, and how many they are."""
    pieces: list[bytes] = []
    with path.open("rb") as stream:
        for index in range(_STRETCHES):
            stream.seek(index * max(0, size - _STRETCH) // (_STRETCHES - 1))
            piece = stream.read(_STRETCH)
            first = 0 if index == 0 else piece.find(b"\n") + 1
            pieces.append(piece[first : piece.rfind(b"\n") + 1])
    return pieces, sum(piece.count(b"\n") for piece in pieces) - 1


def _open(
    source: pa.NativeFile,
    table: Table,
    style: Style,
    columns: Sequence[Column],
    *,
    skip_invalid: bool = False,
) -> arrow_csv.CSVStreamingReader:
    types = {
        ColumnKind.NUMBER: pa.float64(),
        ColumnKind.BOOLEAN: pa.bool_(),
        ColumnKind.CATEGORY: pa.dictionary(pa.int32(), pa.string()),
        ColumnKind.TEXT: pa.string(),
    }
    return arrow_csv.open_csv(
        source,
        # Several threads would not say in which row an error is, and are no faster here.
        read_options=arrow_csv.ReadOptions(
            use_threads=False,
            block_size=_BLOCK,
            column_names=[column.name for column in columns],
            skip_rows_after_names=1,
            encoding="utf8" if style.encoding.lower().replace("-", "") == "utf8" else style.encoding,
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=table.separator,
            newlines_in_values=not skip_invalid,
            invalid_row_handler=(lambda _: "skip") if skip_invalid else None,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types={
                column.name: types.get(column.kind) or pa.timestamp("us", "UTC" if column.zoned else None)
                for column in columns
            },
            null_values=sorted(style.missing_words),
            true_values=["true", "True", "TRUE"],
            false_values=["false", "False", "FALSE"],
            strings_can_be_null=False,
            decimal_point=table.decimal,
        ),
    )


def _block(batch: pa.RecordBatch, columns: Sequence[Column]) -> Block:
    return {column.name: piece(batch.column(index), column.kind) for index, column in enumerate(columns)}


def piece(values: pa.Array, kind: ColumnKind) -> Piece:
    """The rows of a column, of whatever type its source has them."""
    if kind is ColumnKind.CATEGORY:
        found = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        words = ["" if word is None else str(word).strip() for word in found.dictionary.to_pylist()]
        codes = found.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype("int32")
        return Words(codes, words)
    if kind is ColumnKind.TEXT:
        return _texts(values)
    if kind is ColumnKind.DATE:
        return _days(values)
    numbers: Array = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers


def _days(values: pa.Array) -> Array:
    micros = values.cast(pa.timestamp("us", values.type.tz if pa.types.is_timestamp(values.type) else None))
    numbers = micros.cast(pa.int64())
    days: Array = numbers.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) / (DAY * 1e6)
    return days


def _texts(values: pa.Array) -> Runs:
    array = values.cast(pa.large_string())
    if array.null_count:
        array = array.fill_null("")
    _, offsets, data = array.buffers()
    first = array.offset
    ends = np.frombuffer(offsets, "int64")[first : first + len(array) + 1]
    whole = np.frombuffer(data, "uint8") if data is not None else np.zeros(0, "uint8")
    return Runs(whole[ends[0] : ends[-1]], np.diff(ends))


def _unreadable(
    path: Path, text: str, columns: Sequence[Column], style: Style, table: Table
) -> UnusableInputError:
    """The error of pyarrow in words for a person, with the row and the line."""
    if match := _VALUE.search(text):
        column, row, value = columns[int(match[1])], _row(match[2]), match[3]
        shown = value if len(value) <= 40 else f"{value[:39]}…"
        return UnusableInputError(
            f"row {row:,} of {column.name!r} holds {shown!r}; expected {_EXPECTED[column.kind]}, as in the "
            f"rows before it. data.arguments can say otherwise: missing_values: [{shown}] if it stands for a "
            f"missing value, or types: {{{column.name}: category}}",
            file=str(path),
            line=_line(path, row, table.separator, style.encoding),
        )
    if match := _COUNT.search(text):
        row = _row(match[1])
        return UnusableInputError(
            f"row {row:,} has {match[3]} values; expected {match[2]}, as in the header",
            file=str(path),
            line=_line(path, row, table.separator, style.encoding),
        )
    if "straddling" in text:
        return UnusableInputError(
            f"a row does not end within {LONGEST_ROW >> 20} MB; expected short rows, and every quote closed",
            file=str(path),
        )
    if _UTF8.search(text) or "codec" in text or "UTF8" in text:
        return UnusableInputError(
            f"not {style.encoding} text; data.arguments.encoding says which encoding it has, such as latin-1",
            file=str(path),
        )
    return UnusableInputError(f"cannot be read: {text.partition(chr(10))[0]}", file=str(path))


def _row(number: str | None) -> int:
    """The row without the header, counted from 1, of the number that pyarrow gives."""
    return max(1, int(number) - 1) if number else 0


def _line(path: Path, row: int, separator: str, encoding: str) -> int:
    """The line on which a row begins: rows are not lines where texts have several, or lines are empty."""
    if not row or path.stat().st_size > _LINES_COUNTED:
        return 0
    seen = -1
    before = 0
    csv.field_size_limit(LONGEST_ROW)
    with path.open("rb") as raw:
        reader = csv.reader(
            io.TextIOWrapper(raw, encoding, errors="replace", newline=""), delimiter=separator
        )
        try:
            for found in reader:
                seen += bool(found)
                if found and seen == row:
                    return before + 1
                before = reader.line_num
        except (csv.Error, UnicodeError):
            return 0
    return 0
