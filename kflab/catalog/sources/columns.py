"""What is known of a table's columns, and what kind of values a column holds."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

MOST_LABELS = 10_000
"""The most labels that a column of categories may have."""

MOST_CATEGORIES = 1_000
"""The most different words in a column that is still taken for categories, not for text."""

TRUE, FALSE = "true", "false"

MISSING_WORDS = ("", "NA", "N/A", "#N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?", "-")
"""What stands for a missing number, date or boolean; among words only nothing does."""

_MOSTLY = 0.75
_FEW = 0.1


class ColumnKind(enum.StrEnum):
    """What the values of a column are."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    CATEGORY = "category"
    TEXT = "text"
    NUMBERS = "numbers"  # a list of numbers in each row


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """A column of a table.

    Attributes:
        name: what the header calls it.
        kind: what its values are.
        missing: how many rows have no value.
        first_missing: the first of those rows, counted from 0.
        whole: all of its numbers are whole.
        low: the least number.
        high: the greatest number.
        distinct: its different numbers, in order, where they are whole and few.
        labels: its different words, in order.
        shape: the shape of a row's list of numbers; an axis of varying size is None.
        first_ragged: the first row whose list has another shape than the first row's, counted from 0.
        ragged: that shape.
        one_hot: each of its lists holds a single 1 and 0s.
        zoned: its dates say their time zone.
        unseen: it has no value at all so far.
    """

    name: str
    kind: ColumnKind
    missing: int = 0
    first_missing: int | None = None
    whole: bool = False
    low: float | None = None
    high: float | None = None
    distinct: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    shape: tuple[int | None, ...] = ()
    first_ragged: int | None = None
    ragged: tuple[int, ...] = ()
    one_hot: bool = False
    zoned: bool = False
    unseen: bool = False


