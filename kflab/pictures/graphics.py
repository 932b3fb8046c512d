"""Images as graphics of the terminal, where it has any: by Kitty's protocol, or as Sixel."""

from __future__ import annotations

import base64
import enum
import itertools
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kflab.catalog.looks import Picture
from kflab.pictures.images import scaled
from kflab.pictures.palette import of_many, rgb_of

_CHUNK = 4096


class Graphics(enum.StrEnum):
    """How images are drawn."""

    NONE = "none"
    BLOCKS = "blocks"
    KITTY = "kitty"
    SIXEL = "sixel"


class CellSize(NamedTuple):
    """The pixels of a cell of the terminal."""

    width: int = 10
    height: int = 20


def kitty(picture: Picture, columns: int, rows: int) -> str:
    """A picture by Kitty's protocol, stretched over some cells; the cursor stays where it is."""
    data = zlib.compress(_rgb(picture))
    payload = base64.standard_b64encode(data).decode()
    chunks = [payload[at : at + _CHUNK] for at in range(0, len(payload), _CHUNK)]
    head = f"a=T,q=2,f=24,o=z,C=1,s={picture.width},v={picture.height},c={columns},r={rows}"
    parts = []
    for at, chunk in enumerate(chunks):
        more = int(at < len(chunks) - 1)
        keys = f"{head},m={more}" if not at else f"m={more}"
        parts.append(f"\x1b_G{keys};{chunk}\x1b\\")
    return "".join(parts)


def _rgb(picture: Picture) -> bytes:
    if picture.channels == 3:
        return picture.pixels
    return bytes(itertools.chain.from_iterable((level, level, level) for level in picture.pixels))


def sixel(picture: Picture, width: int, height: int) -> str:
    """A picture as Sixel, brought to a size in pixels, in up to 256 colours."""
    grid = [[of_many(pixel) for pixel in row] for row in scaled(picture, width, height)]
    used = sorted({color for row in grid for color in row})
    parts = ["\x1bPq", f'"1;1;{width};{height}']
    registers = {color: at for at, color in enumerate(used)}
    for color, at in registers.items():
        red, green, blue = (round(part * 100 / 255) for part in rgb_of(color))
        parts.append(f"#{at};2;{red};{green};{blue}")
    for top in range(0, height, 6):
        parts += _band(grid[top : top + 6], registers)
    return "".join([*parts, "\x1b\\"])


def _band(rows: Sequence[Sequence[int]], registers: dict[int, int]) -> Iterator[str]:
    """Six rows of pixels: each colour in turn, from the left."""
    masks: dict[int, list[int]] = {}
    for bit, row in enumerate(rows):
        for x, color in enumerate(row):
            masks.setdefault(color, [0] * len(row))[x] |= 1 << bit
    for at, (color, mask) in enumerate(masks.items()):
        yield ("$" if at else "") + f"#{registers[color]}" + _runs(mask)
    yield "-"


def _runs(mask: Sequence[int]) -> str:
    found = []
    for bits, group in itertools.groupby(mask):
        count, mark = len(list(group)), chr(63 + bits)
        found.append(f"!{count}{mark}" if count > 3 else mark * count)
    return "".join(found)
