"""A widget that is drawn as lines and repaints only the cells that changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from kflab.tui.lines import Line, Part, blank, difference, joined


class Painted(Widget):
    """Draws lines made by `paint`, and sends the terminal only what differs from the last ones.

    Subclasses say what the lines are in `paint` and call `repaint` when something may have changed.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"painted--{part.name.lower()}" for part in Part}
    DEFAULT_CSS = """
    Painted {
        & > .painted--train { color: $quiet; }
        & > .painted--validation { color: $accent; text-style: bold; }
        & > .painted--frame { color: $line; }
        & > .painted--label { color: $quiet; }
        & > .painted--title { text-style: bold; }
        & > .painted--edge { color: $line; }
        & > .painted--fact { color: $foreground; }
        & > .painted--quiet { color: $quiet; }
        & > .painted--accent { color: $accent; }
        & > .painted--error { color: $error; }
        & > .painted--warning { color: $warning; }
    }
    Painted:focus > .painted--edge { color: $accent; }
    Painted:ansi {
        & > .painted--train { text-style: dim; }
        & > .painted--label { text-style: dim; }
        & > .painted--quiet { text-style: dim; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()
        self._is_hidden = False

    def paint(self, width: int, height: int) -> Sequence[Line]:
        """The lines to be shown; each exactly `width` columns wide."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Draws again, and refreshes the cells that differ."""
        width, height = self.size
        if not width or not height or self._is_hidden:
            return
        lines = [*self.paint(width, height)][:height]
        lines += [blank(width)] * (height - len(lines))
        # Each piece costs the terminal a colour: the fewer the better.
        lines = [joined(line) for line in lines]
        old, self._lines = self._lines, tuple(lines)
        if len(old) != len(lines):
            self.refresh()
            return
        changed = [
            Region(span[0], y, span[1] - span[0], 1)
            for y, (before, after) in enumerate(zip(old, lines, strict=True))
            if (span := difference(before, after))
        ]
        if changed:
            self.refresh(*changed)

    def on_resize(self, _: events.Resize) -> None:
        """Another size is another drawing."""
        self._lines = ()
        self.repaint()

    def on_show(self) -> None:
        """Draws what came while it was out of view."""
        self._is_hidden = False
        self.repaint()

    def on_hide(self) -> None:
        """Draws nothing while out of view."""
        self._is_hidden = True

    def render_line(self, y: int) -> Strip:
        """One line, in the colours of the theme."""
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        styles: dict[Part, Style] = {}
        segments = []
        for text, part in self._lines[y]:
            if part not in styles:
                styles[part] = self.get_component_rich_style(f"painted--{part.name.lower()}")
            segments.append(Segment(text, styles[part]))
        return Strip(segments)
