"""Lines of code, and which node each of them stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec


class Place(msgspec.Struct, frozen=True):
    """A node of a graph; the main model's name is ""."""

    graph: str
    node: str


class Block(msgspec.Struct, frozen=True):
    """Lines of code that belong together.

    Attributes:
        lines: the lines.
        places: the nodes by the index of the line that their code begins at.
    """

    lines: tuple[str, ...] = ()
    places: Mapping[int, Place] = {}

    def statement(self, start: int) -> range:
        """The lines of the statement that begins at `start`."""
        first = self.lines[start]
        margin = first[: len(first) - len(first.lstrip())]
        end = start + 1
        if first[len(margin) :].startswith("# "):
            margin += "# "
        while end < len(self.lines) and self.lines[end].startswith(
            (f"{margin} ", *(f"{margin}{bracket}" for bracket in ")]}"))
        ):
            end += 1
        return range(start, end)

    @property
    def text(self) -> str:
        """The lines as text, the last one ended like the others."""
        return "".join(f"{line}\n" for line in self.lines)


def joined(blocks: Iterable[Block], blank: int = 0) -> Block:
    """One block of several, so many blank lines between two; blocks without lines are left out."""
    lines: list[str] = []
    places: dict[int, Place] = {}
    for block in blocks:
        if not block.lines:
            continue
        if lines:
            lines += [""] * blank
        places |= {len(lines) + index: place for index, place in block.places.items()}
        lines += block.lines
    return Block(tuple(lines), places)
