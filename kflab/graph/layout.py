"""Where each node of a graph stands on the screen: one row a node, rails to what feeds it.

The rows run along the branches: a chain is not left before it has to wait for another one. Nodes that follow
each other straight share a track. A value that more than one node takes is carried to the others by a track
of its own, beside the one that goes straight on. Tracks get their lanes the shorter-lived ones first and
nearest to the main path, so that a block keeps its lanes whatever runs past it.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from kflab.graph.memo import ByIdentity, Recent
from kflab.graph.nodes import Graph, Node, Share
from kflab.graph.order import prerequisites

NODE = "●"
"""What stands for the node itself among the rails; a screen may put another mark in its place."""

_MUCH_FURTHER = 3
"""By how many rows a branch is longer than the first that is taken, to be the one that goes straight on."""

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


class Tracks:
    """The tracks of rows that feed each other: nodes that follow each other straight stand on the same one.

    Attributes:
        track_of: the track that each row stands on.
    """

    def __init__(self, fed_by: Sequence[Sequence[int]]) -> None:
        self._takers: list[list[int]] = [[] for _ in fed_by]
        for row, sources in enumerate(fed_by):
            for source in sources:
                self._takers[source].append(row)
        self.track_of: list[int] = []
        self._straight = self._choose_straight()
        self._aside: dict[
            int, int
        ] = {}  # the track that carries the value of a row past who goes straight on
        self._starts: list[int] = []
        self._is_aside: list[bool] = []
        for row, sources in enumerate(fed_by):
            self.track_of.append(self._choose(row, sources))

    def _choose_straight(self) -> list[int]:
        """Who goes straight on from each row: the first to take it, or one that leads much further."""
        further = [0] * len(self._takers)
        straight = [-1] * len(self._takers)
        for row in reversed(range(len(self._takers))):
            for taker in self._takers[row]:
                further[row] = max(further[row], further[taker] + 1)
                if straight[row] < 0 or further[taker] - further[straight[row]] >= _MUCH_FURTHER:
                    straight[row] = taker
        return straight

    def _choose(self, row: int, sources: Sequence[int]) -> int:
        best: tuple[int, int, int] | None = None
        for source in sources:
            track = self._stand(row, source)
            if track is not None:
                found = (self._starts[track], track, source)
                best = min(best, found) if best else found
        if best is None:
            return self._open(row, is_aside=False)
        _, track, source = best
        takers = self._takers[source]
        if source not in self._aside and row != takers[-1]:
            self._aside[source] = self._open(source, is_aside=True)
        return track

    def _stand(self, row: int, source: int) -> int | None:
        """The track of a value that a row could stand on: it goes straight on, or is the last to take it."""
        takers, straight = self._takers[source], self._straight[source]
        if row == takers[0] != straight:
            self._aside[source] = self._open(source, is_aside=True)
        aside = self._aside.get(source)
        if aside is None:
            return self.track_of[source] if row in {takers[0], takers[-1]} else None
        if row == straight:
            return self.track_of[source]
        others = takers[-2] if takers[-1] == straight else takers[-1]
        return aside if row == others else None

    def _open(self, row: int, *, is_aside: bool) -> int:
        self._starts.append(row)
        self._is_aside.append(is_aside)
        return len(self._starts) - 1

    def rails(self) -> list[tuple[int, int, list[int]]]:
        """Each value's rails: its row, the track, and who takes it there."""
        rails = []
        for row, takers in enumerate(self._takers):
            aside = self._aside.get(row)
            if aside is None:
                rails.append((row, self.track_of[row], takers))
            else:
                straight = self._straight[row]
                rails.append((row, self.track_of[row], [straight]))
                rails.append((row, aside, [taker for taker in takers if taker != straight]))
        return rails

    def lanes(self, heights: Sequence[int] = ()) -> list[int]:
        """The lane of each track; the first one is the main path and has lane 0.

        Args:
            heights: where each row stands, if several may stand side by side. None: each has a row of its
                own, and what ends there may not be mistaken for what begins there.
        """
        at = heights or range(len(self.track_of))
        inner = 1 if heights else 0
        spans = [
            [at[row] + (inner if aside else 0), at[row]]
            for row, aside in zip(self._starts, self._is_aside, strict=True)
        ]
        hosts: list[int | None] = [None] * len(spans)
        last = list(self._starts)
        for row, track in enumerate(self.track_of):
            spans[track][1] = max(spans[track][1], at[row])
            last[track] = max(last[track], row)
        for source, track, takers in self.rails():
            if track != self.track_of[source] and hosts[track] is None:
                hosts[track] = self.track_of[source]
            for row in takers:
                into = self.track_of[row]
                spans[track][1] = max(spans[track][1], at[row] - (0 if into == track else inner))
                last[track] = max(last[track], row)
                if self._starts[into] == row and hosts[into] is None:
                    hosts[into] = track
        for _, track, takers in self.rails():
            if takers and takers[-1] == last[track] and self.track_of[takers[-1]] != track:
                hosts[track] = self.track_of[takers[-1]]
        # A host is older than its guests.
        oldest = sorted(range(len(spans)), key=lambda track: (self._starts[track], track))
        return _place([(start, max(start, end)) for start, end in spans], hosts, self._is_aside, oldest)


def _place(
    spans: Sequence[tuple[int, int]],
    hosts: Sequence[int | None],
    is_aside: Sequence[bool],
    oldest: Sequence[int],
) -> list[int]:
    """A lane for each track: to the right of its host, and of what ends before it and begins there, too.

    Args:
        spans: the first and the last row of each track.
        hosts: the track that each ends in, or where it ends in none, that it comes from.
        is_aside: whether it does no more than to carry a value past what takes it first.
        oldest: the tracks, every host before its guests.
    """

    def rank(track: int) -> tuple[bool, int, bool, int]:
        start, end = spans[track]
        return track != 0, end, is_aside[track], -start if is_aside[track] else start

    guests: list[list[int]] = [[] for _ in spans]
    for track, host in enumerate(hosts):
        if host is not None:
            guests[host].append(track)
    lanes = [0] * len(spans)
    # What a track takes together with all its guests: for each of these tracks its lane, seen from the host.
    taken: list[list[tuple[int, int]]] = [[] for _ in spans]

    def settle(tracks: list[int], room: _Room, first: int) -> list[tuple[int, int]]:
        settled = []
        for track in sorted(tracks, key=rank):
            lane = first
            while not all(room.is_free(lane + at, *spans[one]) for one, at in taken[track]):
                lane += 1
            for one, at in taken[track]:
                room.take(lane + at, *spans[one])
                settled.append((one, lane + at))
        return settled

    for track in reversed(oldest):
        room = _Room()
        room.take(0, *spans[track])
        taken[track] = [(track, 0), *settle(guests[track], room, 1)]
    for track, lane in settle([track for track, host in enumerate(hosts) if host is None], _Room(), 0):
        lanes[track] = lane
    return lanes


class _Room:
    """Which rows of each lane are taken."""

    def __init__(self) -> None:
        self._taken: dict[int, list[tuple[int, int]]] = {}

    def take(self, lane: int, start: int, end: int) -> None:
        """Takes rows of a lane."""
        bisect.insort(self._taken.setdefault(lane, []), (start, end))

    def is_free(self, lane: int, start: int, end: int) -> bool:
        """Whether nothing in a lane stands in the same rows."""
        rows = self._taken.get(lane, [])
        # They are in order and apart: the last one that begins in time is the last one to end.
        before = bisect.bisect_left(rows, (end + 1, 0))
        return not before or rows[before - 1][1] < start


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
