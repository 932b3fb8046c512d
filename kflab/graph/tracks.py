"""The tracks of a graph: which nodes stand below each other in a line, and which lane each line has.

Nodes that follow each other straight share a track. A value that more than one node takes is carried to the
others by a track of its own, beside the one that goes straight on. Tracks get their lanes the shorter-lived
ones first and nearest to what they leave and join, so that a block keeps its lanes whatever runs past it.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

_MUCH_FURTHER = 3
"""By how many rows a branch is longer than the first that is taken, to be the one that goes straight on."""


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
