"""What curves say, told so that it is the same for a loss in any unit: in shares, and against the noise."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Fall(NamedTuple):
    """A curve of a loss, smoothed, as far as it has numbers.

    Attributes:
        ys: its values, each the median of its neighbours.
        raw: its values as they are.
        places: the index of each in the curve it was made of.
        noise: how far neighbours jump up and down around the trend.
    """

    ys: tuple[float, ...]
    raw: tuple[float, ...]
    places: tuple[int, ...]
    noise: float

    @property
    def best(self) -> int:
        """The index of the lowest smoothed value."""
        return min(range(len(self.ys)), key=lambda index: self.ys[index])

    @property
    def whole(self) -> float:
        """How far it fell from its first to its lowest value."""
        return max(self.raw[0] - min(self.ys), 0.0)

    def tail(self, share: float = 0.25, least: int = 2) -> tuple[float, ...]:
        """The values of the last part of it."""
        return self.ys[-max(least, math.ceil(len(self.ys) * share)) :]


def fall_of(values: Sequence[float]) -> Fall | None:
    """The curve of a loss without its gaps; None where less than two values are numbers."""
    known = [(index, value) for index, value in enumerate(values) if math.isfinite(value)]
    if len(known) < 2:
        return None
    raw = tuple(value for _, value in known)
    return Fall(_smooth(raw), raw, tuple(index for index, _ in known), noise_of(raw))


def _smooth(values: Sequence[float]) -> tuple[float, ...]:
    """The median of each value and its neighbours; the ends have fewer, and two values have none."""
    if len(values) < 5:
        return tuple(values)
    reach = max(1, len(values) // 12)
    return tuple(
        statistics.median(values[max(0, index - reach) : index + reach + 1]) for index in range(len(values))
    )


def noise_of(values: Sequence[float]) -> float:
    """How far values jump from the line between their neighbours: a curve that only bends hardly does."""
    if len(values) < 4:
        return 0.0
    bends = [abs(values[i - 1] - 2 * values[i] + values[i + 1]) for i in range(1, len(values) - 1)]
    later = bends[len(bends) // 3 :]  # where a loss falls steeply, the bend is no noise
    return statistics.median(later) / math.sqrt(6) * 1.48


def share(part: float, whole: float) -> float:
    """A part of a whole; infinite where there is no whole."""
    if whole > 0:
        return part / whole
    return math.inf if part > 0 else 0.0


def number(value: float) -> str:
    """A number in a sentence: four places that count."""
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    return f"{value:.3g}" if abs(value) >= 1000 or abs(value) < 0.001 else f"{value:.4g}"
