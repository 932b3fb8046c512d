"""What differs between two texts, line by line, to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

_MOST_LINES = 2000


class Difference(ModalScreen[None]):
    """The lines of a unified diff.

    Args:
        title: what is held against what.
        lines: the lines.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "close", "Back", show=False)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"difference--new", "difference--old", "difference--quiet"}
    DEFAULT_CSS = """
    Difference { align: center middle; background: $background 60%;
        & .difference--new { color: $accent; text-style: bold; }
        & .difference--old { color: $warning; }
        & .difference--quiet { color: $quiet; }
    }
    Difference:ansi { background: ansi_default; }
    Difference > VerticalScroll { width: 112; max-width: 96%; height: auto; max-height: 90%;
                                  border: round $accent; padding: 0 1; border-title-color: $foreground;
                                  border-title-style: bold; border-subtitle-color: $quiet;
                                  background: $background; scrollbar-size-vertical: 1; }
    Difference Static { height: auto; }
    """

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._title, self._lines = title, lines

    def compose(self) -> ComposeResult:
        """The lines."""
        with VerticalScroll() as box:
            box.border_title = Text(self._title)
            box.border_subtitle = Text("esc back")
            yield Static(id="lines", markup=False)

    def on_mount(self) -> None:
        """The keys of the list are at hand."""
        self.query_one("#lines", Static).update(self._text())
        self.query_one(VerticalScroll).focus()

    def _text(self) -> Text:
        styles = {
            mark: self.get_component_rich_style(f"difference--{name}", partial=True)
            for mark, name in (("+", "new"), ("-", "old"), ("@", "quiet"))
        }
        text = Text()
        for line in self._lines[:_MOST_LINES]:
            text.append(f"{line}\n", styles.get(line[:1], ""))
        left = len(self._lines) - _MOST_LINES
        if left > 0:
            text.append(f"{left:,} more lines", styles["@"])
        return text

    def action_close(self) -> None:
        """Back to the question."""
        self.dismiss(None)
