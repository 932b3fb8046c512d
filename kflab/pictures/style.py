"""How something is drawn: its columns, its colours."""

from __future__ import annotations

from typing import NamedTuple

from kflab.pictures.palette import Depth


class Style(NamedTuple):
    """How something is drawn.

    Attributes:
        width: the columns.
        depth: the colours.
        plain: plain ASCII only.
    """

    width: int
    depth: Depth = Depth.TRUE
    plain: bool = False
