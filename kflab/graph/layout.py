"""Where each node of a graph stands on the screen: one row a node, rails to what feeds it.

The rows run along the branches: a chain is not left before it has to wait for another one. Each row stands
on the lane of its track, and rails lead from there to what takes its value.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from kflab.graph.memo import ByIdentity, Recent
from kflab.graph.nodes import Graph, Node, Share
from kflab.graph.order import prerequisites
from kflab.graph.tracks import Tracks

NODE = "●"
"""What stands for the node itself among the rails; a screen may put another mark in its place."""

_JOINTS = {
    # (comes from above, goes on below, reaches to the left, reaches to the right)
    (True, False, True, False): "╯",
    (True, False, False, True): "╰",
    (True, False, True, True): "┴",
    (False, True, True, False): "╮",
    (False, True, False, True): "╭",
    (False, True, True, True): "┬",
    (True, True, True, False): "┤",
    (True, True, False, True): "├",
    (True, True, True, True): "┼",
}


class Row(msgspec.Struct, frozen=True):
    """One node and the rails beside it.

    Attributes:
        name: the node.
        lane: its lane, counted from 0; it stands at column `2 * lane` of `rails`.
        rails: the row's rails, without blanks at the end.
    """

    name: str
    lane: int
    rails: str


class Rail(msgspec.Struct, frozen=True):
    """What carries the value of one node down a lane.

    Attributes:
        source: the row of the node.
        lane: the lane; another than the node's where the value is also carried straight on.
        takers: the rows of the nodes that take the value from it, from top to bottom.
    """

    source: int
    lane: int
    takers: tuple[int, ...]


class Layout(msgspec.Struct, frozen=True):
    """The rows of a graph, and the rails that run through them."""

    rows: tuple[Row, ...] = ()
    rails: tuple[Rail, ...] = ()

    def edges_of(self, row: int) -> tuple[Rail, ...]:
        """The rails between a row and its inputs and consumers, and no further."""
        return tuple(
            rail if rail.source == row else Rail(rail.source, rail.lane, (row,))
            for rail in self.rails
            if rail.source == row or row in rail.takers
        )

    def columns(self, rails: Iterable[Rail], row: int) -> frozenset[int]:
        """The columns of a row that show some rails, the nodes at their ends included."""
        found: set[int] = set()
        for rail in rails:
            if row == rail.source or row in rail.takers:
                ends = sorted((2 * self.rows[row].lane, 2 * rail.lane))
                found.update(range(ends[0], ends[1] + 1))
            elif rail.source < row < rail.takers[-1]:
                found.add(2 * rail.lane)
        return frozenset(found)

    def below(self, row: int) -> tuple[int, ...]:
        """The lanes that lead from a row or from above it to rows below."""
        return tuple(sorted({rail.lane for rail in self.rails if rail.source <= row < rail.takers[-1]}))


class Wiring(msgspec.Struct, frozen=True):
    """Who feeds whom in a graph.

    Attributes:
        order: the nodes as they stand from top to bottom.
        sources: what feeds each node, each once.
    """

    order: tuple[str, ...]
    sources: Mapping[str, tuple[str, ...]]


def lay_out(graph: Graph) -> tuple[Row, ...]:
    """The rows of a graph, each after all that feed it."""
    wiring = wiring_of(graph)
    return arrange(wiring.order, wiring.sources).rows


def reading_order(graph: Graph) -> tuple[str, ...]:
    """Every node after all that feed it, a chain in one piece, and otherwise in the order of the document.

    Nodes on a cycle come last, in the order of the document, so that a broken graph can be shown.
    """
    return wiring_of(graph).order


def _wire(graph: Graph) -> Wiring:
    sources = {name: _sources_of(node) for name, node in graph.nodes.items()}
    needed = tuple(
        (name, prerequisites(graph, name) if isinstance(node.target, Share) else sources[name])
        for name, node in graph.nodes.items()
    )
    return Wiring(_ordered(needed), sources)


wiring_of = Recent(_wire)
"""Who feeds whom in a graph, and the order of its rows."""

_sources_of = ByIdentity(Node.sources)


@functools.lru_cache(maxsize=32)
def _ordered(needed: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[str, ...]:
    followers: dict[str, list[str]] = {name: [] for name, _ in needed}
    waiting: dict[str, int] = {}
    for name, sources in needed:
        there = [source for source in sources if source in followers]
        waiting[name] = len(there)
        for source in there:
            followers[source].append(name)
    ready = [name for name, _ in reversed(needed) if not waiting[name]]
    order: list[str] = []
    while ready:
        name = ready.pop()
        order.append(name)
        for follower in reversed(followers[name]):
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    if len(order) < len(needed):
        done = set(order)
        order += [name for name, _ in needed if name not in done]
    return tuple(order)


def arrange(names: Sequence[str], sources: Mapping[str, Sequence[str]]) -> Layout:
    """The rows of anything that feeds each other.

    Args:
        names: what gets a row, from top to bottom.
        sources: what feeds each; what is no name above it is left out.
    """
    row_of = {name: row for row, name in enumerate(names)}
    fed_by = tuple(
        tuple(row_of[source] for source in dict.fromkeys(sources[name]) if row_of.get(source, row) < row)
        for row, name in enumerate(names)
    )
    return _arranged(tuple(names), fed_by)


@functools.lru_cache(maxsize=32)
def _arranged(names: tuple[str, ...], fed_by: tuple[tuple[int, ...], ...]) -> Layout:
    tracks = Tracks(fed_by)
    lanes = tracks.lanes()
    rails = tuple(
        Rail(source, lanes[track], tuple(takers)) for source, track, takers in tracks.rails() if takers
    )
    standing = [lanes[track] for track in tracks.track_of]
    drawn = _draw(standing, rails)
    rows = tuple(Row(name, standing[row], drawn[row]) for row, name in enumerate(names))
    return Layout(rows, rails)


def _draw(standing: Sequence[int], rails: Sequence[Rail]) -> list[str]:
    """The rails of each row as text."""
    widest = 2 * max((*standing, *(rail.lane for rail in rails)), default=0) + 1
    cells = [[" "] * widest for _ in standing]
    joints: list[dict[int, tuple[bool, bool]]] = [{} for _ in standing]
    for rail in rails:
        column = 2 * rail.lane
        for row in range(rail.source + 1, rail.takers[-1]):
            cells[row][column] = "│"
        if rail.lane != standing[rail.source]:
            joints[rail.source][column] = (False, True)
        for row in rail.takers:
            if rail.lane != standing[row]:
                joints[row][column] = (True, row != rail.takers[-1])
    for row, lane in enumerate(standing):
        _join(cells[row], 2 * lane, joints[row])
        cells[row][2 * lane] = NODE
    return ["".join(line).rstrip() for line in cells]


def _join(line: list[str], own: int, joined: Mapping[int, tuple[bool, bool]]) -> None:
    """Draws what reaches from a node to other lanes; each joint comes from above or goes on below."""
    if not joined:
        return
    first, last = min(own, *joined), max(own, *joined)
    for column in range(first, last + 1):
        # A lane that is only crossed stays whole: a break in the horizontal tells it from a joint.
        if column in joined:
            line[column] = _JOINTS[(*joined[column], column > first, column < last)]
        elif line[column] == " ":
            line[column] = "─"
