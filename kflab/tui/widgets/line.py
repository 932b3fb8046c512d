"""A line to type in that ends at the very key that ends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual import events
from textual.widgets import Input


class Line(Input):
    """An input line whose ends are called at once.

    A binding or a message would come after the keys that were typed behind it, and so take what was meant for
    the next line as part of this one.

    Args:
        ends: what each key that ends the line does.
        value: the text to begin with.
        placeholder: the words in the empty line.
    """

    def __init__(
        self, ends: Mapping[str, Callable[[], None]], *, value: str = "", placeholder: str = ""
    ) -> None:
        super().__init__(value, placeholder=placeholder, compact=True)
        self._ends = ends

    def on_key(self, event: events.Key) -> None:
        """Ends the line."""
        end = self._ends.get(event.key)
        if end is not None:
            event.stop()
            event.prevent_default()
            end()


def take_ahead(event: events.Key, line: Line, accept: Callable[[], None]) -> None:
    """Takes a key that was typed before the line of a dialog had the focus.

    Args:
        event: the key.
        line: the line that it is meant for.
        accept: what Enter does.
    """
    if event.key == "enter":
        event.stop()
        accept()
    elif event.character and event.is_printable:
        event.stop()
        line.insert_text_at_cursor(event.character)
