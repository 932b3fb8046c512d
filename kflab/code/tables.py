"""Tables as code: CSV and TSV, Parquet and JSON lines, their columns as kflab has them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from kflab.catalog.dataset_types import TargetKind
from kflab.catalog.offers import Settings
from kflab.catalog.sources.columns import Column, ColumnKind
from kflab.catalog.sources.kinds import SourceKind
from kflab.catalog.sources.settings import IDS
from kflab.catalog.sources.tables import (
    FEATURES,
    beside,
    describe_target,
    dtype_of_lists,
    known,
    missing_problem,
    roles_of,
)
from kflab.code.layout import Expression, call, called, flat, lines, listed, literal, mapped, quoted
from kflab.code.objects import CodeError
from kflab.code.statements import Statements
from kflab.experiment import Data

_NUMPY = "import numpy as np"
_TYPES: Mapping[ColumnKind, str] = {
    ColumnKind.NUMBER: "float64",
    ColumnKind.BOOLEAN: "bool",
    ColumnKind.DATE: "timestamp[us]",
    ColumnKind.CATEGORY: "string",
    ColumnKind.TEXT: "string",
}
_MICROSECONDS = "86_400_000_000"
"""Those of a day: dates are days since 1970."""

_FILLED = {"mean": 'np.nanmean({}, axis=0, dtype="float64")', "median": "np.nanmedian({}, axis=0)"}
_EXACT = float(1 << 24)
_SINGLE = '.astype("float32")'


class TableCode(Statements):
    """The statements that read a table.

    Attributes:
        gaps: what stands in for missing values of arrays, by the array: code with a place for the training
            samples.
    """

    gaps: dict[str, str] = msgspec.field(default_factory=dict)


def table_code(
    path: Path, kind: SourceKind, settings: Settings, data: Data, variable: Callable[[str], str], shown: str
) -> TableCode:
    """The statements that read the columns of a table that have variables.

    Args:
        path: the table.
        kind: what it is.
        settings: the arguments of the source.
        data: the experiment's data section.
        variable: the variable of an array, or `_` for one that is not used.
        shown: the path as the script has it.

    Raises:
        CodeError: no code can be written for what it holds; the text says why.
    """
    return _Writer(path, kind, settings, data, variable, shown).code()


class _Writer:
    def __init__(
        self,
        path: Path,
        kind: SourceKind,
        settings: Settings,
        data: Data,
        variable: Callable[[str], str],
        shown: str,
    ) -> None:
        self._path, self._kind, self._settings, self._shown = path, kind, settings, shown
        self._style, self._table = known(path, kind, settings, data)
        self._roles = roles_of(path, self._table, settings, data)
        self._how = settings.text("missing")
        self._code = TableCode()
        self._rows = "table"
        self._variable = variable
        names = [*dict.fromkeys((FEATURES, *(column.name for column in self._table.columns)))]
        self._arrays = {name: variable(name) for name in names if variable(name) != "_"}

    def code(self) -> TableCode:
        if not self._table.is_whole:
            raise CodeError(
                f"no code can be written yet for {self._path.name}, which was not read to its end so far: "
                "its columns are not known for sure; `kflab code` and a run read it"
            )
        used = [column for name in self._arrays for column in self._columns(name)]
        used = list(dict.fromkeys(used))
        self._check(used)
        self._read(used)
        if self._how == "drop" and any(column.missing for column in used):
            # The words of a row that is left out still are among those of their column.
            self._rows = "complete"
            self._code.lines.append("complete = table.drop_null()")
        for name, variable in self._arrays.items():
            made, after = self._array(name)
            self._code.lines += lines(made, before=f"{variable} = ", after=after)
            if any(column.missing for column in self._columns(name)) and self._how in ("zero", *_FILLED):
                self._code.gaps[name] = _FILLED.get(self._how, "np.zeros(1)")
        return self._code

    def _columns(self, name: str) -> tuple[Column, ...]:
        column = self._table.column(name)
        if name == FEATURES and (column is None or column.kind is not ColumnKind.NUMBERS):
            return beside(self._roles.features, self._style)
        assert column is not None
        return (column,)

    def _check(self, used: Sequence[Column]) -> None:
        for column in used:
            if column.kind is ColumnKind.DATE and self._kind is SourceKind.JSON_LINES:
                raise CodeError(f"no code can be written yet for dates in JSON lines ({column.name!r})")
            if column.kind is ColumnKind.DATE and column.zoned:
                raise CodeError(f"no code can be written yet for dates with a time zone ({column.name!r})")
            if column.kind is ColumnKind.NUMBERS and self._kind is not SourceKind.JSON_LINES:
                raise CodeError(f"no code can be written yet for lists in a Parquet table ({column.name!r})")
            if not column.missing or column.kind is ColumnKind.TEXT:
                continue
            problem = missing_problem(column, self._how, is_target=column in self._roles.targets)
            if problem:
                raise CodeError(problem)
            measured = column.kind in (ColumnKind.NUMBER, ColumnKind.DATE)
            if self._kind is SourceKind.JSON_LINES or not measured or self._how == "most_frequent":
                raise CodeError(f"no code can be written yet for the missing values of {column.name!r}")
        gappy = any(column.missing for column in used)
        if gappy and self._how == "drop" and any(column.kind is ColumnKind.TEXT for column in used):
            raise CodeError("no code can be written yet for missing values beside text")

    # Reading

    def _read(self, used: Sequence[Column]) -> None:
        code = self._code
        if self._kind is SourceKind.JSON_LINES:
            code.imports.add("import json")
            code.lines += [
                f'with open({quoted(self._shown)}, encoding="utf-8") as lines:',
                "    rows = [json.loads(line) for line in lines if line.strip()]",
            ]
            code.assign("names", listed(quoted(column.name) for column in used))
            code.lines.append("table = {name: [row.get(name) for row in rows] for name in names}")
            return
        code.assign("types", mapped({column.name: quoted(_TYPES[column.kind]) for column in used}))
        if self._kind is SourceKind.PARQUET:
            code.imports |= {"import pyarrow as pa", "from pyarrow import parquet"}
            code.assign("table", call("parquet.read_table", quoted(self._shown), columns="list(types)"))
            code.lines.append("table = table.cast(pa.schema(types))")
            return
        code.imports.add("from pyarrow import csv")
        code.assign("table", called("csv.read_csv", [quoted(self._shown)], dict(self._options(used))))

    def _options(self, used: Sequence[Column]) -> Iterator[tuple[str, Expression]]:
        table, style = self._table, self._style
        reading: dict[str, Expression] = {}
        if self._has_other_names():
            reading = {
                "column_names": listed(quoted(column.name) for column in table.columns),
                "skip_rows_after_names": "1",
            }
        if style.encoding.lower().replace("-", "") != "utf8":
            reading["encoding"] = quoted(style.encoding)
        if reading:
            yield "read_options", called("csv.ReadOptions", (), reading)
        parsing: dict[str, Expression] = {}
        if table.separator != ",":
            parsing["delimiter"] = quoted(table.separator)
        if any(
            column.kind is ColumnKind.TEXT or any("\n" in label for label in column.labels)
            for column in table.columns
        ):
            parsing["newlines_in_values"] = "True"
        if parsing:
            yield "parse_options", called("csv.ParseOptions", (), parsing)
        converting: dict[str, Expression] = {"column_types": "types", "include_columns": "list(types)"}
        if any(column.missing for column in used):
            converting["null_values"] = literal(sorted(style.missing_words))
        if table.decimal != ".":
            converting["decimal_point"] = quoted(table.decimal)
        yield "convert_options", called("csv.ConvertOptions", (), converting)

    def _has_other_names(self) -> bool:
        """Whether the header has blanks around names, or columns without any."""
        encoding = (
            "utf-8-sig" if self._style.encoding.lower().replace("-", "") == "utf8" else self._style.encoding
        )
        with self._path.open(encoding=encoding, newline="") as file:
            header = next((row for row in csv.reader(file, delimiter=self._table.separator) if row), [])
        return header != [column.name for column in self._table.columns]

    # Arrays

    def _array(self, name: str) -> tuple[Expression, str]:
        """An array, and what follows it."""
        columns = self._columns(name)
        self._code.imports.add(_NUMPY)
        if columns[0] in self._roles.targets:
            return self._target(columns[0]), ""
        if name == FEATURES and columns[0].name != FEATURES:
            self._code.assign("columns", listed(map(self._values, columns)))
            return "np.column_stack(columns)", _SINGLE
        return self._alone(columns[0]), ""

    def _alone(self, column: Column) -> Expression:
        named = f"{self._rows}[{quoted(column.name)}]"
        if column.kind is ColumnKind.TEXT:
            texts = named if self._kind is SourceKind.JSON_LINES else f"{named}.to_pylist()"
            if self._kind is not SourceKind.TABLE:
                texts = f'[text or "" for text in {texts}]'
            return call("np.array", texts, dtype="object")
        if column.kind is ColumnKind.NUMBERS:
            dtype = quoted(dtype_of_lists(column))
            if None in column.shape:
                self._code.recipes.append("ragged")
                return call("ragged", named, dtype)
            return call("np.array", named, dtype=dtype)
        if self._style.types.get(column.name) == IDS:
            return f"{flat(self._worded('codes', column))}[:, None]"
        if column.kind is ColumnKind.CATEGORY:
            return self._values(column)
        wide = max(abs(column.low or 0), abs(column.high or 0)) >= _EXACT or column.kind is ColumnKind.DATE
        single = "" if wide else _SINGLE
        return f"np.asarray({flat(self._values(column))})[:, None]{single}"

    def _values(self, column: Column) -> Expression:
        """The values of a column as numbers: of categories one 0 or 1 for each."""
        named = f"{self._rows}[{quoted(column.name)}]"
        if column.kind is ColumnKind.CATEGORY:
            return self._worded("one_hot", column)
        if column.kind is ColumnKind.DATE:
            return f'{named}.cast("int64").to_numpy() / {_MICROSECONDS}'
        return named

    def _worded(self, recipe: str, column: Column) -> Expression:
        """What a function makes of words, in the alphabet of all of their column."""
        self._code.recipes.append(recipe)
        places = dict.fromkeys((self._rows, "table"))
        return call(recipe, *(f"{place}[{quoted(column.name)}]" for place in places))

    def _target(self, column: Column) -> Expression:
        named = f"{self._rows}[{quoted(column.name)}]"
        kind = describe_target(column, self._style, self._table).kind
        if column.kind is ColumnKind.CATEGORY:
            return self._worded("codes", column)
        if column.kind is ColumnKind.NUMBERS:
            made = f'np.array({named}, dtype="float32")'
            return f"{made}[:, 0]" if column.shape == (1,) else made
        dtype = "int32" if kind in (TargetKind.CLASSES, TargetKind.BINARY) else "float32"
        return f"np.array({flat(self._values(column))}, dtype={quoted(dtype)})"
