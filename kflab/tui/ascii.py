"""Everything in plain ASCII, for a terminal that knows no more."""

from __future__ import annotations

import locale

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from kflab.tui.text import to_ascii


class AsciiFilter(LineFilter):
    """Draws whatever is drawn in plain ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The same segments in ASCII."""
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]


def speaks_unicode() -> bool:
    """Whether the terminal can show more than ASCII, by its locale."""
    return "utf" in locale.getpreferredencoding(do_setlocale=False).lower()
