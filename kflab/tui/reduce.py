"""Reduces a long curve to what a chart's pixel columns can show, without walking all of it again."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TypeAlias

Segment: TypeAlias = tuple[list[float], list[float]]
"""The xs and ys of an unbroken piece of a curve."""

BLOCK = 256
"""How many points one block of the index holds: small enough to scan at a column's edges, large enough that a
million points make a few thousand blocks."""

_UNSETTLED = 0.2
"""The part of an epoch whose batches are too few for a mean that says something."""


def _extent(values: Sequence[float]) -> tuple[float, float] | None:
    """The smallest and the largest of the finite values; nothing where there is none."""
    if not values:
        return None
    total = sum(values)
    if total - total != 0:  # a NaN or an infinity is among them, and min() and max() cannot be trusted
        values = [value for value in values if math.isfinite(value)]
        if not values:
            return None
    return min(values), max(values)


class Envelope:
    """An index over an append-only curve that answers "lowest and highest in this range" quickly.

    It refers to the sequences it is given and reads only what was appended since the last call, so that a
    redraw costs the same after a million points as after a thousand.

    Args:
        xs: where the points are, never falling.
        ys: their values; NaN is a gap.
    """

    def __init__(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        self.xs, self.ys = xs, ys
        self._blocks: list[tuple[float, float] | None] = []
        self._lowest = math.inf
        self._highest = -math.inf

    def __len__(self) -> int:
        return min(len(self.xs), len(self.ys))

    def bounds(self) -> tuple[float, float] | None:
        """The lowest and the highest value of the whole curve, gaps left out."""
        self._index()
        tail = _extent(self.ys[len(self._blocks) * BLOCK : len(self)])
        lowest = min(self._lowest, tail[0]) if tail else self._lowest
        highest = max(self._highest, tail[1]) if tail else self._highest
        return (lowest, highest) if lowest <= highest else None

    def reduce(self, low: float, high: float, columns: int) -> list[Segment]:
        """The curve between x `low` and x `high`, at most two points for each of `columns` equal columns.

        Where a column holds more points, it gets their lowest and their highest value: a spike is never lost.
        A gap ends a segment unless its column also holds values.
        """
        if columns < 1 or not high > low or not len(self):
            return []
        self._index()
        first = bisect_left(self.xs, low, 0, len(self))
        last = bisect_right(self.xs, high, 0, len(self))
        if last - first <= 2 * columns:
            return _segments(self.xs[first:last], self.ys[first:last])
        width = (high - low) / columns
        segments: list[Segment] = []
        xs: list[float] = []
        ys: list[float] = []
        start = first
        for column in range(columns):
            edge = low + (column + 1) * width
            stop = last if column == columns - 1 else bisect_left(self.xs, edge, start, last)
            if stop == start:
                continue
            extent = self._extent_of(start, stop)
            start = stop
            if extent is None:
                if xs:
                    segments.append((xs, ys))
                    xs, ys = [], []
                continue
            lowest, highest = extent
            middle = edge - width / 2
            # The value nearer to the last one comes first: the line then runs on instead of crossing back.
            rising = not ys or abs(ys[-1] - lowest) <= abs(ys[-1] - highest)
            for value in dict.fromkeys((lowest, highest) if rising else (highest, lowest)):
                xs.append(middle)
                ys.append(value)
        if xs:
            segments.append((xs, ys))
        return segments

    def _index(self) -> None:
        """Takes in the blocks that were completed since the last call."""
        ys, blocks = self.ys, self._blocks
        for start in range(len(blocks) * BLOCK, len(self) - BLOCK + 1, BLOCK):
            extent = _extent(ys[start : start + BLOCK])
            blocks.append(extent)
            if extent:
                self._lowest = min(self._lowest, extent[0])
                self._highest = max(self._highest, extent[1])

    def _extent_of(self, start: int, stop: int) -> tuple[float, float] | None:
        """The extent of the points from `start` to `stop`, whole blocks of them by the index."""
        head, tail = -(-start // BLOCK), min(stop // BLOCK, len(self._blocks))
        if head >= tail:
            return _extent(self.ys[start:stop])
        extents = [
            extent
            for extent in (
                _extent(self.ys[start : head * BLOCK]),
                *self._blocks[head:tail],
                _extent(self.ys[tail * BLOCK : stop]),
            )
            if extent
        ]
        if not extents:
            return None
        return min(extent[0] for extent in extents), max(extent[1] for extent in extents)


class Settled:
    """The means of an epoch's batches without those over its first few, which jump.

    The first epoch keeps all. It follows append-only points, x in epochs, and takes in only what was appended
    since the last call.
    """

    def __init__(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        self._from_xs, self._from_ys = xs, ys
        self._seen = 0
        self._xs, self._ys = array("d"), array("d")
        self.envelope = Envelope(self._xs, self._ys)

    def follows(self, xs: Sequence[float], ys: Sequence[float]) -> bool:
        """Whether it follows these very points."""
        return self._from_xs is xs and self._from_ys is ys

    def update(self) -> Envelope:
        """Takes in what is new."""
        end = min(len(self._from_xs), len(self._from_ys))
        for index in range(self._seen, end):
            x = self._from_xs[index]
            if x <= 1 or not 0 < x % 1 < _UNSETTLED:
                self._xs.append(x)
                self._ys.append(self._from_ys[index])
        self._seen = end
        return self.envelope


def _segments(xs: Sequence[float], ys: Sequence[float]) -> list[Segment]:
    """The points as they are, cut at gaps."""
    segments: list[Segment] = []
    part: Segment = ([], [])
    for x, y in zip(xs, ys, strict=True):
        if math.isfinite(y):
            part[0].append(x)
            part[1].append(y)
        elif part[0]:
            segments.append(part)
            part = ([], [])
    return [*segments, part] if part[0] else segments
