"""The graph pane: every node on its rails with layer, shape and parameters in columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from rich.text import Text
from textual.message import Message

from kflab.catalog import Catalog
from kflab.diagnose.findings import Severity
from kflab.engine.protocol import GraphReport
from kflab.graph.layout import Row
from kflab.graph.nodes import Graph, source_of
from kflab.tui import text
from kflab.tui.layer_text import layer_text
from kflab.tui.widgets.rowlist import RowList

_MOST_RAILS = 15
_LEAST_LAYER = 11
_MOST_SLACK = 10
_MARKS = {Severity.ERROR: "✗", Severity.WARNING: "▲"}


class GraphView(msgspec.Struct, frozen=True):
    """All that the pane shows of one graph.

    Attributes:
        graph: the graph.
        rows: its rows.
        report: what the engine said of it last.
        stale: the report is about an earlier state of the graph.
        marks: the worst finding of each node that has one.
        selected: the node under the cursor.
    """

    graph: Graph = Graph()
    rows: tuple[Row, ...] = ()
    report: GraphReport = GraphReport()
    stale: bool = False
    marks: Mapping[str, Severity] = {}
    selected: str = ""


class _Columns(msgspec.Struct, frozen=True):
    rails: int
    name: int
    layer: int
    shape: int
    params: int


class GraphPane(RowList):
    """The nodes of a graph, one a row, in topological order."""

    DEFAULT_CSS = """
    GraphPane { border: round $line; border-title-color: $foreground; border-title-style: bold;
                border-subtitle-color: $quiet; padding: 0 1; }
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
            select: told at once which node the cursor stands on, so that the next key already acts on it.
            id: its name on the screen.
        """
        super().__init__(id=id)
        self._select = select
        self._catalog = catalog
        self._view = GraphView()
        self._layers: dict[str, str] = {}
        self._outputs: frozenset[str] = frozenset()
        self._columns = _Columns(0, 0, 0, 0, 0)

    def show(self, view: GraphView) -> None:
        """Shows a graph; the cursor stands where the view says."""
        before = self._view
        if view.graph is not before.graph or not self._layers:
            self._layers = {row.name: layer_text(self._catalog, view.graph, row.name) for row in view.rows}
            self._outputs = frozenset(source_of(reference) for reference in view.graph.outputs)
        self._view = view
        if view.graph is not before.graph or view.report is not before.report:
            self._measure()
        if msgspec.structs.replace(view, selected=before.selected) != before:
            self.rows_changed()
        row = next((index for index, row in enumerate(view.rows) if row.name == view.selected), self.cursor)
        if row != self.cursor:
            self.put_cursor(row)

    def count(self) -> int:
        """As many rows as nodes."""
        return len(self._view.rows)

    def on_resize(self) -> None:
        """The columns share the new width."""
        self._measure()

    def _measure(self) -> None:
        rows, report = self._view.rows, self._view.report.nodes
        width = self.scrollable_content_region.width
        narrow = width < 60
        rails = min(max((len(row.rails) for row in rows), default=0), _MOST_RAILS)
        params = max((len(self._params(row.name, narrow)) for row in rows if row.name in report), default=0)
        shape = min(max((len(self._shape(row.name)) for row in rows), default=0), max(width // 4, 8))
        name = max((len(row.name) for row in rows), default=0)
        layer = max((len(layer) for layer in self._layers.values()), default=0)
        gaps = 1 + 2 + 2 + 2
        spare = width - rails - params - shape - gaps
        if name + layer > spare:
            layer = max(min(layer, spare - name), min(_LEAST_LAYER, layer))
            name = max(min(name, spare - layer), 6)
            layer = max(spare - name, 0)
        params += min(max(spare - name - layer, 0), _MOST_SLACK)
        self._columns = _Columns(rails, name, layer, shape, params)

    def _params(self, name: str, narrow: bool) -> str:
        node = self._view.report.nodes.get(name)
        return text.count_text(node.params, narrow=narrow) if node and node.params else ""

    def _shape(self, name: str) -> str:
        node = self._view.report.nodes.get(name)
        return " ".join(text.shape_text(output.shape[1:]) for output in node.outputs) if node else ""

    def draw(self, row: int, width: int) -> Text:
        """The row of one node."""
        at = self._view.rows[row]
        columns = self._columns
        line = Text(no_wrap=True, end="")
        self._rails(line, at, columns.rails)
        mark = self._view.marks.get(at.name)
        name_style = {Severity.ERROR: "error", Severity.WARNING: "warning", None: ""}[mark]
        line.append(" ")
        line.append(
            text.fit(at.name, columns.name).ljust(columns.name), self.part(name_style) if name_style else ""
        )
        line.append("  ")
        line.append(
            text.fit(self._layers.get(at.name, ""), columns.layer).ljust(columns.layer), self.part("quiet")
        )
        stale = self.part("quiet") if self._view.stale else ""
        line.append("  ")
        line.append(text.fit(self._shape(at.name), columns.shape).ljust(columns.shape), stale)
        line.append("  ")
        line.append(self._params(at.name, width < 60).rjust(columns.params), stale)
        line.truncate(width, overflow="ellipsis")
        return line

    def _rails(self, line: Text, at: Row, width: int) -> None:
        node = self._view.graph.nodes[at.name]
        severity = self._view.marks.get(at.name)
        if severity is not None:
            mark, style = _MARKS[severity], severity.value
        elif at.name in self._outputs:
            mark, style = "◉", "accent"
        else:
            mark, style = ("○" if node.is_input else "●"), "accent" if node.is_input else ""
        column = 2 * at.lane
        if column >= width:
            # Too many lanes for the room there is: the mark stands at the edge.
            line.append(at.rails[: max(width - 1, 0)].ljust(max(width - 1, 0)), self.part("rail"))
            line.append(mark, self.part(style) if style else "")
            return
        line.append(at.rails[:column], self.part("rail"))
        line.append(mark, self.part(style) if style else "")
        line.append(
            text.fit(at.rails[column + 1 :], width - column - 1).ljust(width - column - 1), self.part("rail")
        )

    def moved(self, row: int) -> None:
        """Says which node the cursor stands on."""
        if 0 <= row < self.count():
            self._select(self._view.rows[row].name)

    def on_row_list_picked(self, event: RowList.Picked) -> None:
        """A second click opens the node."""
        event.stop()
        self.post_message(self.Opened())
