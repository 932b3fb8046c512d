"""What the first rows of a table say of its columns, read in plain Python and at once."""

from __future__ import annotations

import codecs
import csv
import functools
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from kflab.catalog.offers import Settings
from kflab.catalog.sources.columns import (
    MISSING_WORDS,
    Column,
    ColumnKind,
    Table,
    infer,
    infer_values,
    number_pattern,
)
from kflab.catalog.sources.settings import IDS, names
from kflab.errors import UnusableInputError, did_you_mean

LONGEST_ROW = 4 << 20
"""The bytes of the longest row that is read."""

_SEPARATORS = (",", ";", "\t", "|")
_ENOUGH_VALUES = 20_000
_MOST_BYTES = 1 << 20
_MOST_COLUMNS = 100_000
_decoder = msgspec.json.Decoder()
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+")


class Style(msgspec.Struct, frozen=True):
    """How a table is written and what the document says of its columns.

    Attributes:
        separator: what stands between two values; "" where it is to be told from the header.
        decimal: the decimal point; "" where it is to be told from the first rows.
        encoding: the encoding of the text.
        missing_values: words that stand for a missing value, beside the usual ones.
        types: what columns hold, by name.
        categories: columns whose words are labels, however many they are: the targets.
    """

    separator: str = ""
    decimal: str = ""
    encoding: str = "utf-8"
    missing_values: tuple[str, ...] = ()
    types: Mapping[str, str] = {}
    categories: tuple[str, ...] = ()

    @property
    def missing_words(self) -> frozenset[str]:
        """What stands for a missing number, date or boolean."""
        return frozenset((*MISSING_WORDS, *self.missing_values))

    @property
    def missing_labels(self) -> frozenset[str]:
        """What stands for a missing word among categories."""
        return frozenset(("", *self.missing_values))

    def kind(self, name: str) -> ColumnKind | None:
        """What the document says that a column holds."""
        said = self.types.get(name)
        return None if said is None else ColumnKind.CATEGORY if said == IDS else ColumnKind(said)


def style_of(settings: Settings, targets: Sequence[str] = ()) -> Style:
    """How the arguments of a source say that its table is written."""
    types = settings.value("types")
    assert isinstance(types, Mapping)
    written = settings.has("separator")
    return Style(
        separator=settings.text("separator") if written else "",
        decimal=settings.text("decimal") if written else "",
        encoding=settings.text("encoding") if written else "utf-8",
        missing_values=(names(settings.value("missing_values")) or ()) if written else (),
        types={name: str(kind) for name, kind in types.items()},
        categories=tuple(targets),
    )


def sketch_csv(path: Path, style: Style, values: int = _ENOUGH_VALUES) -> Table:
    """What the first rows of a CSV or TSV file say.

    Raises:
        UnusableInputError: it is empty, has no header, or a row has not as many values as the header.
    """
    status = path.stat()
    return _sketch_csv(path, _Key(style), values, status.st_size, status.st_mtime_ns)


class _Key:
    """A style as a key of a cache."""

    def __init__(self, style: Style) -> None:
        self.style, self._bytes = style, msgspec.json.encode(style, order="deterministic")

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._bytes == other._bytes


@functools.lru_cache(maxsize=16)
def _sketch_csv(path: Path, key: _Key, values: int, size: int, _changed: int) -> Table:
    style = key.style
    text, is_all = head(path, style.encoding, max(_MOST_BYTES, values * 16), size)
    separator = style.separator or ("\t" if path.suffix.lower() in (".tsv", ".tab") else _separator(text))
    header, rows, is_all = _rows(path, text, separator, is_all, values)
    if not rows:
        raise UnusableInputError("has a header and no rows", file=str(path))
    check_known(path, header, style)
    decimal = style.decimal or _decimal(rows, separator)
    columns = [
        _inferred(style, name, [row[index] for row in rows], decimal) for index, name in enumerate(header)
    ]
    return Table(
        tuple(columns),
        rows=len(rows),
        total=len(rows) if is_all else 0,
        separator=separator,
        decimal=decimal,
    )


