"""The bottom line: the keys that apply now, each a button for the mouse."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from kflab.tui.keys import Command, Pane, Place
from kflab.tui.text import key_to_ascii


class Footer(Widget):
    """One line of keys; what does not fit is left out, but for those that are always kept."""

    COMPONENT_CLASSES = {"footer--key", "footer--word"}  # noqa: RUF012
    DEFAULT_CSS = """
    Footer { height: 1; padding: 0 1; background: $background;
        & .footer--key { color: $accent; text-style: bold; }
        & .footer--word { color: $quiet; }
    }
    """

    auto_links = False

    def __init__(self) -> None:
        super().__init__()
        self._commands: Sequence[Command] = ()

    def show(self, commands: Sequence[Command]) -> None:
        """Shows other keys."""
        if [command.action for command in commands] != [command.action for command in self._commands]:
            self._commands = commands
            self.refresh()

    def render(self) -> Text:
        """The line."""
        width = self.content_size.width
        room = width + 2 - sum(self._width(command) for command in self._commands if command.kept)
        line = Text(no_wrap=True, end="")
        for command in self._commands:
            if command.kept or (room := room - self._width(command)) >= 0:
                line.append_text(self._button(command)).append("  ")
        line.rstrip()
        return line

    def _key(self, command: Command) -> str:
        plain = getattr(self.app, "ascii_only", False)
        return key_to_ascii(command.key_text) if plain else command.key_text

    def _width(self, command: Command) -> int:
        return len(self._key(command)) + 1 + len(command.label) + 2

    def _button(self, command: Command) -> Text:
        key = self.get_component_rich_style("footer--key", partial=True)
        word = self.get_component_rich_style("footer--word", partial=True)
        namespace = "screen" if command.place is Place.LAB else "focused"
        button = Text()
        button.append(self._key(command), key).append(" ").append(command.label, word)
        button.stylize(Style.from_meta({"@click": f"{namespace}.{command.action}"}))
        return button


class TabBar(Widget):
    """The names of the panes in one line, for a screen that has room for one pane only."""

    COMPONENT_CLASSES = {"tabs--now", "tabs--other"}  # noqa: RUF012
    DEFAULT_CSS = """
    TabBar { height: 1; padding: 0 1; background: $background;
        & .tabs--now { color: $accent; text-style: bold underline; }
        & .tabs--other { color: $quiet; }
    }
    """

    auto_links = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._now = Pane.GRAPH

    def show(self, now: Pane) -> None:
        """Marks the pane that is shown."""
        if now is not self._now:
            self._now = now
            self.refresh()

    def render(self) -> Text:
        """The line."""
        line = Text(no_wrap=True, end="")
        for number, pane in enumerate(Pane):
            style = self.get_component_rich_style(
                "tabs--now" if pane is self._now else "tabs--other", partial=True
            )
            tab = Text(f"{number + 1} {pane.value}", style)
            tab.stylize(Style.from_meta({"@click": f"screen.pane({number})"}))
            line.append_text(tab).append("   ")
        line.rstrip()
        return line
