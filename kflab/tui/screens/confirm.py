"""A question with a few answers, each of them one key."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from kflab.tui.keys import key_text


class Confirm(ModalScreen[str | None]):
    """Asks; the answer is its key, or None for leaving everything as it is."""

    DEFAULT_CSS = """
    Confirm { align: center middle; background: $background 60%; }
    Confirm:ansi { background: ansi_default; }
    Confirm > Vertical { width: 64; max-width: 92%; height: auto; border: round $accent; padding: 0 1;
                         border-title-color: $foreground; border-title-style: bold; background: $background; }
    Confirm Static { height: auto; }
    Confirm #answers { margin-top: 1; color: $quiet; }
    """

    def __init__(
        self, title: str, text: Text, answers: Sequence[tuple[str, str]], cancel: str = "Cancel"
    ) -> None:
        super().__init__()
        self._title, self._text = title, text
        self._answers = [*answers, ("escape", cancel)]

    def compose(self) -> ComposeResult:
        """Question and answers."""
        with Vertical() as box:
            box.border_title = Text(self._title)
            yield Static(self._text, markup=False)
            answers = Static(self._line(), id="answers", markup=False)
            answers.auto_links = False
            yield answers

    def _line(self) -> Text:
        line = Text()
        for key, words in self._answers:
            answer = Text()
            answer.append(key_text(key), "bold").append(f" {words}")
            answer.stylize(Style.from_meta({"@click": f"screen.answer('{key}')"}))
            line.append_text(answer).append("   ")
        return line

    def on_key(self, event: events.Key) -> None:
        """Takes the key of an answer; others do nothing."""
        if any(event.key == key for key, _ in self._answers):
            event.stop()
            self.action_answer(event.key)

    def action_answer(self, key: str) -> None:
        """Answers."""
        self.dismiss(None if key == "escape" else key)
