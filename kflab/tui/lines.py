"""Lines of cells whose pieces say what they are, not what colour they have."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size

ELLIPSIS = "…"

_NEAR = 8
"""Stretches this near to each other are sent as one: going to another column costs the terminal as much."""


class Part(enum.IntEnum):
    """What a piece of a line is; the numbers are also the palette colours that charts are plotted in."""

    EMPTY = 0
    TRAIN = 1
    VALIDATION = 2
    FRAME = 3
    LABEL = 4
    TITLE = 5
    EDGE = 6
    FACT = 7
    QUIET = 8
    ACCENT = 9
    ERROR = 10
    WARNING = 11


class Run(NamedTuple):
    """Neighbouring cells of one line that are one part."""

    text: str
    part: Part = Part.EMPTY


Line: TypeAlias = tuple[Run, ...]


def width_of(runs: Sequence[Run]) -> int:
    """How many columns the pieces take."""
    return sum(cell_len(run.text) for run in runs)


def cut(text: str, width: int) -> str:
    """The text in at most `width` columns, with an ellipsis where something is missing."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + ELLIPSIS if width > 0 else ""


def fitted(runs: Sequence[Run], width: int) -> Line:
    """The pieces cut or filled to exactly `width` columns."""
    line: list[Run] = []
    for run in runs:
        taken = min(cell_len(run.text), width)
        if taken <= 0:
            continue
        line.append(
            Run(run.text if taken == cell_len(run.text) else set_cell_size(run.text, taken), run.part)
        )
        width -= taken
    if width > 0:
        line.append(Run(" " * width))
    return tuple(line)


def blank(width: int) -> Line:
    """A line of nothing."""
    return (Run(" " * width),) if width > 0 else ()


def differences(old: Line, new: Line) -> list[tuple[int, int]]:
    """The stretches of columns, each from its first to behind its last, where two lines differ."""
    if old == new:
        return []
    before, after = list(_cells(old)), list(_cells(new))
    width = max(width_of(old), width_of(new))
    if not len(before) == len(after) == width:  # not every character is one column wide
        return [(0, width)]
    spans: list[tuple[int, int]] = []
    for column, pair in enumerate(zip(before, after, strict=True)):
        if pair[0] == pair[1]:
            continue
        if spans and column - spans[-1][1] < _NEAR:
            spans[-1] = spans[-1][0], column + 1
        else:
            spans.append((column, column + 1))
    return spans


def _cells(line: Line) -> Iterator[tuple[str, Part]]:
    return ((character, run.part) for run in line for character in run.text)
