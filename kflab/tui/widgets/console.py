"""The console pane: the end of what a run has printed, followed as it grows."""

from __future__ import annotations

import asyncio
import functools
import textwrap
from pathlib import Path
from typing import ClassVar

from rich.cells import chop_cells
from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from kflab.runs.info import CONSOLE
from kflab.tui.logtail import MOST_LINES, LogTail
from kflab.tui.text import to_ascii

_LOOK_SECONDS = 0.3


class ConsolePane(ScrollView, can_focus=True):
    """Shows the last lines of a run's `console.log`, and new ones as they come while it stands at the end.

    Nothing is read as long as the pane is hidden.

    Args:
        ascii_only: whether the terminal shows plain ASCII only.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"console--quiet", "console--found"}
    DEFAULT_CSS = """
    ConsolePane { border: round $line; border-title-color: $foreground; border-title-style: bold;
                  border-subtitle-color: $quiet; padding: 0 1; scrollbar-size-vertical: 1;
                  overflow-x: hidden; overflow-y: scroll; }
    ConsolePane:focus { border: round $accent; }
    ConsolePane > .console--quiet { color: $quiet; }
    ConsolePane > .console--found { text-style: reverse; }
    """

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.ascii_only = ascii_only
        self._tail: LogTail | None = None
        self._rows: list[str] = []
        self._note = "No run is followed: what a run prints shows here."
        self._needle = ""
        self._timer: Timer | None = None
        self.border_title = "Console"

    def follow(self, run_dir: Path | None) -> None:
        """Shows the output of another run, or of none."""
        if self._tail and run_dir and self._tail.path == run_dir / CONSOLE:
            return
        self._tail = LogTail(run_dir / CONSOLE) if run_dir else None
        self._rows = []
        self._note = (
            "Nothing has been printed yet."
            if run_dir
            else "No run is followed: what a run prints shows here."
        )
        self._needle = ""
        self.border_subtitle = ""
        self._measure()
        self._watch()

    def find(self, text: str) -> bool:
        """Goes to the nearest line above the shown ones that holds `text`, or else the last one; marks it.

        Returns:
            Whether there is one.
        """
        self._needle = text.lower()
        hits = [row for row, line in enumerate(self._rows) if self._needle and self._needle in line.lower()]
        top = self.scroll_offset.y
        row = next((row for row in reversed(hits) if row < top), hits[-1] if hits else None)
        if row is not None:
            self.scroll_to(y=row, animate=False)
        self.refresh()
        return row is not None

    def on_mount(self) -> None:
        """Looks for output from now on."""
        self._timer = self.set_interval(_LOOK_SECONDS, self._look, pause=True)
        self._watch()

    def on_show(self) -> None:
        """Reads on when it comes into view."""
        self._watch()

    def on_hide(self) -> None:
        """Reads nothing while out of view."""
        if self._timer:
            self._timer.pause()

    def _watch(self) -> None:
        if self._timer is None:
            return
        if self._tail and self.display:
            self._timer.resume()
            self.call_after_refresh(self._look)
        else:
            self._timer.pause()

    async def _look(self) -> None:
        tail = self._tail
        if tail is None:
            return
        try:
            grown = await asyncio.to_thread(tail.read)
        except OSError as error:
            self._note = f"{tail.path.name} cannot be read: {error.strerror}"
            self._rows = []
            self._measure()
            return
        if not grown or tail is not self._tail:
            return
        self.border_subtitle = "the beginning is in console.log" if tail.skipped else ""
        self._wrap()

    def on_resize(self) -> None:
        """Long lines break elsewhere."""
        if self._rows:
            self._wrap()

    def _wrap(self) -> None:
        if self._tail is None:
            return
        at_end = self.is_vertical_scroll_end
        width = max(self.scrollable_content_region.width, 1)
        self._rows = [row for line in self._tail.text() for row in _broken(line, width)]
        self._measure()
        if at_end:
            # There is nothing to scroll yet before the new size is known.
            self.call_after_refresh(self.scroll_end, animate=False)

    def _measure(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the log."""
        width, row = self.scrollable_content_region.width, self.scroll_offset.y + y
        style = self.rich_style
        if not self._rows and y == 0:
            text, style = self._note, style + self.get_component_rich_style("console--quiet")
        elif row < len(self._rows):
            text = self._rows[row]
        else:
            return Strip.blank(width, style)
        if self.ascii_only:
            text = to_ascii(text)
        segments = [Segment(text, style)]
        place = text.lower().find(self._needle) if self._needle else -1
        if place >= 0:
            end = place + len(self._needle)
            found = style + self.get_component_rich_style("console--found")
            segments = [
                Segment(text[:place], style), Segment(text[place:end], found), Segment(text[end:], style),
            ]  # fmt: skip
        return Strip(segments).adjust_cell_length(width, style)


@functools.lru_cache(maxsize=2 * MOST_LINES)
def _broken(line: str, width: int) -> tuple[str, ...]:
    """The line in pieces that fit, broken between words where all characters are one column wide."""
    if len(line) <= width and line.isascii():
        return (line,)
    if line.isascii():
        pieces = textwrap.wrap(
            line, width, drop_whitespace=False, replace_whitespace=False, break_on_hyphens=False
        )
        return tuple(pieces) or ("",)
    return tuple(chop_cells(line, width)) or ("",)
