"""The console pane: the end of what a run has printed, followed as it grows."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from kflab.runs.info import CONSOLE
from kflab.tui.logtail import LogTail
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
                  scrollbar-size-horizontal: 1; }
    ConsolePane:focus { border: round $accent; }
    ConsolePane > .console--quiet { color: $quiet; }
    ConsolePane > .console--found { text-style: reverse; }
    """

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.ascii_only = ascii_only
        self._tail: LogTail | None = None
        self._lines: list[str] = []
        self._note = "No run is followed: what a run prints shows here."
        self._needle = ""
        self._timer: Timer | None = None
        self.border_title = "Console"

    def follow(self, run_dir: Path | None) -> None:
        """Shows the output of another run, or of none."""
        if self._tail and run_dir and self._tail.path == run_dir / CONSOLE:
            return
        self._tail = LogTail(run_dir / CONSOLE) if run_dir else None
        self._lines = []
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
        hits = [row for row, line in enumerate(self._lines) if self._needle and self._needle in line.lower()]
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
            self._lines = []
            self._measure()
            return
        if not grown or tail is not self._tail:
            return
        at_end = self.is_vertical_scroll_end
        self._lines = tail.text()
        self.border_subtitle = "the beginning is in console.log" if tail.skipped else ""
        self._measure()
        if at_end:
            # The scrollbar comes with the new size, and without it there is nothing to scroll yet.
            self.call_after_refresh(self.scroll_end, animate=False)

    def _measure(self) -> None:
        width = max((cell_len(line) for line in self._lines), default=0)
        self.virtual_size = Size(width, len(self._lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the log."""
        left, top = self.scroll_offset
        width, row = self.size.width, top + y
        style = self.rich_style
        if not self._lines and y == 0:
            text, style = self._note, style + self.get_component_rich_style("console--quiet")
        elif row < len(self._lines):
            text = self._lines[row]
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
        return Strip(segments).crop_extend(left, left + width, style)
