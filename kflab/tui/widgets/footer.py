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
        namespace = "screen" if command.place in {Place.LAB, Place.TRAIN} else "focused"
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
        names, gap = tab_names(self._now, self.content_size.width)
        for number, (pane, name) in enumerate(zip(Pane, names, strict=True)):
            style = self.get_component_rich_style(
                "tabs--now" if pane is self._now else "tabs--other", partial=True
            )
            tab = Text(f"{number + 1} {name}", style)
            tab.stylize(Style.from_meta({"@click": f"screen.pane({number})"}))
            line.append_text(tab).append(" " * gap)
        line.rstrip()
        return line


def tab_names(now: Pane, width: int) -> tuple[list[str], int]:
    """The names of the panes, as long as there is room for and that of `now` in full, and the gap between."""
    names = [pane.value for pane in Pane]
    numbers = 2 * len(names)
    for gap in (3, 2, 1):
        if numbers + sum(map(len, names)) + gap * (len(names) - 1) <= width:
            return names, gap
    for most in range(max(map(len, names)), 1, -1):
        short = [pane.value if pane is now else pane.value[:most] for pane in Pane]
        if numbers + sum(map(len, short)) + len(names) - 1 <= width:
            return short, 1
    return short, 1
