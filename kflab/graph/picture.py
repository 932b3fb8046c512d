"""The rows that show a graph: nodes, folded blocks, and what is inside the nested models that are open."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from kflab.experiment import Experiment
from kflab.graph.folding import Fold, Folding, folds_of
from kflab.graph.layout import Layout, arrange, wiring_of
from kflab.graph.nodes import Call, Graph


class Line(msgspec.Struct, frozen=True):
    """One row of the picture.

    Attributes:
        key: what tells it from every other row: the node's name, or its path where it is inside a call.
        node: the node, or the last node of a fold, whose value is what comes out of it.
        model: the nested model that the node is in, where the row is inside a call.
        fold: the block that the row stands for.
        rails: the rails, without blanks at the end.
        column: where the node stands among them.
        at: the row of the layout that it is, or that its outermost call is.
        inputs: the keys of the rows that feed it, each once.
        depth: how many calls it is inside of.
        is_open: it is a call whose nested model is shown below.
    """

    key: str
    node: str
    rails: str
    column: int
    at: int
    model: str = ""
    fold: Fold | None = None
    inputs: tuple[str, ...] = ()
    depth: int = 0
    is_open: bool = False


class Picture(msgspec.Struct, frozen=True):
    """A graph as it is shown.

    Attributes:
        lines: its rows.
        layout: the nodes and folds of the graph itself; rows inside of calls are not among them.
        row_of: the row of each key, and of each node of the graph, those that folds hide among them.
    """

    lines: tuple[Line, ...] = ()
    layout: Layout = Layout()
    row_of: Mapping[str, int] = {}

    def inputs_of(self, row: int) -> tuple[int, ...]:
        """The rows that feed a row, in the order of its inputs."""
        return tuple(self.row_of[key] for key in self.lines[row].inputs)

    def consumers_of(self, row: int) -> tuple[int, ...]:
        """The rows that a row feeds, from top to bottom."""
        key = self.lines[row].key
        return tuple(at for at, line in enumerate(self.lines) if key in line.inputs)


class _Shown(msgspec.Struct, frozen=True):
    """A graph as boxes: nodes and folds, each called by its last node, in order."""

    layout: Layout
    sources: Mapping[str, Sequence[str]]
    folds: Mapping[str, Fold]


def picture(experiment: Experiment, name: str, folding: Folding) -> Picture:
    """The picture of a graph of an experiment.

    Args:
        experiment: the experiment.
        name: the graph: a nested model, or "" for the main one.
        folding: what of it is folded.
    """
    graph = experiment.graph(name)
    for drawn in _drawn:
        if drawn.graph is graph and drawn.folding == folding and drawn.models is experiment.models:
            return drawn.picture
    made = _draw(graph, experiment.models, folding, frozenset({name}))
    _drawn.append(_Drawn(graph, experiment.models, folding, made))
    return made


class _Drawn(msgspec.Struct, frozen=True):
    graph: Graph
    models: Mapping[str, Graph]
    folding: Folding
    picture: Picture


_drawn: deque[_Drawn] = deque(maxlen=4)


def _draw(graph: Graph, models: Mapping[str, Graph], folding: Folding, entered: frozenset[str]) -> Picture:
    shown = _boxes(graph, folding)
    lines: list[Line] = []
    row_of: dict[str, int] = {}
    for at, row in enumerate(shown.layout.rows):
        fold = shown.folds.get(row.name)
        call = graph.nodes[row.name].target if fold is None else None
        is_open = isinstance(call, Call) and row.name in folding.opened and call.model in models
        inputs = tuple(dict.fromkeys(source for source in shown.sources[row.name] if source in graph.nodes))
        line = Line(
            row.name, row.name, row.rails, 2 * row.lane, at, fold=fold, inputs=inputs, is_open=is_open
        )
        for name in fold.nodes if fold else (row.name,):
            row_of[name] = len(lines)
        lines.append(line)
        if isinstance(call, Call) and is_open:
            outer = _passing(shown.layout, at)
            for inner in _inside(call.model, row.name, models, folding, entered):
                row_of[inner.key] = len(lines)
                rails, column = outer + inner.rails, len(outer) + inner.column
                lines.append(msgspec.structs.replace(inner, rails=rails, column=column, at=at))
    return Picture(tuple(lines), shown.layout, row_of)


def _boxes(graph: Graph, folding: Folding) -> _Shown:
    wiring = wiring_of(graph)
    closed = tuple(_closed(folds_of(graph), folding)) if folding.hides else ()
    if not closed:
        return _Shown(arrange(wiring.order, wiring.sources), wiring.sources, {})
    box_of = {name: fold.nodes[-1] for fold in closed for name in fold.nodes}
    boxes = [name for name in wiring.order if box_of.get(name, name) == name]
    sources: dict[str, list[str]] = {box: [] for box in boxes}
    for name in wiring.order:
        box = box_of.get(name, name)
        fed_by = (box_of.get(source, source) for source in wiring.sources[name])
        sources[box] += [source for source in fed_by if source != box]
    return _Shown(arrange(boxes, sources), sources, {fold.nodes[-1]: fold for fold in closed})


def _closed(folds: Sequence[Fold], folding: Folding) -> Iterator[Fold]:
    """The outermost folds that are closed."""
    for fold in folds:
        if folding.closes(fold):
            yield fold
        else:
            yield from _closed(fold.inside, folding)


def _passing(layout: Layout, row: int) -> str:
    """The rails beside what is shown below a row and belongs to it."""
    lanes = layout.below(row)
    cells = [" "] * (2 * max((*lanes, layout.rows[row].lane), default=0) + 2)
    for lane in lanes:
        cells[2 * lane] = "│"
    return "".join(cells)


def _inside(
    model: str, path: str, models: Mapping[str, Graph], folding: Folding, entered: frozenset[str]
) -> Iterator[Line]:
    """The rows of a nested model at one of its calls."""
    graph = models[model]
    wiring = wiring_of(graph)
    layout = arrange(wiring.order, wiring.sources)
    for at, row in enumerate(layout.rows):
        key = f"{path}/{row.name}"
        call = graph.nodes[row.name].target
        is_open = (
            isinstance(call, Call)
            and key in folding.opened
            and call.model in models
            and call.model not in entered | {model}
        )
        inputs = tuple(f"{path}/{source}" for source in wiring.sources[row.name] if source in graph.nodes)
        yield Line(
            key,
            row.name,
            row.rails,
            2 * row.lane,
            at,
            model,
            inputs=inputs,
            depth=key.count("/"),
            is_open=is_open,
        )
        if isinstance(call, Call) and is_open:
            outer = _passing(layout, at)
            for inner in _inside(call.model, key, models, folding, entered | {model}):
                yield msgspec.structs.replace(
                    inner, rails=outer + inner.rails, column=len(outer) + inner.column
                )
