"""Axes that grow in steps: limits and ticks at round numbers, so that nothing jumps as values arrive."""

from __future__ import annotations

import math
from typing import NamedTuple

STEPS = (1.0, 2.0, 5.0, 10.0)


class Axis(NamedTuple):
    """One axis: where it begins and ends, and the ticks with their labels.

    On a logarithmic axis all positions are powers of ten's exponents.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]


def round_step(span: float, most: int) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that divides `span` into at most `most` parts."""
    rough = span / max(1, most)
    if not rough > 0 or not math.isfinite(rough):
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    if power == 0:
        return 1.0
    return next(power * step for step in STEPS if power * step >= rough * (1 - 1e-9))


def value_axis(low: float, high: float, most: int, before: Axis | None = None) -> Axis:
    """A linear axis that holds `low` to `high` with at most about `most` steps.

    Args:
        low: the lowest value to show.
        high: the highest value to show.
        most: how many steps there is room for.
        before: the axis as it was; it is kept while the values fit, and only ever widened.
    """
    if before and before.low <= low and high <= before.high and len(before.ticks) <= most + 2:
        return before
    if before:
        low, high = min(low, before.low), max(high, before.high)
    if 0 <= low <= high / 2:
        low = 0.0
    span = high - low
    smallest = max(abs(low), abs(high), 1e-30) * 1e-6
    if span <= smallest:
        pad = max(abs(high) * 0.05, smallest) or 0.5
        low, high = low - pad, high + pad
        span = high - low
    step = round_step(span, most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    positions = tuple(index * step for index in range(first, last + 1))
    return Axis(positions[0], positions[-1], positions, tuple(tick_label(tick, step) for tick in positions))


def log_axis(low: float, high: float, most: int) -> Axis:
    """A logarithmic axis, base ten, over whole decades that hold `low` to `high`; both must be positive."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = max(last, first + 1)
    every = max(1, math.ceil((last - first) / max(1, most)))
    exponents = tuple(range(first, last + 1, every))
    labels = tuple(
        f"{10.0**exponent:g}" if -4 <= exponent <= 4 else f"1e{exponent}" for exponent in exponents
    )
    return Axis(float(first), float(last), tuple(map(float, exponents)), labels)


def epoch_axis(reached: float, total: int, columns: int, *, ended: bool) -> Axis:
    """The axis of epochs, from 0.

    It spans the whole run where each epoch has a column of its own; a longer run's axis grows in round steps.
    That of a run that ended stops where the run did.

    Args:
        reached: how far the curve goes, in epochs.
        total: how many epochs were asked for; 0 where that is not known.
        columns: how many columns the plot has.
        ended: whether no more can come.
    """
    whole = max(1, math.ceil(reached - 1e-9))
    if ended:
        last = whole
    elif 0 < total <= columns:
        last = max(total, whole)
    else:
        room = max(10, columns // 2)
        power = 10 ** math.floor(math.log10(max(whole, room)))
        last = next(int(power * step) for step in (*STEPS, 20.0) if power * step >= max(whole, room))
        last = max(min(last, total), whole) if total else last
    step = max(1, round(round_step(last, max(1, columns // 10))))
    ticks = tuple(float(tick) for tick in range(0, last + 1, step))
    return Axis(0.0, float(last), ticks, tuple(short_count(round(tick)) for tick in ticks))


def tick_label(value: float, step: float) -> str:
    """A tick with the decimals that its step calls for: `0.25`, `1200`, `2.5e-05`."""
    if value and not 1e-4 <= max(abs(value), step) < 1e6:
        return _exponent(f"{value:.3g}")
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if decimals > 5:
        return _exponent(f"{value:.3g}")
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if not value else text


def short_count(count: int) -> str:
    """A count in at most four letters: `950`, `20k`, `1.5M`."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if count >= size:
            unit = 1000 if letter == "k" else size
            return f"{count / unit:.3g}{letter}"
    return str(count)


def short_number(value: float) -> str:
    """A measured value in about six columns, with the same decimals near the same size: `0.2113`, `12.50`."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if value and (size < 1e-3 or size >= 1e6):
        return _exponent(f"{value:.2e}")
    return f"{value:.{4 if size < 10 else 2 if size < 1000 else 0}f}"


def _exponent(text: str) -> str:
    """The number without the letters that an exponent does not need: `2e-5` for `2e-05`."""
    return text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
