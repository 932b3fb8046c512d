"""A graph as boxes for a drawing, with the same words as its rows on the screen."""

from __future__ import annotations

from kflab.catalog import Catalog
from kflab.graph.nodes import source_of
from kflab.graph.picture import Line
from kflab.graph.svg import Box
from kflab.tui.graph_columns import Cells, GraphTexts
from kflab.tui.graph_view import GraphView
from kflab.tui.text import count_text, fit_chain, fit_middle, plural

_MOST_LETTERS = 44


def title_of(view: GraphView) -> str:
    """What stands above the drawing: the model's name and its counts."""
    graph = view.graph
    words = [view.name or graph.name, plural(len(graph.nodes), "node")]
    if view.report is not None:
        shown = view.report.models.get(view.name) if view.name else view.report.model
        words += [f"{shown.totals.total:,} parameters"] if shown else []
    return " · ".join(words)


def boxes_of(view: GraphView, catalog: Catalog) -> tuple[Box, ...]:
    """The boxes of a graph; those inside an open call stand inside the call's box."""
    texts = GraphTexts(catalog)
    texts.show(view, 0)
    outputs = {source_of(reference) for reference in view.graph.outputs}
    inside: dict[str, list[Box]] = {}
    for line, cells in reversed(list(zip(view.picture.lines, texts.cells, strict=True))):
        box = _box(view, line, cells, outputs, tuple(reversed(inside.pop(line.key, []))))
        inside.setdefault(line.key.rpartition("/")[0], []).append(box)
    return tuple(reversed(inside.get("", [])))


def _box(view: GraphView, line: Line, cells: Cells, outputs: set[str], inside: tuple[Box, ...]) -> Box:
    graph = view.experiment.graph(line.model or view.name)
    nodes = line.fold.nodes if line.fold else (line.node,)
    kinds = ["input"] if graph.nodes[line.node].is_input else []
    if not line.depth:
        kinds += ["output"] if outputs & set(nodes) else []
        found = {view.marks[node].value for node in nodes if node in view.marks}
        kinds += [kind for kind in ("error", "warning") if kind in found][:1]
    return Box(
        key=line.key,
        name=fit_middle(cells.name.strip(), _MOST_LETTERS),
        layer=(fit_chain if line.fold else fit_middle)(cells.layer, _MOST_LETTERS),
        count=count_text(cells.params) if cells.params else "",
        shape=cells.shape,
        kind=" ".join(kinds),
        inputs=line.inputs,
        repeats=line.fold.count if line.fold else 1,
        inside=inside,
    )
