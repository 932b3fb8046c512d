"""The decision surface of the run that is followed, beside its curves."""

from __future__ import annotations

import textwrap

from rich.text import Text

from kflab.pictures.cells import Line, Tone, said
from kflab.pictures.style import Style
from kflab.runs.surface import Surface
from kflab.tui.widgets.cells import CellPane

_TEACHING = "No surface yet: it comes with the first second of training, for data of two numbers and classes."


class SurfacePane(CellPane, can_focus=False):
    """Shows what the model says of the plane, and the training samples on it."""

    DEFAULT_CSS = """
    SurfacePane { dock: left; width: 44%; max-width: 80; height: 1fr; display: none; overflow: hidden; }
    """

    def show_surface(self, surface: Surface | None) -> None:
        """Shows the newest surface, or that there is none yet."""
        self.border_title = Text("Surface")
        epoch = f"epoch {surface.epoch:,}" if surface else ""
        self.border_subtitle = Text(epoch)

        def drawn(style: Style, rows: int) -> list[Line]:
            if surface is None:
                return [said(line, Tone.QUIET) for line in textwrap.wrap(_TEACHING, style.width)]
            from kflab.pictures.surface import draw

            return draw(surface, style.width, rows, style.depth, plain=style.plain)

        self.show(drawn, None)
