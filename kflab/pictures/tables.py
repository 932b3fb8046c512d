"""Arrays and columns as a table: shape, dtype, range, mean, what is missing, and how it is distributed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from kflab.catalog.profiles import ArrayProfile
from kflab.pictures.bars import sparkline
from kflab.pictures.cells import Line, Piece, Tone, cut, one_line
from kflab.pictures.numbers import number_text, share_text

_SPARK = 20
_GAP = 2
_WORDS = ("missing", "values")
_LEAST_NAME = 18


def aligned(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    left: frozenset[int] = frozenset({0}),
    tones: Sequence[Tone] = (),
) -> list[Line]:
    """A table in at most `width` columns: what has no room at its right end is left out.

    Args:
        head: the titles of the columns.
        rows: the texts.
        width: the columns of the terminal.
        left: the columns that are aligned to the left; the others hold numbers.
        tones: what each row is.
    """
    count = len(head)
    widths = [max(cell_len(row[at]) for row in (head, *rows)) for at in range(count)]
    # Names may be long; they give way before a figure does.
    spare = sum(widths) + _GAP * (count - 1) - width
    if spare > 0:
        widths[0] = max(min(widths[0], _LEAST_NAME), widths[0] - spare)
    shown = count
    while shown > 1 and sum(widths[:shown]) + _GAP * (shown - 1) > width:
        shown -= 1
    widths[0] = min(widths[0], width)

    def line(row: Sequence[str], tone: Tone) -> Line:
        cells = []
        for at in range(shown):
            text = cut(row[at], widths[at])
            space = " " * (widths[at] - cell_len(text))
            cells.append(text + space if at in left else space + text)
        return (Piece((" " * _GAP).join(cells).rstrip(), tone=tone),)

    kinds = [*tones, *[Tone.PLAIN] * (len(rows) - len(tones))]
    return [line(head, Tone.QUIET), *(line(row, tone) for row, tone in zip(rows, kinds, strict=True))]


_HEAD = ("missing", "low", "high", "mean", "deviation", "zeros", "values")


def array_table(arrays: Sequence[ArrayProfile], width: int, *, plain: bool = False) -> list[Line]:
    """The arrays of a dataset, one a row."""
    first = [(_name(one), *shape_and_dtype(one)) for one in arrays]
    return _table(("array", "shape", "dtype"), first, arrays, width, plain=plain)


def column_table(columns: Sequence[ArrayProfile], width: int, *, plain: bool = False) -> list[Line]:
    """The columns of a table, one a row."""
    dtypes = {one.dtype for one in columns}
    if len(dtypes) < 2:
        return _table(("column",), [(_name(one),) for one in columns], columns, width, plain=plain)
    first = [(_name(one), one.dtype) for one in columns]
    return _table(("column", "dtype"), first, columns, width, plain=plain)


def _table(
    head: Sequence[str],
    first: Sequence[Sequence[str]],
    arrays: Sequence[ArrayProfile],
    width: int,
    *,
    plain: bool,
) -> list[Line]:
    """A table whose first columns are given; figures that no array has are left out."""
    figures = [_figures(one, plain=plain) for one in arrays]
    kept = [at for at in range(len(_HEAD)) if any(row[at] for row in figures)]
    rows = [(*start, *(row[at] for at in kept)) for start, row in zip(first, figures, strict=True)]
    left = {*range(len(head)), *(len(head) + at for at, own in enumerate(kept) if _HEAD[own] in _WORDS)}
    tones = [_tone(one) for one in arrays]
    return aligned((*head, *(_HEAD[at] for at in kept)), rows, width, left=frozenset(left), tones=tones)


def shape_and_dtype(one: ArrayProfile) -> tuple[str, str]:
    """The shape of a sample and the dtype of its values, as they are shown."""
    return "×".join("?" if axis is None else str(axis) for axis in one.shape) or "scalar", one.dtype


def _figures(one: ArrayProfile, *, plain: bool) -> tuple[str, ...]:
    unusable = [f"{count:,} {kind}" for count, kind in ((one.missing, ""), (one.infinite, "∞")) if count]
    first = f" from row {one.first_unusable:,}" if one.first_unusable is not None else ""
    # What standardising leaves of a mean is no more than rounding.
    mean = 0.0 if one.mean and one.deviation and abs(one.mean) < 1e-6 * one.deviation else one.mean
    distinct = f"{one.distinct:,} different" if one.distinct is not None and not one.histogram else ""
    return (
        " and ".join(text.strip() for text in unusable) + first,
        *(number_text(value) if value is not None else "" for value in (one.low, one.high, mean)),
        number_text(one.deviation) if one.deviation is not None else "",
        share_text(one.zeros),
        sparkline(one.histogram, _SPARK, plain=plain) or distinct,
    )


def _name(one: ArrayProfile) -> str:
    return one_line(one.name)


def _tone(one: ArrayProfile) -> Tone:
    return Tone.WARNING if one.missing or one.infinite else Tone.PLAIN
