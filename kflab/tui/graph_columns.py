"""The rows of a graph as text: what stands in which column, and which part of the look each piece is.

The lab and the command line show the same rows. Pieces name what they are (`quiet`, `lit`, `error`), not a
colour.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from kflab.catalog import Catalog
from kflab.diagnose.findings import Severity
from kflab.engine.protocol import TensorReport
from kflab.graph.arguments import is_frozen
from kflab.graph.folding import Fold
from kflab.graph.layout import Rail
from kflab.graph.memo import ByIdentity
from kflab.graph.nodes import Call, source_of
from kflab.graph.picture import Line
from kflab.tui import text
from kflab.tui.graph_view import GraphView
from kflab.tui.layer_text import FROZEN, NodeTexts, pattern_text
from kflab.tui.marks import MARKS

NARROW = 60
"""The columns below which counts are written short."""

_LEAST_NAME = 6
_LEAST_LAYER = 12
_LEAST_NOTE = 24
_SHARE = 4
_BAR = 8
_MOST_SLACK = 10
_USUAL_DTYPE = "float32"
_FOLDED = "◆"


class Piece(NamedTuple):
    """Neighbouring places of a row that are one part of the look."""

    text: str
    part: str = ""


class Cells(NamedTuple):
    """What a row says, column by column, at its natural width."""

    name: str
    layer: str
    shape: str = ""
    params: int = 0
    dtype: str = ""
    note: str = ""


class Columns(NamedTuple):
    """How wide each column is; 0 where there is no room for it.

    `is_dense` says that a lane has one place and not two.
    """

    rails: int = 0
    is_dense: bool = False
    name: int = 0
    layer: int = 0
    shape: int = 0
    params: int = 0
    share: int = 0
    bar: int = 0
    dtype: int = 0
    note: int = 0


class Lit(NamedTuple):
    """What is lit: the rails to the inputs and consumers of one row, and their rows."""

    rails: tuple[Rail, ...] = ()
    rows: frozenset[int] = frozenset()


class GraphTexts:
    """Makes rows of one graph after the other, and remembers what nodes that have not changed said."""

    def __init__(self, catalog: Catalog) -> None:
        self._layers = NodeTexts(catalog)
        self._view: GraphView | None = None
        self._width = 0
        self._cells: list[Cells] = []
        self._total = 0
        self._outputs: frozenset[str] = frozenset()
        self.columns = Columns()
        self._lit = Lit()

    @property
    def cells(self) -> Sequence[Cells]:
        """What each row says."""
        return self._cells

    def show(self, view: GraphView, width: int) -> None:
        """Works out the cells, the columns and what is lit, as far as they have changed."""
        before = self._view
        self._view = view
        is_new = (
            before is None
            or view.picture is not before.picture
            or view.experiment is not before.experiment
            or view.report is not before.report
            or view.notes != before.notes
        )
        if is_new:
            self._outputs = frozenset(source_of(reference) for reference in view.graph.outputs)
            self._total = self._total_of(view)
            self._cells = [self._say(view, line) for line in view.picture.lines]
        if is_new or width != self._width:
            self._width = width
            self.columns = self._measure(view, width)
        if is_new or before is None or view.selected != before.selected:
            self._lit = _lit(view)

    def _total_of(self, view: GraphView) -> int:
        if view.report is None:
            return 0
        shown = view.report.models.get(view.name) if view.name else view.report.model
        return shown.totals.total if shown else 0

    def _say(self, view: GraphView, line: Line) -> Cells:
        report = view.report_of(line).nodes
        said = report.get(line.node)
        indent = "  " * line.depth
        graph = view.experiment.graph(line.model or view.name)
        if line.fold is not None:
            name = _fold_name(line.fold)
            layer = pattern_text(graph, line.fold.pattern, line.fold.count)
            count = sum(report[node].params for node in line.fold.nodes if node in report)
            noted = line.fold.nodes if view.notes else ()
            note = next((view.notes[node] for node in noted if node in view.notes), "")
        else:
            name = line.node
            layer = self._layers.of(graph, line.node, is_open=line.is_open)
            target = graph.nodes[line.node].target
            if isinstance(target, Call) and is_frozen(view.experiment, line.model or view.name, line.node):
                layer = f"{layer} {FROZEN}"
            count = said.params if said else 0
            note = "" if line.depth else view.notes.get(line.node, "")
        shapes, dtypes = _shapes_and_dtypes(said.outputs if said else ())
        return Cells(indent + name, layer, shapes, count, dtypes, note)

    def _measure(self, view: GraphView, width: int) -> Columns:
        cells = self._cells
        rails, is_dense = _rails_width([line.rails for line in view.picture.lines], width)
        params = max((len(self._count(cell.params, width)) for cell in cells), default=0)
        shape = min(max((len(cell.shape) for cell in cells), default=0), max(width // 4, 8))
        name = max((len(cell.name) for cell in cells), default=0)
        layer = max((len(cell.layer) for cell in cells), default=0)
        spare = width - rails - 1 - sum(2 + column for column in (shape, params) if column) - 2
        share = _SHARE if params and spare - 2 - _SHARE >= min(name, 16) + min(layer, _LEAST_LAYER) else 0
        spare -= share + 2 if share else 0
        if name + layer > spare:
            least = min(_LEAST_LAYER, layer)
            name = min(name, max(spare - least, _LEAST_NAME))
            layer = max(min(layer, spare - name), 0)
        spare -= name + layer
        dtypes = [cell.dtype for cell in cells]
        dtype = max(map(len, dtypes), default=0)
        # The usual dtype is only worth its room where there is plenty.
        is_usual = all(said in {"", _USUAL_DTYPE} for said in dtypes)
        dtype = dtype if dtype and spare >= dtype + (40 if is_usual else 2) else 0
        spare -= dtype + 2 if dtype else 0
        note = max((len(cell.note) for cell in cells), default=0)
        note = min(note, spare - 2) if spare - 2 >= min(note, _LEAST_NOTE) else 0
        spare -= note + 2 if note else 0
        bar = _BAR if share and spare >= _BAR + 1 + _MOST_SLACK else 0
        spare -= bar + 1 if bar else 0
        params += min(max(spare, 0), _MOST_SLACK) if params else 0
        return Columns(rails, is_dense, name, layer, shape, params, share, bar, dtype, note)

    @staticmethod
    def _count(count: int, width: int) -> str:
        return text.count_text(count, narrow=width < NARROW) if count else ""

    def row(self, row: int) -> list[Piece]:
        """The pieces of one row."""
        view = self._view
        assert view is not None
        line, cell, columns = view.picture.lines[row], self._cells[row], self.columns
        nodes = line.fold.nodes if line.fold else (line.node,)
        severity = view.inner.get((line.model, line.node)) if line.depth else _worst(view.marks, nodes)
        pieces = self._rails(view, line, severity)
        is_marked = not line.depth and any(node in view.marked for node in nodes)
        pieces.append(Piece("■", "accent") if is_marked else Piece(" "))
        pieces.append(Piece(_cell(cell.name, columns.name, middle=True), self._name_part(line, severity)))
        pieces += self._layer(line, cell.layer, columns.layer)
        stale = "quiet" if view.stale else ""
        if columns.shape:
            pieces.append(Piece("  " + _cell(cell.shape, columns.shape), stale))
        if columns.params:
            pieces.append(Piece("  " + self._count(cell.params, self._width).rjust(columns.params), stale))
        if columns.share:
            share = text.share_text(cell.params, self._total)
            pieces.append(Piece("  " + share.rjust(columns.share), "quiet"))
        if columns.bar:
            bar = text.bar_text(cell.params, self._total, columns.bar)
            pieces.append(Piece(" " + bar.ljust(columns.bar), "rail"))
        if columns.dtype:
            pieces.append(Piece("  " + cell.dtype.ljust(columns.dtype), "quiet"))
        if columns.note and cell.note:
            pieces.append(Piece("  " + text.fit(cell.note, columns.note), severity.value if severity else ""))
        return pieces

    def _name_part(self, line: Line, severity: Severity | None) -> str:
        if severity is not None:
            return severity.value
        if line.depth:
            return "quiet"
        return "lit" if line.at in self._lit.rows else ""

    @staticmethod
    def _layer(line: Line, layer: str, width: int) -> list[Piece]:
        if line.fold is None:
            return [Piece("  " + _cell(layer, width), "quiet")]
        if line.fold.count == 1:
            return [Piece("  " + text.fit_chain(layer, width).ljust(width), "quiet")]
        words, _, count = layer.rpartition(" ")
        words = text.fit_chain(words, max(width - len(count) - 1, 0))
        rest = max(width - len(words) - len(count) - 1, 0)
        return [Piece("  " + words + " ", "quiet"), Piece(text.fit(count, width) + " " * rest, "strong")]

    def _rails(self, view: GraphView, line: Line, severity: Severity | None) -> list[Piece]:
        mark, part = self._mark(view, line, severity)
        lit = _lit_columns(view, line, self._lit)
        rails, column, width = line.rails, line.column, self.columns.rails
        if self.columns.is_dense:
            rails, column, lit = rails[::2], column // 2, {at // 2 for at in lit if at % 2 == 0}
        if column >= width:
            # Too many lanes for the room there is: the mark stands at the edge.
            column = max(width - 1, 0)
            rails = rails[:column] + "●"
        if len(rails) > width:
            rails = rails[: width - 1] + (text.ELLIPSIS if column < width - 1 else rails[width - 1])
        pieces: list[Piece] = []
        shown = rails.ljust(width)
        for at, drawn in enumerate(shown[:column] + mark + shown[column + 1 :]):
            style = part if at == column else "lit" if at in lit else "rail"
            if pieces and pieces[-1].part == style:
                pieces[-1] = Piece(pieces[-1].text + drawn, style)
            else:
                pieces.append(Piece(drawn, style))
        return pieces

    def _mark(self, view: GraphView, line: Line, severity: Severity | None) -> tuple[str, str]:
        if severity is not None:
            return MARKS[severity], severity.value
        lit = "lit" if line.at in self._lit.rows and not line.depth else ""
        if line.fold is not None:
            return _FOLDED, lit or ("accent" if self._outputs & set(line.fold.nodes) else "")
        if line.depth:
            graph = view.experiment.graph(line.model)
            return ("○" if graph.nodes[line.node].is_input else "●"), "quiet"
        if line.node in self._outputs:
            return "◉", "accent"
        return ("○", "accent") if view.graph.nodes[line.node].is_input else ("●", lit)


def _cell(words: str, width: int, *, middle: bool = False) -> str:
    return (text.fit_middle(words, width) if middle else text.fit(words, width)).ljust(width)


@functools.lru_cache(maxsize=4096)
def _shapes_and_dtypes(outputs: tuple[TensorReport, ...]) -> tuple[str, str]:
    """What the columns say of what a node returns: a graph has few shapes, and many nodes of each."""
    shapes = " ".join(text.shape_text(output.shape[1:]) for output in outputs)
    return shapes, " ".join(dict.fromkeys(output.dtype for output in outputs))


def _worst(marks: Mapping[str, Severity], nodes: Iterable[str]) -> Severity | None:
    found = {marks[node] for node in nodes if node in marks}
    return next((severity for severity in (Severity.ERROR, Severity.WARNING) if severity in found), None)


def _find_fold_name(fold: Fold) -> str:
    """What the names of a fold's nodes have in common, from the first repetition to the last one."""
    size = len(fold.pattern)
    first = _common(fold.nodes[:size]).rstrip("_.-")
    if len(first) <= 2:
        return fold.nodes[0] + text.ELLIPSIS
    last = _common(fold.nodes[-size:]).rstrip("_.-")
    return first + text.ELLIPSIS + last[len(_common((first, last))) :]


_fold_name = ByIdentity(_find_fold_name, most=5_000)


def _common(names: Sequence[str]) -> str:
    """What all names begin with."""
    first, last = min(names), max(names)
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((at for at, (one, other) in pairs if one != other), len(first))]


def _rails_width(rails: Iterable[str], width: int) -> tuple[int, bool]:
    """How wide the rails may be, and whether they only have that room with one place a lane."""
    natural = max(map(len, rails), default=0)
    most = max(width // 4, 7)
    if natural <= most:
        return natural, False
    return min((natural + 1) // 2, most), True


def _lit(view: GraphView) -> Lit:
    row = view.picture.row_of.get(view.selected)
    if row is None or view.picture.lines[row].depth:
        return Lit()
    at = view.picture.lines[row].at
    rails = view.picture.layout.edges_of(at)
    ends = {end for rail in rails for end in (rail.source, *rail.takers)}
    return Lit(rails, frozenset(ends - {at}))


def _lit_columns(view: GraphView, line: Line, lit: Lit) -> set[int]:
    if not lit.rails:
        return set()
    if line.depth:
        return {2 * rail.lane for rail in lit.rails if rail.source <= line.at < rail.takers[-1]}
    return set(view.picture.layout.columns(lit.rails, line.at))
