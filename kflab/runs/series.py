"""A line of a chart: points in the order of x, as many as memory allows."""

from __future__ import annotations

import bisect
import math
from array import array


class Series:
    """Points (x, y) that only grow; NaN is a gap.

    Args:
        most: how many points are kept at most; 0 keeps all. When there would be more, every other one goes,
            and from then on only every other new one is kept, so that the density stays even.

    Attributes:
        xs: the x of each point.
        ys: the y of each point.
    """

    def __init__(self, most: int = 0) -> None:
        self.xs = array("d")
        self.ys = array("d")
        self._most = most
        self._stride = 1
        self._left_out = 0
        self._gap = False

    def append(self, x: float, y: float | None) -> None:
        """Adds a point to the right of all others; None is a gap."""
        value = math.nan if y is None else y
        self._gap = self._gap or math.isnan(value)
        self._left_out += 1
        if self._left_out < self._stride:
            return
        self.xs.append(x)
        self.ys.append(math.nan if self._gap else value)
        self._left_out, self._gap = 0, False
        if self._most and len(self.xs) > self._most:
            self._halve()

    def cut(self, x: float) -> None:
        """Drops every point to the right of `x`: what a run that goes on from there did before."""
        keep = bisect.bisect_right(self.xs, x)
        del self.xs[keep:]
        del self.ys[keep:]
        self._left_out, self._gap = 0, False

    def _halve(self) -> None:
        # The later one of each pair stays, and a gap in either one stays a gap: a loss that became NaN shows.
        start = len(self.xs) % 2
        pairs = range(start, len(self.xs), 2)
        ys = array("d", self.ys[:start])
        ys.extend(math.nan if math.isnan(self.ys[i]) else self.ys[i + 1] for i in pairs)
        self.xs = self.xs[:start] + self.xs[start + 1 :: 2]
        self.ys = ys
        self._stride *= 2

    @property
    def last(self) -> float | None:
        """The y of the last point; None without points and for a gap."""
        return None if not self.ys or math.isnan(self.ys[-1]) else self.ys[-1]

    def __len__(self) -> int:
        return len(self.xs)

    def __bool__(self) -> bool:
        return len(self.xs) > 0
