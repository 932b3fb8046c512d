"""The first frame: the lab with empty panes, there at once, while everything else is loaded."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from kflab.tui import keys
from kflab.tui.widgets.footer import Footer
from kflab.tui.widgets.header import Header


class Splash(Screen[None]):
    """Looks as the lab will look a moment later.

    Args:
        name: what is being opened.
    """

    DEFAULT_CSS = """
    Splash { background: $background; color: $foreground; }
    Splash Static { border: round $line; border-title-color: $foreground; border-title-style: bold; }
    Splash #top { height: 54%; }
    Splash #graph { width: 55%; height: 1fr; }
    Splash #node { width: 1fr; height: 1fr; }
    Splash #train { height: 1fr; }
    Splash.-narrow #node, Splash.-narrow #train { display: none; }
    Splash.-narrow #top { height: 1fr; margin-top: 1; }
    Splash.-narrow #graph { width: 1fr; }
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._opening = name

    def compose(self) -> ComposeResult:
        """Header, empty panes, footer."""
        header = Header()
        header.show(self._opening, unsaved=False, engine="engine starting", failed=False)
        yield header
        with Vertical():
            with Horizontal(id="top"):
                yield _box("Graph", "graph")
                yield _box("Node", "node")
            yield _box("Training", "train")
        footer = Footer()
        footer.show(keys.footer(keys.Situation(node=True)))
        yield footer

    def on_mount(self) -> None:
        """One pane where there is room for one only."""
        self.set_class(keys.is_narrow(self.app.size.width, self.app.size.height), "-narrow")


def _box(title: str, name: str) -> Static:
    box = Static(id=name)
    box.border_title = title
    return box
