"""The summary pane: the table that Keras prints of a model."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static


class SummaryPane(VerticalScroll):
    """The Keras summary as text, to scroll."""

    DEFAULT_CSS = """
    SummaryPane { border: round $line; border-title-color: $foreground; border-title-style: bold;
                  border-subtitle-color: $quiet; padding: 0 1; background: $background;
                  scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; overflow-x: auto; }
    SummaryPane:focus { border: round $accent; }
    SummaryPane > Static { width: auto; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, can_focus=True)
        self._text = Static(markup=False)

    def compose(self) -> ComposeResult:
        """The text."""
        yield self._text

    def show(self, text: str, *, is_table: bool) -> None:
        """Shows a summary, or in words why there is none."""
        self._text.styles.width = "auto" if is_table else "1fr"
        self._text.update(Text(text, no_wrap=is_table))
