"""The graph pane: every node on its rails with layer, shape and parameters in columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from rich.segment import Segment
from textual.message import Message

from kflab.catalog import Catalog
from kflab.tui.graph_columns import GraphTexts
from kflab.tui.graph_view import GraphView
from kflab.tui.widgets.rowlist import RowList


class GraphPane(RowList):
    """The nodes of a graph, one a row, each after all that feed it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"row--lit"}
    DEFAULT_CSS = """
    GraphPane { border: round $line; border-title-color: $foreground; border-title-style: bold;
                border-subtitle-color: $quiet; padding: 0 1;
                & .row--lit { color: $accent; text-style: bold; } }
    GraphPane:focus { border: round $accent; }
    """

    class Opened(Message):
        """A node was clicked twice."""

    def __init__(
        self,
        catalog: Catalog,
        select: Callable[[str], None],
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        """The pane.

        Args:
            catalog: what Keras offers.
            select: told at once which row the cursor stands on, by its key, so that the next key already
                acts on it.
            id: its name on the screen.
        """
        super().__init__(id=id)
        self._select = select
        self._texts = GraphTexts(catalog)
        self._view: GraphView | None = None

    def show(self, view: GraphView) -> None:
        """Shows a graph; the cursor stands where the view says."""
        before, self._view = self._view, view
        self._texts.show(view, self.scrollable_content_region.width)
        if before is None or view.picture is not before.picture:
            self.rows_changed()
        else:
            self.refresh_changed()
        row = view.picture.row_of.get(view.selected, self.cursor)
        if row != self.cursor:
            self.put_cursor(row)

    def count(self) -> int:
        """As many as the picture has."""
        return len(self._view.picture.lines) if self._view else 0

    def words(self, row: int) -> str:
        """What a row says of its layer and its shape, in a line."""
        cells = self._texts.cells[row]
        return f"{cells.layer}  {cells.shape}".rstrip()

    def on_resize(self) -> None:
        """The columns share the new width."""
        if self._view is not None:
            self._texts.show(self._view, self.scrollable_content_region.width)

    def segments(self, row: int, width: int) -> Iterable[Segment]:  # noqa: ARG002
        """The row of one node; the columns were made for the width."""
        return [
            Segment(words, self.part(part) if part else None) for words, part in self._texts.row(row) if words
        ]

    def moved(self, row: int) -> None:
        """Says which row the cursor stands on."""
        if self._view is not None and 0 <= row < self.count():
            self._select(self._view.picture.lines[row].key)

    def on_row_list_picked(self, event: RowList.Picked) -> None:
        """A second click opens the node."""
        event.stop()
        self.post_message(self.Opened())