class Table(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a table.

    Attributes:
        columns: its columns, in order.
        rows: how many rows were seen.
        total: how many rows there are; 0 where that is not known.
        about: how many rows there are, about, where that was told from a part of them.
        separator: what stands between the values of a row.
        decimal: the decimal point.
    """

    columns: tuple[Column, ...]
    rows: int = 0
    total: int = 0
    about: int = 0
    separator: str = ""
    decimal: str = "."

    @property
    def is_whole(self) -> bool:
        """Whether all rows were seen."""
        return self.rows == self.total

    def column(self, name: str) -> Column | None:
        """The column called `name`, if there is one."""
        return next((column for column in self.columns if column.name == name), None)


_NUMBER = r"[+-]?(?:\d+{point}?\d*|{point}\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|infinity)"
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?)?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


def number_pattern(decimal: str) -> re.Pattern[str]:
    """What a number looks like."""
    return re.compile(_NUMBER.format(point=re.escape(decimal)), re.IGNORECASE | re.ASCII)


def infer(
    name: str,
    words: Sequence[str],
    decimal: str,
    missing_words: frozenset[str],
    wanted: ColumnKind | None,
    missing_labels: frozenset[str] = frozenset({""}),
) -> Column:
    """The column that these words of a text file are the first of.

    Args:
        name: what the header calls it.
        words: a word a row, without blanks around it.
        decimal: the decimal point.
        missing_words: what stands for a missing value.
        wanted: what the document says that it is.
        missing_labels: what stands for a missing word.
    """
    known = [word for word in words if word not in missing_words]
    kind = wanted or _kind(known, decimal)
    if kind is ColumnKind.TEXT:
        missing_labels = frozenset({""})
    absent = missing_labels if kind in (ColumnKind.CATEGORY, ColumnKind.TEXT) else missing_words
    present = [word for word in words if word not in absent]
    if kind is ColumnKind.CATEGORY and wanted is None and not _repeats(present):
        kind = ColumnKind.TEXT
    base = Column(name, kind, unseen=not present, missing=len(words) - len(present))
    if base.missing:
        first = next(row for row, word in enumerate(words) if word in absent)
        base = msgspec.structs.replace(base, first_missing=first)
    if kind is ColumnKind.CATEGORY:
        return msgspec.structs.replace(base, labels=tuple(sorted(set(present))))
    if kind is ColumnKind.BOOLEAN:
        return msgspec.structs.replace(base, whole=True, low=0, high=1, distinct=(0, 1))
    if kind is ColumnKind.DATE:
        zoned = any((match := _DATE.fullmatch(word)) and match["zone"] for word in present)
        return msgspec.structs.replace(base, zoned=zoned)
    if kind is ColumnKind.NUMBER:
        pattern = number_pattern(decimal)
        return with_numbers(
            base, [float(word.replace(decimal, ".")) for word in present if pattern.fullmatch(word)]
        )
    return base


def with_numbers(column: Column, numbers: Iterable[float]) -> Column:
    """A column of numbers with what is to be known of them."""
    finite = [number for number in numbers if math.isfinite(number)]
    if not finite:
        return column
    whole = all(number.is_integer() for number in finite)
    distinct = sorted({int(number) for number in finite}) if whole else []
    return msgspec.structs.replace(
        column,
        whole=whole,
        low=min(finite),
        high=max(finite),
        distinct=tuple(distinct) if len(distinct) <= MOST_LABELS else (),
    )


def _kind(known: Sequence[str], decimal: str) -> ColumnKind:
    if not known:
        return ColumnKind.CATEGORY
    if all(word.lower() in (TRUE, FALSE) for word in known):
        return ColumnKind.BOOLEAN
    if all(_DATE.fullmatch(word) for word in known):
        return ColumnKind.DATE
    pattern = number_pattern(decimal)
    numbers = [word for word in known if pattern.fullmatch(word)]
    wrong = 1 - len(numbers) / len(known)
    # A word among measured values is a slip, which is told where it stands; among codes it is one of them.
    measured = len(set(numbers)) > len(numbers) / 2 or any(decimal in word for word in numbers)
    if wrong <= 1 - _MOSTLY and (measured or wrong <= _FEW):
        return ColumnKind.NUMBER
    return ColumnKind.CATEGORY


def _repeats(words: Sequence[str]) -> bool:
    return len(set(words)) <= min(MOST_CATEGORIES, len(words) / 2)


def infer_values(name: str, values: Sequence[object], wanted: ColumnKind | None) -> Column:
    """The column that these values of JSON are the first of; None is a missing one."""
    known = [value for value in values if value is not None]
    kind = wanted or _kind_of_values(known)
    first = next((row for row, value in enumerate(values) if value is None), None)
    base = Column(name, kind, missing=len(values) - len(known), first_missing=first, unseen=not known)
    if kind is ColumnKind.CATEGORY:
        words = [text_of(value) for value in known]
        if wanted is None and not _repeats(words):
            return msgspec.structs.replace(base, kind=ColumnKind.TEXT)
        return msgspec.structs.replace(base, labels=tuple(sorted(set(words))))
    if kind is ColumnKind.BOOLEAN:
        return msgspec.structs.replace(base, whole=True, low=0, high=1, distinct=(0, 1))
    if kind is ColumnKind.NUMBER:
        numbers = [float(value) for value in known if isinstance(value, int | float) and abs(value) < 1e308]
        return with_numbers(base, numbers)
    if kind is ColumnKind.NUMBERS:
        return _lists(base, values)
    return base


def _kind_of_values(known: Sequence[object]) -> ColumnKind:
    counts: dict[type, int] = {}
    for value in known:
        kind = float if type(value) is int else type(value)
        counts[kind] = counts.get(kind, 0) + 1
    kinds: Mapping[type, ColumnKind] = {
        bool: ColumnKind.BOOLEAN,
        float: ColumnKind.NUMBER,
        list: ColumnKind.NUMBERS,
    }
    most = max(counts, key=lambda kind: counts[kind], default=str)
    if most is str and known and all(isinstance(value, str) and _DATE.fullmatch(value) for value in known):
        return ColumnKind.DATE
    return kinds.get(most, ColumnKind.CATEGORY)


def _lists(column: Column, values: Sequence[object]) -> Column:
    shapes = [
        shape for value in values if isinstance(value, list) and (shape := list_shape(value)) is not None
    ]
    if not shapes:
        return column
    rank = len(shapes[0])
    agreed = tuple(
        axis if all(len(shape) == rank and shape[index] == axis for shape in shapes) else None
        for index, axis in enumerate(shapes[0])
    )
    return msgspec.structs.replace(column, shape=agreed)


def list_shape(value: object) -> tuple[int, ...] | None:
    """The shape of a list of numbers, or of lists of them; nothing where it is ragged or holds others."""
    if isinstance(value, bool) or not isinstance(value, list | int | float):
        return None
    if not isinstance(value, list):
        return ()
    inner = {list_shape(item) for item in value}
    if len(inner) > 1 or None in inner:
        return None
    return (len(value), *(inner.pop() or ())) if inner else (0,)


def text_of(value: object) -> str:
    """A scalar of JSON as a label."""
    if isinstance(value, bool):
        return TRUE if value else FALSE
    return value.strip() if isinstance(value, str) else str(value)
