"""What happened to a run, marked on its curves: a quiet line where it was, and a few words beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from kflab.runs.events import Steered
from kflab.runs.history import RunState
from kflab.runs.position import Position
from kflab.tui.axes import Axis, short_number
from kflab.tui.lines import Line, Part, Run
from kflab.tui.text import rate_text

_MOST = 40
"""The marks on a chart at most; the newest stay."""


class Mark(NamedTuple):
    """Something that happened to a run.

    Attributes:
        x: when, in epochs.
        text: what, in a few words; "" for what is only marked on the axis.
        turns: whether the curves may take another course from there on, which a line shows.
    """

    x: float
    text: str = ""
    turns: bool = False


class _Glyphs(NamedTuple):
    line: str
    tick: str
    crossing: str
    axis: str
    down: str


_DRAWN = _Glyphs("┊", "┴", "┼", "─", "▾")
_PLAIN = _Glyphs(":", "^", "^", "-", "v")

_Cell: TypeAlias = tuple[str, Part]


def marks_of(state: RunState, name: str) -> list[Mark]:
    """What happened to a run, for the chart of one quantity.

    Args:
        state: what has happened so far.
        name: the name of the quantity, without `val_`.
    """
    marks = [
        Mark(Position(event.epoch, event.step).x(state.steps), text, turns=event.request == "rate")
        for event in state.steered[-_MOST:]
        if (text := _text(event, name)) is not None
    ]
    marks += [Mark(Position(event.epoch, event.step).x(state.steps)) for event in state.resumed[-_MOST:]]
    return sorted(marks)


def _text(event: Steered, name: str) -> str | None:
    """What a request did to the curve of a quantity; None for nothing, "" for what is only marked."""
    if event.refused:
        return None
    before, value = event.before, event.value
    match event.request:
        case "rate" if value is not None:
            return f"lr {rate_text(before)} → {rate_text(value)}" if before else f"lr {rate_text(value)}"
        case "epochs" if value is not None:
            return f"{before:,.0f} → {value:,.0f} epochs" if before else f"{value:,.0f} epochs"
        case "evaluate":
            found = event.logs.get(name)
            return "" if found is None else f"evaluated {short_number(found)}"
        case "pause":
            return "paused"
        case "snapshot":
            return ""
        case _:
            return None


def marked(
    lines: Sequence[Line], marks: Sequence[Mark], axis: Axis, left: int, *, plain: bool
) -> tuple[Line, ...]:
    """A plot with what happened marked on it, where nothing of the curves is.

    Args:
        lines: the plot; its last two lines are the axis of epochs and its labels.
        marks: what happened.
        axis: the axis of epochs.
        left: the columns before the plot.
        plain: draw in plain ASCII.
    """
    cells = [[(character, run.part) for run in line for character in run.text] for line in lines]
    width = len(cells[0]) if cells else 0
    rows = len(cells) - 2
    if rows < 1 or any(len(row) != width for row in cells):
        return tuple(lines)  # a character of two columns: the plot stays as it is
    glyphs = _PLAIN if plain else _DRAWN
    columns: dict[int, Mark] = {}
    for mark in marks:
        if axis.low <= mark.x <= axis.high:
            share = (mark.x - axis.low) / (axis.high - axis.low)
            column = left + min(int(share * (width - left)), width - left - 1)
            # Of what happened at one place, what turned the curves is shown, else what was said last.
            if column not in columns or (mark.turns, mark.text) >= (columns[column].turns, ""):
                columns[column] = mark
    for column, mark in columns.items():
        is_free = cells[rows][column][0] == glyphs.axis
        cells[rows][column] = (glyphs.tick if is_free else glyphs.crossing, Part.FRAME)
        for row in range(rows if mark.turns else 0):
            if cells[row][column][0] == " ":
                cells[row][column] = (glyphs.line, Part.FRAME)
    for column, mark in sorted(columns.items(), reverse=True):
        if mark.text:
            _write(cells[:rows], column, mark, left, glyphs)
    return tuple(_line(row) for row in cells)


def _write(rows: list[list[_Cell]], column: int, mark: Mark, left: int, glyphs: _Glyphs) -> None:
    """Writes a few words at a mark: above or below the curves, where there is room for all of them."""
    width, last = len(rows[0]), len(rows) - 1
    top, bottom = (0, 1, 2), (last, last - 1)
    for row in dict.fromkeys((*top, *bottom) if mark.turns else (last, *top)):
        if not 0 <= row <= last:
            continue
        # Beside a line; else right above the mark on the axis, or pointing down to it.
        points = not mark.turns and row != last
        after = f"{glyphs.down} {mark.text}" if points else mark.text, column + mark.turns
        text = f"{mark.text} {glyphs.down}" if points else mark.text
        before = text, column + (not mark.turns) - len(text)
        for text, start in (after, before):
            if (
                start >= left
                and start + len(text) <= width
                and _is_free(rows[row], start, text, left, glyphs)
            ):
                rows[row][start : start + len(text)] = [(character, Part.LABEL) for character in text]
                return


def _is_free(row: Sequence[_Cell], start: int, text: str, left: int, glyphs: _Glyphs) -> bool:
    """Whether there is nothing but lines where a text is to be written, and at either end of it."""
    around = row[max(start - 1, left) : start + len(text) + 1]
    return all(character in {" ", glyphs.line} for character, _ in around)


def _line(cells: Sequence[_Cell]) -> Line:
    runs: list[Run] = []
    for character, part in cells:
        if runs and runs[-1].part is part:
            runs[-1] = Run(runs[-1].text + character, part)
        else:
            runs.append(Run(character, part))
    return tuple(runs)
