"""Lines of cells whose pieces say what they are, not what colour they have."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size

ELLIPSIS = "…"


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


def cut_inside(text: str, width: int) -> str:
    """The text in at most `width` columns, its beginning and end kept: names often differ at their end."""
    if len(text) <= width:
        return text
    tail = max(0, width - 1) // 2
    return cut(text[: len(text) - tail], width - tail) + text[len(text) - tail :]


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


def difference(old: Line, new: Line) -> tuple[int, int] | None:
    """The columns from the first to behind the last where two lines differ; nothing where they are equal."""
    if old == new:
        return None
    before, after = list(_cells(old)), list(_cells(new))
    width = max(width_of(old), width_of(new))
    if not len(before) == len(after) == width:  # not every character is one column wide
        return 0, width
    columns = [column for column, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    return (columns[0], columns[-1] + 1) if columns else None


def joined(line: Line) -> Line:
    """The line in fewer pieces: blanks, which show no colour, join the piece before them."""
    pieces: list[Run] = []
    for run in line:
        if pieces and (run.part is pieces[-1].part or run.text.isspace()):
            pieces[-1] = Run(pieces[-1].text + run.text, pieces[-1].part)
        elif pieces and pieces[-1].text.isspace():
            pieces[-1] = Run(pieces[-1].text + run.text, run.part)
        else:
            pieces.append(run)
    return tuple(pieces)


def _cells(line: Line) -> Iterator[tuple[str, Part]]:
    return ((character, run.part) for run in line for character in run.text)
