"""Tiles of images drawn with the graphics of a terminal: room is made first, then each one is put into it."""

from __future__ import annotations

from collections.abc import Sequence

from kflab.catalog.looks import Picture, Sample
from kflab.pictures.ansi import to_text
from kflab.pictures.cells import Line, beside
from kflab.pictures.graphics import CellSize, Graphics, kitty, sixel
from kflab.pictures.samples import below, pictures_of
from kflab.pictures.style import Style

_LARGEST = 20
"""The columns of one image: sharper than blocks, it need not be as large."""

_GAP = 2


def tiles(samples: Sequence[Sample], style: Style, graphics: Graphics, cell: CellSize) -> str:
    """Samples that hold images alone, as text for the terminal.

    Args:
        samples: the samples.
        style: how the text below the images is drawn.
        graphics: Kitty's protocol or Sixel.
        cell: the pixels of a cell of the terminal.
    """
    most = max((len(pictures_of(sample)) for sample in samples), default=1)
    columns = max(1, min(_LARGEST, (style.width - most + 1) // most))
    wide = most * columns + most - 1
    across = max(1, (style.width + _GAP) // (wide + _GAP))
    rows = max(_rows(one, columns, cell) for sample in samples for one in pictures_of(sample))
    parts = []
    for start in range(0, len(samples), across):
        row = samples[start : start + across]
        # The room is made by new lines, which may scroll; drawing afterwards never does.
        parts.append("\n" * rows + f"\x1b[{rows}A")
        for at, sample in enumerate(row):
            for number, picture in enumerate(pictures_of(sample)):
                column = at * (wide + _GAP) + number * (columns + 1)
                parts.append(_put(picture, column, columns, graphics, cell))
        captions: list[list[Line]] = [[below(sample, wide)] for sample in row]
        text = to_text(beside(captions, [wide] * len(row), _GAP), style.depth)
        parts.append(f"\r\x1b[{rows}B{text}\n\n")
    return "".join(parts)


def _rows(picture: Picture, columns: int, cell: CellSize) -> int:
    return max(1, round(columns * cell.width * picture.height / picture.width / cell.height))


def _put(picture: Picture, column: int, columns: int, graphics: Graphics, cell: CellSize) -> str:
    rows = _rows(picture, columns, cell)
    if graphics is Graphics.KITTY:
        drawn = kitty(picture, columns, rows)
    else:
        drawn = sixel(picture, columns * cell.width, rows * cell.height)
    move = f"\x1b[{column}C" if column else ""
    # The cursor comes back to where the row of images begins: a Sixel leaves it elsewhere.
    return f"\x1b7\r{move}{drawn}\x1b8"
