"""How many steps are given to the device at once: many where they are short, so that Python keeps up."""

from __future__ import annotations

SECONDS = 0.1
"""How long a group of steps takes at most: so often there are events, and requests are heeded."""

MOST = 1024
"""Steps in a group at most."""


class Grouping:
    """Chooses the length of each group of steps from how long those before took.

    Args:
        fixed: the steps of every group; None has them measured.
        most: the steps of a group at most.
        start: the steps of the first group, where it is known how long they take.
    """

    def __init__(self, fixed: int | None = None, most: int = MOST, *, start: int = 1) -> None:
        self._fixed = fixed
        self._size = fixed or min(start, most)
        self._most = most

    @property
    def size(self) -> int:
        """The steps of the next group, where nothing ends it earlier."""
        return self._size

    def again(self) -> Grouping:
        """One that begins as this one is now, and learns of other steps."""
        return Grouping(self._fixed, self._most, start=self._size)

    def took(self, steps: int, seconds: float) -> None:
        """Learns from a group of so many steps; it grows to twice its size at most, as the first is slow."""
        if self._fixed is None and steps:
            fitting = int(SECONDS / max(seconds / steps, 1e-9))
            self._size = max(1, min(fitting, 2 * max(steps, self._size), self._most))
