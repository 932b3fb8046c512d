"""The rule on targets that the output can not give."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kflab.catalog.dataset_types import ArrayInfo, TargetKind
from kflab.diagnose.endings import LINEAR, Range
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix
from kflab.diagnose.heads import softmax_size
from kflab.diagnose.held import NUMBER_LOSSES, Held, about, held_outputs, seen
from kflab.diagnose.rules.rule import rule

RELU = "relu"

_RATES = frozenset({"Poisson", "MeanSquaredLogarithmicError"})
_SLACK = 0.05  # noise may lead a little out of what can be reached


@rule("KF032", "targets-out-of-reach", Severity.ERROR)
def out_of_reach(facts: Facts) -> Iterator[Finding]:
    """The targets are numbers that the activation of the output can not give.

    A sigmoid gives 0 to 1, tanh -1 to 1, relu nothing below 0. Held against a price of 300,000 the output
    goes to its end and stays there, and no weight changes any more. A relu on the last layer has a second
    danger: a unit that gives 0 for every sample gets no gradient, and gives 0 for good.

    Example, where the target of `diabetes` reaches from 25 to 346:

        progression: {Dense: {units: 1, activation: sigmoid}, from: hidden}

    Use instead:

        progression: {Dense: {units: 1}, from: hidden}
    """
    for held in held_outputs(facts):
        if held.loss is None or held.ending is None or held.target is None:
            continue
        if held.labels is not None and held.labels.kind is not TargetKind.VALUES:
            continue
        if held.loss_name in NUMBER_LOSSES:
            continue  # numbers of classes are not what the units give
        if softmax_size(facts, held.ending) == 1:
            continue  # what is wrong there is that it always gives the same
        reached = held.ending.range
        found = _wanted(facts, held)
        severity = _severity(reached, *found) if found is not None else None
        if severity is not None and found is not None:
            yield about(
                facts,
                held,
                f"{held.target.name!r} reaches from {found[0]:,.4g} to {found[1]:,.4g}, but "
                f"{held.ending.activation} gives {_range_text(reached)}; numbers that are to be "
                "predicted want no activation",
                _linear(held),
                severity,
            )
        elif held.ending.activation == RELU and _is_number(held) and held.loss_name not in _RATES:
            yield about(
                facts,
                held,
                "a relu on an output for numbers: where it gives 0 for every sample it has no gradient, and "
                "stays at 0; use no activation, or softplus for numbers above 0",
                _linear(held),
                Severity.WARNING,
            )


def _is_number(held: Held) -> bool:
    return held.labels is not None and held.labels.kind is TargetKind.VALUES and held.units == 1


def _linear(held: Held) -> Fix | None:
    step = held.ending.becomes(LINEAR) if held.ending is not None else None
    return Fix("take the activation away", (step,)) if step is not None else None


def _wanted(facts: Facts, held: Held) -> tuple[float, float, float | None] | None:
    """The least and the greatest value of a target, and its mean where that is known."""
    profile = seen(facts, held.target)
    if profile is not None and profile.low is not None and profile.high is not None:
        return profile.low, profile.high, profile.mean
    target = held.target
    if isinstance(target, ArrayInfo) and target.low is not None and target.high is not None:
        return target.low, target.high, None
    return None


def _severity(reached: Range, low: float, high: float, mean: float | None) -> Severity | None:
    """How bad it is that some values are out of reach: an error where the mean is, too."""
    if low >= reached[0] - _SLACK and high <= reached[1] + _SLACK:
        return None
    is_far = mean is not None and not reached[0] <= mean <= reached[1]
    return Severity.ERROR if is_far else Severity.WARNING


def _range_text(reached: Range) -> str:
    low, high = reached
    if math.isinf(high):
        return f"nothing below {low:g}"
    return f"nothing above {high:g}" if math.isinf(low) else f"{low:g} to {high:g}"
