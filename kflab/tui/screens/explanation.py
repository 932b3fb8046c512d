"""All there is to say about a finding: what was found, and the long text about its rule."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from kflab.diagnose.findings import Finding
from kflab.tui.marks import MARKS


class Explanation(ModalScreen[bool]):
    """A text to scroll; the answer is whether to fix what was found.

    Args:
        finding: what was found.
        text: the long text about its rule.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,x", "close", "Back", show=False),
        Binding("f", "fix", "Fix", show=False),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"explanation--strong", "explanation--quiet"}
    DEFAULT_CSS = """
    Explanation { align: center middle; background: $background 60%;
        & .explanation--strong { text-style: bold; }
        & .explanation--quiet { color: $quiet; }
    }
    Explanation:ansi { background: ansi_default; }
    Explanation > VerticalScroll { width: 92; max-width: 96%; height: auto; max-height: 90%;
                                   border: round $accent; padding: 0 1; border-title-color: $foreground;
                                   border-title-style: bold; border-subtitle-color: $quiet;
                                   background: $background; scrollbar-size-vertical: 1; }
    Explanation Static { height: auto; }
    """

    def __init__(self, finding: Finding, text: str) -> None:
        super().__init__()
        self._finding, self._text = finding, text

    def compose(self) -> ComposeResult:
        """The text."""
        found = self._finding
        with VerticalScroll() as box:
            box.border_title = Text(" ".join(part for part in (found.code, found.place) if part) or "Problem")
            box.border_subtitle = Text("f fix   esc back" if found.fix else "esc back")
            yield Static(id="explanation", markup=False)

    def on_mount(self) -> None:
        """The keys of the list are at hand."""
        self.query_one("#explanation", Static).update(self._words())
        self.query_one(VerticalScroll).focus()

    def _words(self) -> Text:
        strong = self.get_component_rich_style("explanation--strong", partial=True)
        quiet = self.get_component_rich_style("explanation--quiet", partial=True)
        found = self._finding
        words = Text().append(f"{MARKS[found.severity]} {found.message}\n", strong)
        if found.fix is not None:
            words.append("f ", strong).append(f"{found.fix.title}\n", quiet)
        words.append(f"\n{self._text}" if self._text else "")
        words.rstrip()
        return words

    def action_scroll(self, lines: int) -> None:
        """Scrolls."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_close(self) -> None:
        """Back to the lab."""
        self.dismiss(False)

    def action_fix(self) -> None:
        """Back to the lab, which fixes it."""
        if self._finding.fix is not None:
            self.dismiss(True)
