"""The help screen: every key and what it does, made from the table of keys."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from kflab.tui.keys import COMMANDS, Place, key_text

_MARKS = """
○ input   ● node   ◉ output   ✗ error   ▲ warning   ▸ nested model   • unsaved   dim: being worked out
"""


class Help(ModalScreen[None]):
    """Every key by the place where it works."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,f1,enter", "close", "Leave", show=False),
        Binding("j", "app.simulate_key('down')", "Down", show=False),
        Binding("k", "app.simulate_key('up')", "Up", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"help--key", "help--quiet", "help--place"}
    DEFAULT_CSS = """
    Help { align: center middle; background: $background 60%;
        & .help--key { color: $accent; text-style: bold; }
        & .help--quiet { color: $quiet; }
        & .help--place { text-style: bold; }
    }
    Help:ansi { background: ansi_default; }
    Help > VerticalScroll { width: 96; max-width: 96%; height: 90%; border: round $accent; padding: 0 1;
                            border-title-color: $foreground; border-title-style: bold;
                            border-subtitle-color: $quiet; background: $background;
                            scrollbar-size-vertical: 1; }
    Help Static { height: auto; }
    """

    def compose(self) -> ComposeResult:
        """The table."""
        with VerticalScroll() as box:
            box.border_title = Text("Keys")
            box.border_subtitle = Text("esc leave")
            yield Static(id="keys", markup=False)

    def on_mount(self) -> None:
        """Fills the table, now that the styles are known."""
        self.query_one("#keys", Static).update(self._table())
        self.query_one(VerticalScroll).focus()

    def _table(self) -> Text:
        key_style = self.get_component_rich_style("help--key", partial=True)
        quiet = self.get_component_rich_style("help--quiet", partial=True)
        place_style = self.get_component_rich_style("help--place", partial=True)
        width = max(self.size.width * 96 // 100 - 6, 30)
        table = Text()
        for place in Place:
            table.append(f"{place.value}\n", place_style)
            for command in COMMANDS:
                if command.place is not place:
                    continue
                names = " ".join(key_text(key) for key in command.keys)
                table.append(f"  {names:<10}", key_style)
                table.append(f"{command.verb:<24}" if width > 76 else "")
                table.append(f" {command.help}\n", quiet if width > 76 else "")
            table.append("\n")
        table.append("Marks", place_style).append(_MARKS, quiet)
        return table

    def action_close(self) -> None:
        """Back to the lab."""
        self.dismiss(None)
