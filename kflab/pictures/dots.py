"""Curves and points on a grid of dots finer than cells: eight in each."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kflab.catalog.looks import Curves, Points
from kflab.pictures.cells import Color, Line, Piece, Tone, joined
from kflab.pictures.numbers import number_text
from kflab.pictures.palette import Depth, class_color

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BRAILLE = 0x2800
_MARKS = "ox+*#%@&"


class Canvas:
    """Dots in cells, each cell in one colour: that of most of its dots.

    Args:
        columns: the columns of cells.
        rows: the rows of cells.
        plain: draw a letter in each cell that has a dot, not the dots.
    """

    def __init__(self, columns: int, rows: int, *, plain: bool = False) -> None:
        self.columns, self.rows = max(1, columns), max(1, rows)
        self.width, self.height = 2 * self.columns, 4 * self.rows
        self._bits: dict[tuple[int, int], int] = {}
        self._owners: dict[tuple[int, int], dict[int, int]] = {}
        self._plain = plain

    def dot(self, x: int, y: int, owner: int = 0) -> None:
        """Set a dot, counted from the top left; one outside is left out.

        Args:
            x: its column.
            y: its row.
            owner: what it belongs to.
        """
        if not (0 <= x < self.width and 0 <= y < self.height):
            return
        cell = (x // 2, y // 4)
        self._bits[cell] = self._bits.get(cell, 0) | _DOTS[y % 4][x % 2]
        owners = self._owners.setdefault(cell, {})
        owners[owner] = owners.get(owner, 0) + 1

    def owner_of(self, column: int, row: int) -> int | None:
        """What most dots of a cell belong to; nothing where there are none."""
        owners = self._owners.get((column, row))
        return max(owners, key=lambda one: owners[one]) if owners else None

    def mark_of(self, column: int, row: int) -> str:
        """The character of a cell."""
        bits = self._bits.get((column, row), 0)
        if not bits:
            return " "
        owner = self.owner_of(column, row) or 0
        return _MARKS[owner % len(_MARKS)] if self._plain else chr(_BRAILLE + bits)

    def lines(self, colors: Sequence[Color]) -> list[Line]:
        """The cells, in the colours of their owners."""
        lines: list[Line] = []
        for row in range(self.rows):
            pieces = []
            for column in range(self.columns):
                owner = self.owner_of(column, row)
                color = colors[owner % len(colors)] if owner is not None and colors else None
                pieces.append(Piece(self.mark_of(column, row), color))
            lines.append(joined(pieces))
        return lines


def curves(shown: Curves, columns: int, rows: int, depth: Depth, *, plain: bool = False) -> list[Line]:
    """Series over the same steps, in their range; a gap where a value is missing."""
    canvas = Canvas(columns, rows, plain=plain)
    values = [one for line in shown.lines for one in line if one is not None]
    if not values:
        return [(Piece("no values", tone=Tone.QUIET),)]
    low, high = min(values), max(values)
    span = high - low
    for owner, line in enumerate(shown.lines):
        last: tuple[int, int] | None = None
        for step, value in enumerate(line):
            if value is None:
                last = None
                continue
            x = step * (canvas.width - 1) // max(1, len(line) - 1)
            y = round((canvas.height - 1) * ((high - value) / span if span > 0 else 0.5))
            _join(canvas, last or (x, y), (x, y), owner)
            last = (x, y)
    colors = [class_color(owner, depth) for owner in range(max(1, len(shown.lines)))]
    return canvas.lines(colors)


def _join(canvas: Canvas, start: tuple[int, int], end: tuple[int, int], owner: int) -> None:
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    for step in range(steps + 1):
        x = start[0] + (end[0] - start[0]) * step / steps
        y = start[1] + (end[1] - start[1]) * step / steps
        canvas.dot(round(x), round(y), owner)


class Plane:
    """What of the plane is drawn: all points and a little around them.

    Attributes:
        left: the least x.
        right: the greatest x.
        bottom: the least y.
        top: the greatest y.
    """

    def __init__(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        self.left, self.right = _around(xs)
        self.bottom, self.top = _around(ys)

    def dot(self, x: float, y: float, width: int, height: int) -> tuple[int, int]:
        """The dot of a point on a grid of dots."""
        across = (x - self.left) / (self.right - self.left)
        down = (self.top - y) / (self.top - self.bottom)
        return round(across * (width - 1)), round(down * (height - 1))


def _around(values: Sequence[float]) -> tuple[float, float]:
    finite = [one for one in values if math.isfinite(one)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    edge = (high - low) * 0.04 or 0.5
    return low - edge, high + edge


def scatter(points: Points, columns: int, rows: int, depth: Depth, *, plain: bool = False) -> list[Line]:
    """Points in the colours of their classes, with a line that tells the classes and one with the range.

    Args:
        points: the points.
        columns: the most columns.
        rows: the most rows, those two lines among them.
        depth: the colours.
        plain: draw with plain ASCII, a letter for each class.
    """
    legend = _legend(points, depth, plain=plain)
    height = max(1, rows - 1 - len(legend))
    canvas = Canvas(columns, height, plain=plain or (depth is Depth.NONE and len(points.labels) > 1))
    plane = Plane(points.xs, points.ys)
    for x, y, owner in zip(points.xs, points.ys, points.classes, strict=True):
        canvas.dot(*plane.dot(x, y, canvas.width, canvas.height), owner)
    count = max((*points.classes, len(points.labels) - 1, 0)) + 1
    colors = [class_color(owner, depth) for owner in range(count)]
    ranges = " · ".join(
        f"{name} {number_text(low)} to {number_text(high)}"
        for name, low, high in (
            (points.names[0], min(points.xs, default=0.0), max(points.xs, default=0.0)),
            (points.names[1], min(points.ys, default=0.0), max(points.ys, default=0.0)),
        )
    )
    ended = (Piece(ranges[:columns], tone=Tone.QUIET),)
    return [*canvas.lines(colors), *legend, ended][-max(1, rows) :]


def _legend(points: Points, depth: Depth, *, plain: bool) -> list[Line]:
    if not points.labels:
        return []
    bare = plain or depth is Depth.NONE
    pieces: list[Piece] = []
    for number, label in enumerate(points.labels):
        mark = _MARKS[number % len(_MARKS)] if bare else "●"
        pieces += [Piece("  " if number else ""), Piece(mark, class_color(number, depth)), Piece(f" {label}")]
    return [joined(pieces)]
