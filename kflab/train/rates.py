"""What a LearningRateScheduler of a document says: a table of rates, or a named schedule over the epochs."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping, Sequence

from kflab.errors import UnusableInputError
from kflab.values import Value

Rate = Callable[[int, float], float]
"""Given an epoch counted from 0, as Keras does, and the rate at hand: the rate of that epoch."""

_EXPECTED = (
    "expected a table of rates by epoch, such as {1: 1e-3, 5: 1e-4}, or a schedule such as "
    "{ExponentialDecay: {initial_learning_rate: 1e-3, decay_steps: 10, decay_rate: 0.5}}"
)


def as_table(value: Value) -> Mapping[int, float] | None:
    """The table that a document gives, epochs counted from 1; None when it is no table.

    It is written as a mapping from epoch to rate, or as a list of pairs.

    Raises:
        UnusableInputError: it is a table, but holds something else than epochs and rates.
    """
    if isinstance(value, Mapping) and value and all(str(key).strip().isdigit() for key in value):
        pairs: list[tuple[Value, Value]] = [(int(str(key)), rate) for key, rate in value.items()]
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        if not all(
            isinstance(pair, Sequence) and not isinstance(pair, str) and len(pair) == 2 for pair in value
        ):
            raise UnusableInputError(_EXPECTED)
        pairs = [(pair[0], pair[1]) for pair in value if isinstance(pair, Sequence)]
    else:
        return None
    table: dict[int, float] = {}
    for epoch, rate in pairs:
        if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 1:
            raise UnusableInputError(f"epochs are counted from 1, got {epoch!r}; {_EXPECTED}")
        if not isinstance(rate, int | float) or isinstance(rate, bool) or not rate >= 0:
            raise UnusableInputError(f"expected a rate of 0 or more for epoch {epoch}, got {rate!r}")
        table[epoch] = float(rate)
    return table


def from_table(table: Mapping[int, float]) -> Rate:
    """Each rate holds from its epoch on, until the next one; before the first, the optimizer's own."""
    epochs = sorted(table)

    def rate(epoch: int, current: float) -> float:
        index = bisect.bisect_right(epochs, epoch + 1) - 1
        return table[epochs[index]] if index >= 0 else current

    return rate


def from_schedule(schedule: Callable[[int], object]) -> Rate:
    """A Keras schedule, with epochs for its steps: the first epoch is step 0."""

    def rate(epoch: int, _current: float) -> float:
        return float(schedule(epoch))  # type: ignore[arg-type]

    return rate


def expected(value: Value) -> str:
    """What is wrong with a value that is neither a table nor a schedule."""
    return f"{_EXPECTED}; got {value!r}"
