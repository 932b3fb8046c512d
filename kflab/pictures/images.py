"""Images as half blocks: two pixels in every cell, one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kflab.catalog.looks import Picture
from kflab.pictures.cells import RGB, Color, Line, Piece, joined
from kflab.pictures.palette import FEW, GREYS, Depth, of_few, of_many

_UPPER = "▀"
_SHADES = " .:-=+*#%@"
_ORDERED = ((0, 8, 2, 10), (12, 4, 14, 6), (3, 11, 1, 9), (15, 7, 13, 5))
"""Bayer's matrix: which places turn bright first, where there are too few colours for the shade between."""


class Size(NamedTuple):
    """Columns and rows of cells."""

    columns: int
    rows: int


def size_in(picture: Picture, columns: int, rows: int) -> Size:
    """How large a picture is drawn in some room: as a whole multiple of its pixels where that fits.

    Args:
        picture: the picture.
        columns: the most columns.
        rows: the most rows.
    """
    columns, rows = max(1, columns), max(1, rows)
    fit = min(columns / picture.width, 2 * rows / picture.height)
    scale = int(fit) if fit >= 1 else fit
    width = max(1, min(columns, round(picture.width * scale)))
    height = max(1, min(2 * rows, round(picture.height * scale)))
    return Size(width, -(-height // 2))


def draw(picture: Picture, columns: int, rows: int, depth: Depth) -> list[Line]:
    """A picture in at most so many columns and rows; without colours as letters, dense ones for white."""
    size = size_in(picture, columns, rows)
    fit = min(columns / picture.width, 2 * rows / picture.height)
    scale = int(fit) if fit >= 1 else fit
    height = max(1, min(2 * size.rows, round(picture.height * scale)))
    if depth is Depth.NONE:
        grid = scaled(picture, size.columns, size.rows)
        return [(Piece("".join(_shade(pixel) for pixel in row)),) for row in grid]
    grid = scaled(picture, size.columns, height)
    return half_blocks(colored(grid, depth, grey=picture.channels == 1))


def half_blocks(colors: Sequence[Sequence[Color]]) -> list[Line]:
    """Rows of coloured pixels, two in every row of cells; where the last one has none, its ground is left."""
    lines: list[Line] = []
    for top in range(0, len(colors), 2):
        below: Sequence[Color] = colors[top + 1] if top + 1 < len(colors) else [None] * len(colors[top])
        lines.append(joined(_cell(upper, lower) for upper, lower in zip(colors[top], below, strict=True)))
    return lines


def _cell(upper: Color, lower: Color) -> Piece:
    if upper == lower:
        return Piece(" ", None, upper)
    if upper is None:
        return Piece("▄", lower)
    return Piece(_UPPER, upper, lower)


def colored(grid: Sequence[Sequence[RGB]], depth: Depth, *, grey: bool = False) -> list[list[Color]]:
    """Pixels in the colours of a depth; the 16 colours are mixed in a pattern."""
    if depth is Depth.TRUE:
        return [list(row) for row in grid]
    if depth is Depth.MANY:
        return [[of_many(pixel) for pixel in row] for row in grid]
    mixed = _grey_mixed if grey else _mixed
    return [[mixed(pixel, x, y) for x, pixel in enumerate(row)] for y, row in enumerate(grid)]


def _grey_mixed(pixel: RGB, x: int, y: int) -> int:
    """One of the two greys beside a pixel's own."""
    threshold = (_ORDERED[y % 4][x % 4] + 0.5) / 16
    levels = [FEW[number][0] for number in GREYS]
    level = pixel[0]
    above = next((at for at, one in enumerate(levels) if one >= level), len(levels) - 1)
    if levels[above] == level or above == 0:
        return GREYS[above]
    share = (level - levels[above - 1]) / (levels[above] - levels[above - 1])
    return GREYS[above if share > threshold else above - 1]


def _mixed(pixel: RGB, x: int, y: int) -> int:
    shift = round(((_ORDERED[y % 4][x % 4] + 0.5) / 16 - 0.5) * 85)
    red, green, blue = (max(0, min(255, part + shift)) for part in pixel)
    # Coarse steps keep the table of nearest colours small.
    return of_few((red & ~7, green & ~7, blue & ~7))


def _shade(pixel: RGB) -> str:
    level = (2 * pixel[0] + 5 * pixel[1] + pixel[2]) // 8
    return _SHADES[level * (len(_SHADES) - 1) // 255]


def scaled(picture: Picture, width: int, height: int) -> list[list[RGB]]:
    """The pixels of a picture brought to another size: means where it shrinks, squares where it grows."""
    columns = _spans(picture.width, width)
    rows = _spans(picture.height, height)
    channels, stride = picture.channels, picture.width * picture.channels
    pixels = picture.pixels
    grid: list[list[RGB]] = []
    for top, bottom in rows:
        # The rows of a span are added up once, not for every column.
        line = [
            sum(pixels[row * stride + at] for row in range(top, bottom)) / (bottom - top)
            for at in range(stride)
        ]
        found: list[RGB] = []
        for left, right in columns:
            parts = [
                round(sum(line[left * channels + part : right * channels : channels]) / (right - left))
                for part in range(channels)
            ]
            found.append((parts[0], parts[1], parts[2]) if channels == 3 else (parts[0],) * 3)
        grid.append(found)
    return grid


def _spans(size: int, wanted: int) -> list[tuple[int, int]]:
    """The pixels that each of the wanted ones is the mean of."""
    found = []
    for at in range(wanted):
        first = at * size // wanted
        found.append((first, max(first + 1, (at + 1) * size // wanted)))
    return found
