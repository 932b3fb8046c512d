"""Lines of coloured cells, for a terminal or for a widget: the one form in which everything is drawn."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size

RGB: TypeAlias = tuple[int, int, int]
Color: TypeAlias = RGB | int | None
"""A true colour, the number of a colour of the terminal's own palette, or what text has there anyway."""

ELLIPSIS = "…"


class Tone(enum.Enum):
    """What a piece of text is, where its colour is for the theme to choose."""

    PLAIN = "plain"
    TITLE = "title"
    QUIET = "quiet"
    ACCENT = "accent"
    ERROR = "error"
    WARNING = "warning"


class Piece(NamedTuple):
    """Neighbouring cells that look alike.

    Attributes:
        text: the characters.
        color: the colour of the characters.
        ground: the colour behind them.
        tone: what the text is.
    """

    text: str
    color: Color = None
    ground: Color = None
    tone: Tone = Tone.PLAIN


Line: TypeAlias = tuple[Piece, ...]


def said(text: str, tone: Tone = Tone.PLAIN) -> Line:
    """A line of text."""
    return (Piece(text, tone=tone),) if text else ()


def width_of(line: Iterable[Piece]) -> int:
    """The columns that a line takes."""
    return sum(cell_len(piece.text) for piece in line)


def cut(text: str, width: int) -> str:
    """The text in at most `width` columns, with an ellipsis where something is missing."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + ELLIPSIS if width > 0 else ""


def one_line(text: str) -> str:
    """The text without line ends, tabs and whatever else moves the cursor of a terminal."""
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else " " for mark in text)


def fitted(line: Sequence[Piece], width: int) -> Line:
    """The line cut or filled to exactly `width` columns."""
    found: list[Piece] = []
    for piece in line:
        taken = min(cell_len(piece.text), width)
        if taken > 0:
            found.append(piece._replace(text=set_cell_size(piece.text, taken)))
            width -= taken
    if width > 0:
        found.append(Piece(" " * width))
    return tuple(found)


def beside(blocks: Sequence[Sequence[Line]], widths: Sequence[int], gap: int = 2) -> list[Line]:
    """Blocks of lines side by side.

    Args:
        blocks: the blocks.
        widths: the columns of each.
        gap: the columns between two.
    """
    height = max((len(block) for block in blocks), default=0)
    space = Piece(" " * gap)
    lines: list[Line] = []
    for row in range(height):
        pieces: list[Piece] = []
        for at, (block, width) in enumerate(zip(blocks, widths, strict=True)):
            pieces += [space] if at and gap else []
            pieces += fitted(block[row] if row < len(block) else (), width)
        lines.append(joined(pieces))
    return lines


def joined(pieces: Iterable[Piece]) -> Line:
    """The pieces with neighbours that look alike made one: each costs a terminal an escape sequence."""
    found: list[Piece] = []
    for piece in pieces:
        if found and found[-1][1:] == piece[1:]:
            found[-1] = piece._replace(text=found[-1].text + piece.text)
        else:
            found.append(piece)
    return tuple(found)


def text_of(line: Iterable[Piece]) -> str:
    """The characters of a line."""
    return "".join(piece.text for piece in line)
