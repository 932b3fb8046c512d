"""The code pane: the Keras script of the experiment as it is edited."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Region, Size, Spacing
from textual.scroll_view import ScrollView
from textual.strip import Strip

from kflab.tui.highlight import Shade, Shaded, shade

_MARK, _NO_MARK = "▌", " "
_GUTTER = 2
_AROUND = Spacing(top=3, bottom=3)
"""The lines that are kept in sight around those of a node."""


class CodePane(ScrollView, can_focus=True):
    """Shows code to scroll, the lines of one node lit."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"code--{shade}" for shade in Shade),
        "code--lit",
        "code--mark",
    }
    DEFAULT_CSS = """
    CodePane { border: round $line; border-title-color: $foreground; border-title-style: bold;
               border-subtitle-color: $warning; padding: 0 1; background: $background;
               scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    CodePane:focus { border: round $accent; }
    CodePane > .code--keyword { text-style: bold; }
    CodePane > .code--value { color: $secondary; }
    CodePane > .code--comment { color: $quiet; }
    CodePane > .code--lit { background: $cursor-idle; text-style: bold; }
    CodePane > .code--mark { color: $accent; }
    CodePane:ansi > .code--comment { text-style: dim; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.border_title = "Code"
        self._text: tuple[str, ...] = ()
        self._lines: list[Shaded] = []
        self._lit: frozenset[int] = frozenset()

    def show(self, lines: Sequence[str], lit: Collection[int]) -> None:
        """Shows code, and scrolls to the lines that are lit where they changed.

        Args:
            lines: the lines of code.
            lit: the numbers of the lines to be lit, counted from 0.
        """
        if tuple(lines) != self._text:
            self._text = tuple(lines)
            self._lines = shade(lines)
            width = max((len(line) for line in lines), default=0)
            self.virtual_size = Size(width + _GUTTER, len(lines))
        elif self._lit == frozenset(lit):
            return
        moved = self._lit != frozenset(lit)
        self._lit = frozenset(lit)
        self.refresh()
        if moved and lit:
            # The size of what was shown just now is known only after the next layout.
            self.call_after_refresh(self._scroll_to_lit)

    def _scroll_to_lit(self) -> None:
        if self._lit:
            first, last = min(self._lit), max(self._lit)
            around = Region(0, first, 1, last - first + 1)
            self.scroll_to_region(around, spacing=_AROUND, animate=False, x_axis=False)

    def render_line(self, y: int) -> Strip:
        """One line of code."""
        left, top = self.scroll_offset
        width, row = self.scrollable_content_region.width, top + y
        base = self.rich_style
        if row >= len(self._lines):
            return Strip.blank(width, base)
        is_lit = row in self._lit
        ground = base + self.get_component_rich_style("code--lit", partial=True) if is_lit else base
        mark = ground + self.get_component_rich_style("code--mark", partial=True)
        segments = [Segment(f"{_MARK if is_lit else _NO_MARK} ", mark)]
        segments += [
            Segment(text, ground + self.get_component_rich_style(f"code--{shade}", partial=True))
            for text, shade in self._lines[row]
        ]
        return Strip(segments).crop_extend(left, left + width, ground)
