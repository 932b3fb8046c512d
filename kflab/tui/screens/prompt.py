"""A prompt: one line to type, with what is wrong with it right below."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, cast

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from kflab.errors import KflabError
from kflab.tui import keys
from kflab.tui.screens.choose import KeyHolder
from kflab.tui.widgets.line import Line, take_ahead


class Prompt(ModalScreen[None]):
    """Asks for a line and hands it over; where it is refused, it says why and stays."""

    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings(keys.Place.DIALOG))
    DEFAULT_CSS = """
    Prompt { align: center middle; background: $background 60%; }
    Prompt:ansi { background: ansi_default; }
    Prompt > Vertical { width: 70; max-width: 92%; height: auto; border: round $accent; padding: 0 1;
                        border-title-color: $foreground; border-title-style: bold;
                        border-subtitle-color: $quiet; background: $background; }
    Prompt Input { background: $panel; padding: 0 1; margin: 0 0 1 0; }
    Prompt #hint { height: auto; color: $quiet; }
    Prompt #hint.-wrong { color: $error; }
    """

    def __init__(
        self, title: str, value: str, then: Callable[[str], None], *, hint: str = "", wrong: str = ""
    ) -> None:
        super().__init__()
        self._title, self._then = title, then
        self._input = Line({"enter": self.action_accept}, value=value)
        self._hint = Static(Text(wrong or hint), id="hint", markup=False)
        self._hint.display = bool(wrong or hint)
        self._hint.set_class(bool(wrong), "-wrong")

    def compose(self) -> ComposeResult:
        """The line and what is wrong with it."""
        with Vertical() as box:
            box.border_title = Text(self._title)
            box.border_subtitle = Text("enter take · esc leave")
            yield self._input
            yield self._hint

    def on_mount(self) -> None:
        """The line is ready to be typed over, or to be mended."""
        self.set_focus(self._input)
        cast("KeyHolder", self.app).release_keys()
        if self._hint.has_class("-wrong"):
            self._input.action_end()
        else:
            self._input.action_select_all()

    def on_key(self, event: events.Key) -> None:
        """Takes what is typed before the line has the focus."""
        take_ahead(event, self._input, self.action_accept)

    def action_accept(self) -> None:
        """Hands the line over."""
        value = self._input.value
        app = self.app
        # What follows may ask something itself, so this is gone before it starts.
        app.pop_screen()
        try:
            self._then(value)
        except KflabError as problem:
            app.push_screen(Prompt(self._title, value, self._then, wrong=str(problem)))

    def action_cancel(self) -> None:
        """Asks no more."""
        self.app.pop_screen()
