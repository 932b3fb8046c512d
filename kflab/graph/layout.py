"""Where each node of a graph stands on the screen: one row a node, rails to what feeds it.

A lane carries the value of one node downwards until its last consumer has taken it, so a node with many
consumers needs one lane and not one an edge. A node stands on the lane of an input that ends with it, or
opens a lane of its own to the right of its first input.
"""

from __future__ import annotations

import msgspec

from kflab.graph.nodes import Graph
from kflab.graph.order import consumers, topological

NODE = "●"
"""What stands for the node itself among the rails; a screen may put another mark in its place."""


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


def lay_out(graph: Graph) -> tuple[Row, ...]:
    """The rows of a graph in topological order."""
    lanes = _Lanes(graph)
    return tuple(lanes.place(name) for name in topological(graph))


class _Lanes:
    """The lanes as they stand after the nodes placed so far."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._waiting = {name: set(fed) for name, fed in consumers(graph).items()}
        self._lane: dict[str, int] = {}
        self._held: list[str] = []  # what each lane carries; "" is a free lane

    def place(self, name: str) -> Row:
        sources = [source for source in self._graph.nodes[name].sources() if source in self._lane]
        for source in sources:
            self._waiting[source].discard(name)
        ending = [source for source in sources if not self._waiting[source]]
        lane = self._choose(sources, ending)
        rails = self._draw(lane, sources, ending)
        for source in ending:
            self._held[self._lane.pop(source)] = ""
        self._set(lane, name if self._waiting[name] else "")
        if self._waiting[name]:
            self._lane[name] = lane
        while self._held and not self._held[-1]:
            self._held.pop()
        return Row(name, lane, rails)

    def _choose(self, sources: list[str], ending: list[str]) -> int:
        if ending:
            return min(self._lane[source] for source in ending)
        beside = self._lane[sources[0]] + 1 if sources else 0
        free = (index for index in range(beside, len(self._held)) if not self._held[index])
        return next(free, len(self._held))

    def _set(self, lane: int, name: str) -> None:
        self._held.extend([""] * (lane + 1 - len(self._held)))
        self._held[lane] = name

    def _draw(self, lane: int, sources: list[str], ending: list[str]) -> str:
        width = max(len(self._held), lane + 1)
        cells = [" "] * (2 * width - 1)
        for index, held in enumerate(self._held):
            if held:
                cells[2 * index] = "│"
        joined = {self._lane[source]: source for source in sources if self._lane[source] != lane}
        reach = [lane, *joined]
        first, last = min(reach), max(reach)
        for index in range(first, last):
            cells[2 * index + 1] = "─"
        for index in range(first, last + 1):
            if index not in joined:
                # A lane that is only crossed stays whole: a break in the horizontal tells it from a join.
                cells[2 * index] = "─" if cells[2 * index] == " " else cells[2 * index]
                continue
            ends = joined[index] in ending
            outermost = index in {first, last}
            if index < lane:
                cells[2 * index] = ("╰" if ends else "├") if outermost else ("┴" if ends else "┼")
            else:
                cells[2 * index] = ("╯" if ends else "┤") if outermost else ("┴" if ends else "┼")
        cells[2 * lane] = NODE
        return "".join(cells).rstrip()