def _inferred(style: Style, name: str, words: Sequence[str], decimal: str) -> Column:
    missing, absent = style.missing_words, style.missing_labels
    found = infer(name, words, decimal, missing, style.kind(name), absent)
    # A target of words has classes, even where each row has its own.
    is_target = name in style.categories and style.kind(name) is None
    if is_target and found.kind is ColumnKind.TEXT:
        return infer(name, words, decimal, missing, ColumnKind.CATEGORY, absent)
    return found


def check_known(path: Path, header: Sequence[str], style: Style) -> None:
    """Refuse types of columns that the table does not have.

    Raises:
        UnusableInputError: there is one.
    """
    for name in style.types:
        if name not in header:
            raise UnusableInputError(
                f"there is no column {name!r}{did_you_mean(name, header)}",
                file=str(path),
                path="data.arguments.types",
            )


def head(path: Path, encoding: str, most: int, size: int) -> tuple[str, bool]:
    """The beginning of a text file, and whether that is all of it.

    Raises:
        UnusableInputError: it cannot be read, is empty, or is not of that encoding.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(most)
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(path)) from None
    if not raw.strip():
        raise UnusableInputError("is empty", file=str(path))
    is_all = len(raw) >= size
    encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(raw, is_all)
    except UnicodeError as error:
        where = getattr(error, "start", 0)
        raise UnusableInputError(
            f"not {encoding.removesuffix('-sig')} text at byte {where:,}; data.arguments.encoding says which "
            "encoding it has, such as latin-1 or utf-16",
            file=str(path),
            line=raw.count(b"\n", 0, where) + 1,
        ) from None
    if "\0" in text:
        raise UnusableInputError(
            "holds binary data (a zero byte); expected text", file=str(path), line=_line(text, "\0")
        )
    return text, is_all


def _line(text: str, what: str) -> int:
    return text.count("\n", 0, text.index(what)) + 1


def _separator(text: str) -> str:
    """The separator that stands most often in the header, outside of quotes."""
    first = re.sub(r'"[^"]*"', "", text[:LONGEST_ROW].lstrip("\r\n").partition("\n")[0])
    return max(_SEPARATORS, key=first.count)


def _rows(
    path: Path, text: str, separator: str, is_all: bool, values: int
) -> tuple[list[str], list[list[str]], bool]:
    """The header, the first rows, and whether those are all."""
    read, is_all, is_cut = _read(path, text, separator, is_all, values)
    if is_cut and len(read) > 1:
        read.pop()
    if len(read) < 2 and not is_all:
        raise UnusableInputError(
            f"its first row does not end within {LONGEST_ROW >> 20} MB; expected a header and rows",
            file=str(path),
            line=1,
        )
    header = named(path, read[0][1])
    for line, row in read[1:]:
        if len(row) != len(header):
            raise UnusableInputError(
                f"has {len(row)} values; expected {len(header)}, as in the header", file=str(path), line=line
            )
    return header, [[word.strip() for word in row] for _, row in read[1:]], is_all


def _read(
    path: Path, text: str, separator: str, is_all: bool, values: int
) -> tuple[list[tuple[int, list[str]]], bool, bool]:
    """The first rows with the line of each, whether those are all, and whether the last may be cut off."""
    csv.field_size_limit(LONGEST_ROW)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    read: list[tuple[int, list[str]]] = []
    seen, before = 0, 0
    try:
        for row in reader:
            if seen >= values and len(read) > 1:
                return read, False, False
            if row:
                read.append((before + 1, row))
                seen += len(row)
            before = reader.line_num
    except csv.Error as error:
        # The last row may be cut off within quotes.
        if is_all:
            raise UnusableInputError(f"{error}", file=str(path), line=before + 1) from None
        return read, False, False
    return read, is_all, not is_all


def named(path: Path, header: Sequence[str]) -> list[str]:
    """The names of the columns; one without a name is called by its number.

    Raises:
        UnusableInputError: two have the same name, or the first row is none of names.
    """
    pattern = number_pattern(".")
    if all(pattern.fullmatch(word.strip()) for word in header):
        raise UnusableInputError(
            "its first row holds numbers; expected a header with the names of the columns",
            file=str(path),
            line=1,
        )
    if len(header) > _MOST_COLUMNS:
        raise UnusableInputError(
            f"has {len(header):,} columns; expected at most {_MOST_COLUMNS:,}", file=str(path)
        )
    found = [word.strip() or f"column_{index + 1}" for index, word in enumerate(header)]
    seen: set[str] = set()
    for name in found:
        if name in seen:
            raise UnusableInputError(f"has two columns called {name!r}", file=str(path), line=1)
        seen.add(name)
    return found


def _decimal(rows: Sequence[Sequence[str]], separator: str) -> str:
    """A comma where numbers are written so, which they are in tables that a semicolon or a tab divides."""
    if separator == ",":
        return "."
    words = [word for row in rows[:200] for word in row]
    point = number_pattern(".")
    commas = sum(1 for word in words if _COMMA_NUMBER.fullmatch(word))
    points = sum(1 for word in words if "." in word and point.fullmatch(word))
    return "," if commas > points else "."


def sketch_json_lines(path: Path, style: Style, values: int = _ENOUGH_VALUES) -> Table:
    """What the first lines of a JSON-lines file say.

    Raises:
        UnusableInputError: it is empty, or a line is no JSON object.
    """
    status = path.stat()
    return _sketch_json_lines(path, _Key(style), values, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _sketch_json_lines(path: Path, key: _Key, values: int, size: int, _changed: int) -> Table:
    text, is_all = head(path, "utf-8", max(_MOST_BYTES, values * 16), size)
    rows: list[Mapping[str, object]] = []
    seen = 0
    lines = text.split("\n")
    if not is_all and len(lines) == 1:
        raise too_long(path, 1)
    for index, line in enumerate(lines if is_all else lines[:-1]):
        if seen >= values:
            is_all = False
            break
        if line.strip():
            rows.append(record(path, line, index + 1))
            seen += sum(len(value) if isinstance(value, list) else 1 for value in rows[-1].values())
    return sketch_records(path, rows, key.style, is_all)


def sketch_records(path: Path, rows: Sequence[Mapping[str, object]], style: Style, is_all: bool) -> Table:
    """What the first records of a table say; all have the same types of values as JSON has.

    Raises:
        UnusableInputError: there are none.
    """
    if not rows:
        raise UnusableInputError("has no rows", file=str(path))
    header = list(dict.fromkeys(name for row in rows for name in row))
    check_known(path, header, style)
    columns = []
    for name in header:
        found = [row.get(name) for row in rows]
        column = infer_values(name, found, style.kind(name))
        if column.kind is ColumnKind.TEXT and name in style.categories and style.kind(name) is None:
            column = infer_values(name, found, ColumnKind.CATEGORY)
        columns.append(column)
    return Table(tuple(columns), rows=len(rows), total=len(rows) if is_all else 0)


def record(path: Path, line: str | bytes, number: int) -> Mapping[str, object]:
    """One line of a JSON-lines file.

    Raises:
        UnusableInputError: it is no JSON object.
    """
    try:
        found = _decoder.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise UnusableInputError(f"no JSON: {error}", file=str(path), line=number) from None
    if not isinstance(found, dict) or not found:
        raise UnusableInputError(
            'expected a JSON object such as {"age": 31, "label": "yes"} on each line',
            file=str(path),
            line=number,
        )
    if dict in map(type, found.values()):
        name = next(name for name, value in found.items() if isinstance(value, dict))
        raise UnusableInputError(
            f"{name!r} holds an object; expected a number, text, true, false, null or a list of numbers",
            file=str(path),
            line=number,
        )
    return found


def too_long(path: Path, line: int) -> UnusableInputError:
    """The error of a line that does not end."""
    return UnusableInputError(
        f"does not end within {LONGEST_ROW >> 20} MB; expected one JSON object a line",
        file=str(path),
        line=line,
    )
