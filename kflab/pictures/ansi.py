"""Lines of cells as escape sequences for a terminal, or as bare text."""

from __future__ import annotations

from collections.abc import Iterable

from kflab.pictures.cells import Color, Line, Piece, Tone, text_of
from kflab.pictures.palette import Depth, of_depth

_RESET = "\x1b[0m"
_TONES = {Tone.TITLE: "1", Tone.QUIET: "2", Tone.ACCENT: "36", Tone.ERROR: "31", Tone.WARNING: "33"}


def to_text(lines: Iterable[Line], depth: Depth) -> str:
    """The lines as text for a terminal of that depth; without colours, blanks at line ends are left out."""
    if depth is Depth.NONE:
        return "\n".join(text_of(line).rstrip() for line in lines)
    return "\n".join("".join(_escaped(piece, depth) for piece in line) for line in lines)


def _escaped(piece: Piece, depth: Depth) -> str:
    codes = [_TONES[piece.tone]] if piece.tone in _TONES else []
    codes += _code(piece.color, depth, ground=False) + _code(piece.ground, depth, ground=True)
    return f"\x1b[{';'.join(codes)}m{piece.text}{_RESET}" if codes else piece.text


def _code(color: Color, depth: Depth, *, ground: bool) -> list[str]:
    if isinstance(color, tuple):
        color = of_depth(color, depth)
    if color is None:
        return []
    first = "48" if ground else "38"
    if isinstance(color, tuple):
        return [f"{first};2;{color[0]};{color[1]};{color[2]}"]
    if color < 16 and depth is Depth.FEW:
        base = (100 if ground else 90) - 8 if color >= 8 else (40 if ground else 30)
        return [str(base + color)]
    return [f"{first};5;{color}"]
