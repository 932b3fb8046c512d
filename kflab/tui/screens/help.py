"""The help screen: every key and what it does, made from the table of keys."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from kflab.tui.keys import COMMANDS, Place, key_text
from kflab.tui.text import key_to_ascii

_KEYS_WIDTH = 9
_NARROWEST = 24  # a sentence in fewer columns is a tower of words; the verb alone says enough
_MARKS = """
○ input  ● node  ◉ output  ✗ error  ▲ warning  i note  ▸ nested model  • unsaved  dim: being worked out
"""


class Help(ModalScreen[None]):
    """Every key by the place where it works."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,f1,enter", "close", "Leave", show=False),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"help--key", "help--quiet", "help--place"}
    DEFAULT_CSS = """
    Help { align: center middle; background: $background 60%;
        & .help--key { color: $accent; text-style: bold; }
        & .help--quiet { color: $quiet; }
        & .help--place { text-style: bold; }
    }
    Help:ansi { background: ansi_default; }
    Help > VerticalScroll { width: 112; max-width: 96%; height: 90%; border: round $accent; padding: 0 1;
                            border-title-color: $foreground; border-title-style: bold;
                            border-subtitle-color: $quiet; background: $background;
                            scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    Help Static { height: auto; }
    """

    def compose(self) -> ComposeResult:
        """The table."""
        with VerticalScroll() as box:
            box.border_title = Text("Keys")
            box.border_subtitle = Text("esc leave")
            yield Static(id="keys", markup=False)

    def on_mount(self) -> None:
        """The keys of the list are at hand."""
        self.query_one(VerticalScroll).focus()

    def on_resize(self) -> None:
        """Fills the table to its width."""
        self.call_after_refresh(lambda: self.query_one("#keys", Static).update(self._table()))

    def _table(self) -> Text:
        key_style = self.get_component_rich_style("help--key", partial=True)
        quiet = self.get_component_rich_style("help--quiet", partial=True)
        place_style = self.get_component_rich_style("help--place", partial=True)
        verbs = max(len(command.verb) for command in COMMANDS) + 2
        before = _KEYS_WIDTH + 4 + verbs
        width = self.query_one(VerticalScroll).scrollable_content_region.width - before
        table = Text()
        for place in Place:
            table.append(f"{place.value}\n", place_style)
            for command in COMMANDS:
                if command.place is not place:
                    continue
                names = " ".join(key_text(key) for key in command.keys)
                names = key_to_ascii(names) if getattr(self.app, "ascii_only", False) else names
                table.append(f"  {names:<{_KEYS_WIDTH}}  ", key_style).append(f"{command.verb:<{verbs}}")
                lines = textwrap.wrap(command.help, width) if width >= _NARROWEST else []
                table.append(f"\n{' ' * before}".join(lines), quiet).append("\n")
            table.append("\n")
        table.append("Marks", place_style).append(_MARKS, quiet)
        return table

    def action_scroll(self, lines: int) -> None:
        """Scrolls."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_close(self) -> None:
        """Back to the lab."""
        self.dismiss(None)
