"""The top line: what is open, whether it is saved, and how the engine is."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from kflab.tui import keys


class Header(Widget):
    """One line: the experiment to the left, engine and machine to the right."""

    COMPONENT_CLASSES = {"header--quiet", "header--accent", "header--error", "header--warning"}  # noqa: RUF012
    DEFAULT_CSS = """
    Header { height: 1; padding: 0 1; background: $background;
        & .header--quiet { color: $quiet; }
        & .header--accent { color: $accent; text-style: bold; }
        & .header--error { color: $error; }
        & .header--warning { color: $warning; }
    }
    """

    auto_links = False

    def __init__(self) -> None:
        super().__init__()
        self._shown, self._unsaved, self._engine, self._failed = "", False, "", False
        self._problems: tuple[tuple[str, str], ...] = ()
        self._where = f"{_user()}@{socket.gethostname().partition('.')[0]}"

    def show(
        self,
        name: str,
        *,
        unsaved: bool,
        engine: str,
        failed: bool,
        problems: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Shows other facts.

        Args:
            name: what is open.
            unsaved: something of it is in no file.
            engine: how the engine is.
            failed: there is none.
            problems: how many errors and warnings there are, each with the part of the look that it is.
        """
        facts = (name, unsaved, engine, failed, tuple(problems))
        if facts != (self._shown, self._unsaved, self._engine, self._failed, self._problems):
            self._shown, self._unsaved, self._engine, self._failed, self._problems = facts
            self.refresh()

    def render(self) -> Text:
        """The line."""
        quiet = self.get_component_rich_style("header--quiet", partial=True)
        width = self.content_size.width
        left = Text(no_wrap=True, end="").append(
            "kflab", self.get_component_rich_style("header--accent", partial=True)
        )
        left.append("  ").append(self._shown, "bold")
        if self._unsaved:
            left.append(" •", self.get_component_rich_style("header--accent", partial=True))
        if self._problems:
            left.append("   ")
            command = keys.find("problems")
            key = command.key_text if command else ""
            accent = self.get_component_rich_style("header--accent", partial=True)
            counts = Text(f"{key} ", accent) + Text(" ").join(
                Text(words, self.get_component_rich_style(f"header--{part}", partial=True))
                for words, part in self._problems
            )
            counts.stylize(Style.from_meta({"@click": "screen.problems"}))
            left.append_text(counts)
        style = self.get_component_rich_style("header--error", partial=True) if self._failed else quiet
        right = Text(self._engine, style)
        if left.cell_len + right.cell_len + len(self._where) + 6 <= width:
            right.append("   ").append(self._where, quiet)
        room = width - left.cell_len - 2
        right.truncate(max(room, 0), overflow="ellipsis")
        left.append(" " * max(width - left.cell_len - right.cell_len, 1)).append_text(right)
        left.truncate(width, overflow="ellipsis")
        return left


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "?"
