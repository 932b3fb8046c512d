"""The data pane: figures of the data, its points, its samples, drawn in cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeAlias

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from kflab.pictures.cells import Color, Line, Piece, Tone
from kflab.pictures.overview import Style
from kflab.pictures.palette import Depth
from kflab.tui import keys

Draw: TypeAlias = Callable[[Style, int], Sequence[Line]]
"""Draws something, given a style with its columns, and the rows that are in sight."""


class DataPane(ScrollView, can_focus=True):
    """Shows lines of coloured cells to scroll; another size draws them anew.

    Args:
        answer: runs an action of the lab.
    """

    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings(keys.Place.DATA))
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"data--{tone.value}" for tone in Tone}
    DEFAULT_CSS = """
    DataPane { border: round $line; border-title-color: $foreground; border-title-style: bold;
               border-subtitle-color: $quiet; padding: 0 1; background: $background;
               scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; overflow-x: hidden; }
    DataPane:focus { border: round $accent; }
    DataPane > .data--title { text-style: bold; }
    DataPane > .data--quiet { color: $quiet; }
    DataPane > .data--accent { color: $accent; }
    DataPane > .data--error { color: $error; }
    DataPane > .data--warning { color: $warning; }
    DataPane:ansi > .data--quiet { text-style: dim; }
    """

    def __init__(self, answer: Callable[[str], None], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._answer = answer
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
        self._lines = tuple(self._draw(Style(width, self._depth, self._plain), rows))
        self.virtual_size = Size(width, len(self._lines))
        self.refresh()

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
        style = self.get_component_rich_style(f"data--{piece.tone.value}", partial=True)
        if piece.color is None and piece.ground is None:
            return style
        return style + RichStyle(color=_rich(piece.color), bgcolor=_rich(piece.ground))

    # Its own keys are answered by the lab

    def action_data_next(self) -> None:
        """Leafs on."""
        self._answer("data_next")

    def action_data_previous(self) -> None:
        """Leafs back."""
        self._answer("data_previous")

    def action_data_view(self) -> None:
        """Turns to figures, points or samples."""
        self._answer("data_view")

    def action_data_next_class(self) -> None:
        """Turns to the samples of the next class."""
        self._answer("data_next_class")

    def action_data_previous_class(self) -> None:
        """Turns to the samples of the class before."""
        self._answer("data_previous_class")

    def action_data_augmented(self) -> None:
        """Shows what augmentation makes of samples, or no longer."""
        self._answer("data_augmented")


def _rich(color: Color) -> RichColor | None:
    if color is None:
        return None
    return RichColor.from_ansi(color) if isinstance(color, int) else RichColor.from_rgb(*color)
