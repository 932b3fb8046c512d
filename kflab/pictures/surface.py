"""The decision surface of a model: the plane in the colours of its classes, and the samples on it."""

from __future__ import annotations

from kflab.catalog.looks import Points
from kflab.pictures.cells import RGB, Color, Line, Piece, Tone, cut, joined, said
from kflab.pictures.palette import CLASSES, Depth, class_color, of_many
from kflab.runs.surface import Surface

_GROUNDS_OF_FEW = (6, 3, 2, 5, 7, 1, 4, 8)
_GROUNDS_OF_NONE = " .:-=+"
_MARKS = "ox+*#%@&"
_DARK: RGB = (16, 20, 23)
_LEAST_SHARE, _MOST_SHARE = 0.08, 0.5
_SURE_OF_FEW = 96
_STEPS = 4
"""The shades of a class: each more is more for the terminal to be told."""


def draw(
    surface: Surface,
    columns: int,
    rows: int,
    depth: Depth,
    *,
    plain: bool = False,
) -> list[Line]:
    """A surface in so many columns and rows; the last row tells the classes.

    Where the model is less certain the colour is darker. A sample on a ground of another colour is one that
    the model gets wrong.

    Args:
        surface: the surface.
        columns: the columns.
        rows: the rows.
        depth: the colours.
        plain: draw with plain ASCII.
    """
    height = max(1, rows - 1)
    marks = _marks(surface, columns, height)
    bare = plain or depth is Depth.NONE
    lines: list[Line] = []
    for row in range(height):
        cells = []
        for column in range(columns):
            owner = marks.get((column, row))
            if bare:
                cells.append(_bare(surface, column, row, columns, height, owner))
                continue
            upper = _ground(surface, column, 2 * row, columns, 2 * height, depth)
            lower = _ground(surface, column, 2 * row + 1, columns, 2 * height, depth)
            if owner is not None:
                cells.append(Piece("•", class_color(owner, depth), upper))
            elif upper == lower:
                cells.append(Piece(" ", None, upper))
            else:
                cells.append(Piece("▀", upper, lower) if upper is not None else Piece("▄", lower))
        lines.append(joined(cells))
    return [*lines, _legend(surface.points, columns, depth, bare=bare)][-max(1, rows) :]


def _marks(surface: Surface, columns: int, rows: int) -> dict[tuple[int, int], int]:
    """The class of the sample in each cell that has one: of several, the last."""
    points = surface.points
    across, up = surface.right - surface.left, surface.top - surface.bottom
    marks: dict[tuple[int, int], int] = {}
    for x, y, owner in zip(points.xs, points.ys, points.classes, strict=True):
        column = int((x - surface.left) / across * columns)
        row = int((surface.top - y) / up * rows)
        if 0 <= column < columns and 0 <= row < rows:
            marks[column, row] = owner
    return marks


def _ground(surface: Surface, column: int, row: int, columns: int, rows: int, depth: Depth) -> Color:
    at = surface.place((column + 0.5) / columns, (row + 0.5) / rows)
    owner, certainty = surface.classes[at], surface.certainty[at]
    if depth is Depth.FEW:
        return _GROUNDS_OF_FEW[owner % len(_GROUNDS_OF_FEW)] if certainty >= _SURE_OF_FEW else None
    step = min(_STEPS - 1, certainty * _STEPS // 256)
    share = _LEAST_SHARE + (_MOST_SHARE - _LEAST_SHARE) * step / (_STEPS - 1)
    bright = CLASSES[owner % len(CLASSES)]
    red, green, blue = (round(dark + (own - dark) * share) for dark, own in zip(_DARK, bright, strict=True))
    return (red, green, blue) if depth is Depth.TRUE else of_many((red, green, blue))


def _bare(surface: Surface, column: int, row: int, columns: int, rows: int, owner: int | None) -> Piece:
    if owner is not None:
        return Piece(_MARKS[owner % len(_MARKS)])
    at = surface.place((column + 0.5) / columns, (row + 0.5) / rows)
    return Piece(_GROUNDS_OF_NONE[surface.classes[at] % len(_GROUNDS_OF_NONE)])


def _legend(points: Points, columns: int, depth: Depth, *, bare: bool) -> Line:
    if not points.labels:
        return said(cut("no classes", columns), Tone.QUIET)
    pieces: list[Piece] = []
    room = columns
    for number, label in enumerate(points.labels):
        mark = _MARKS[number % len(_MARKS)] if bare else "•"
        text = cut(f" {label}  ", max(0, room - 1))
        if room < 3:
            break
        pieces += [Piece(mark, class_color(number, depth)), Piece(text)]
        room -= 1 + len(text)
    return joined(pieces)
