"""Reads Parquet files in blocks.

`python -m kflab.data.readers.parquet FILE` prints its first rows as JSON, for those who cannot read it.
"""

from __future__ import annotations

import datetime
import decimal
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
from pyarrow import parquet

from kflab.catalog.sources.columns import Column, ColumnKind
from kflab.catalog.sources.tables import Head
from kflab.data.arrays import Progress
from kflab.data.readers.csv_blocks import piece
from kflab.data.readers.json_lines import block as block_of_records
from kflab.data.readers.pieces import Block
from kflab.errors import UnusableInputError

_ROWS = 50_000
_HEAD_VALUES = 20_000
_SAMPLED_GROUPS = 8


def head(path: Path) -> Head:
    """The first rows of a file, or why it can not be read."""
    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            _check(file.schema_arrow)
            rows = max(1, min(2_000, _HEAD_VALUES // max(1, len(file.schema_arrow))))
            batch = next(file.iter_batches(batch_size=rows), None)
            found = _records(batch) if batch is not None else []
            return Head(tuple(found), file.metadata.num_rows)
    except UnusableInputError as error:
        return Head(error=error.message)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        return Head(error=f"no Parquet file, or a damaged one: {_words(error)}")


def _records(batch: pa.RecordBatch) -> list[Mapping[str, object]]:
    return [{name: _plain(value) for name, value in row.items()} for row in batch.to_pylist()]


def _plain(value: object) -> object:
    """A value as JSON has it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def read_parquet(path: Path, columns: Sequence[Column], progress: Progress | None) -> Iterator[Block]:
    """The rows of a file in blocks.

    Raises:
        UnusableInputError: it cannot be read.
    """
    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            total, done = file.metadata.num_rows, 0
            size = path.stat().st_size
            for batch in file.iter_batches(batch_size=_ROWS, columns=[column.name for column in columns]):
                yield _block(path, batch, columns, done)
                done += batch.num_rows
                if progress is not None:
                    progress(path.name, size * done // max(1, total), size)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnusableInputError(f"a damaged Parquet file: {_words(error)}", file=str(path)) from None


def sample_parquet(path: Path, columns: Sequence[Column]) -> tuple[Iterator[Block], int]:
    """Rows of some row groups from all over a large file in blocks, and how many rows it has.

    Raises:
        UnusableInputError: it cannot be read.
    """
    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            count = file.metadata.num_row_groups
            groups = sorted(
                {round(index * (count - 1) / (_SAMPLED_GROUPS - 1)) for index in range(_SAMPLED_GROUPS)}
            )
            names = [column.name for column in columns]
            found = []
            for group in groups:
                batch = next(
                    file.iter_batches(batch_size=_ROWS // 4, row_groups=[group], columns=names), None
                )
                if batch is not None:
                    found.append(_block(path, batch, columns, 0))
            return iter(found), file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnusableInputError(f"a damaged Parquet file: {_words(error)}", file=str(path)) from None


def _block(path: Path, batch: pa.RecordBatch, columns: Sequence[Column], first: int) -> Block:
    lists = [column for column in columns if column.kind is ColumnKind.NUMBERS]
    found = {
        column.name: piece(_typed(batch.column(column.name), column.kind), column.kind)
        for column in columns
        if column not in lists
    }
    if lists:
        records = [dict(row) for row in batch.select([column.name for column in lists]).to_pylist()]
        rows = [first + index + 1 for index in range(len(records))]
        return {**found, **block_of_records(path, records, rows, lists)}
    return found


def _typed(values: pa.Array, kind: ColumnKind) -> pa.Array:
    """A column as the readers of other tables have it."""
    if pa.types.is_dictionary(values.type) and kind is not ColumnKind.CATEGORY:
        values = values.dictionary_decode()
    if kind in (ColumnKind.CATEGORY, ColumnKind.TEXT) and not pa.types.is_dictionary(values.type):
        return values.cast(pa.string())
    if kind is ColumnKind.DATE and (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return values.cast(pa.timestamp("us"))
    if kind is ColumnKind.NUMBER and pa.types.is_boolean(values.type):
        return values.cast(pa.int8())
    return values


def _check(schema: pa.Schema) -> None:
    names: set[str] = set()
    for field in schema:
        if field.name in names:
            raise UnusableInputError(f"has two columns called {field.name!r}")
        names.add(field.name)
        inner = field.type
        while pa.types.is_list(inner) or pa.types.is_large_list(inner) or pa.types.is_fixed_size_list(inner):
            inner = inner.value_type
        if pa.types.is_struct(inner) or pa.types.is_map(inner) or pa.types.is_union(inner):
            raise UnusableInputError(
                f"column {field.name!r} holds {field.type}; expected numbers, booleans, dates, text or lists "
                "of numbers: write the file without it"
            )


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(head(Path(sys.argv[1]))))
