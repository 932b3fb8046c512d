"""A widget that shows lines of coloured cells to scroll, drawn anew where its size changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeAlias

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from kflab.pictures.cells import Color, Line, Piece, Tone
from kflab.pictures.palette import Depth
from kflab.pictures.style import Style

Draw: TypeAlias = Callable[[Style, int], Sequence[Line]]
"""Draws something, given a style with its columns, and the rows that are in sight."""


class CellPane(ScrollView):
    """Shows lines of coloured cells; a subclass says where its keys go."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"cells--{tone.value}" for tone in Tone}
    DEFAULT_CSS = """
    CellPane { border: round $line; border-title-color: $foreground; border-title-style: bold;
               border-subtitle-color: $quiet; padding: 0 1; background: $background;
               scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; overflow-x: hidden;
        & > .cells--title { text-style: bold; }
        & > .cells--quiet { color: $quiet; }
        & > .cells--accent { color: $accent; }
        & > .cells--error { color: $error; }
        & > .cells--warning { color: $warning; }
    }
    CellPane:focus { border: round $accent; }
    CellPane:ansi > .cells--quiet { text-style: dim; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._draw: Draw = lambda _style, _rows: ()
        self._lines: Sequence[Line] = ()
        self._subject: object = None

    def show(self, draw: Draw, subject: object) -> None:
        """Shows something.

        Args:
            draw: draws it.
            subject: what it is about: where that is another than before, it is shown from its first line.
        """
        self._draw = draw
        self._paint()
        if subject != self._subject:
            self._subject = subject
            self.scroll_home(animate=False)

    @property
    def text(self) -> str:
        """What is shown, without its colours."""
        return "\n".join("".join(piece.text for piece in line) for line in self._lines)

    def on_resize(self, _: events.Resize) -> None:
        """Another size is another drawing."""
        self._paint()

    def on_show(self) -> None:
        """Draws what came while it was out of view."""
        self._paint()

    def _paint(self) -> None:
        # One column is kept for the scrollbar, so that nothing jumps when it comes.
        width = self.outer_size.width - self.gutter.width - 1
        rows = self.outer_size.height - self.gutter.height
        if width < 8 or rows < 1:
            return
        before = self._lines
        self._lines = tuple(self._draw(Style(width, self._depth, self._plain), rows))
        size = Size(width, len(self._lines))
        if size != self.virtual_size:
            self.virtual_size = size
            self.refresh()
            return
        for row, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                self.refresh_line(row)

    @property
    def _plain(self) -> bool:
        return bool(getattr(self.app, "ascii_only", False))

    @property
    def _depth(self) -> Depth:
        if self.app.current_theme.ansi:
            return Depth.FEW
        return Depth.MANY if self.app.console.color_system == "256" else Depth.TRUE

    def render_line(self, y: int) -> Strip:
        """One line."""
        row = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        base = self.rich_style
        if row >= len(self._lines):
            return Strip.blank(width, base)
        segments = [Segment(piece.text, base + self._style_of(piece)) for piece in self._lines[row]]
        return Strip(segments).crop_extend(0, width, base)

    def _style_of(self, piece: Piece) -> RichStyle:
        style = self.get_component_rich_style(f"cells--{piece.tone.value}", partial=True)
        if piece.color is None and piece.ground is None:
            return style
        return style + RichStyle(color=_rich(piece.color), bgcolor=_rich(piece.ground))


def _rich(color: Color) -> RichColor | None:
    if color is None:
        return None
    return RichColor.from_ansi(color) if isinstance(color, int) else RichColor.from_rgb(*color)
