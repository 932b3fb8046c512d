"""Mending an experiment: fix after fix, until none is left that may be applied."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from kflab.diagnose.findings import Finding
from kflab.diagnose.fixes import Fix
from kflab.diagnose.fixing import apply
from kflab.errors import KflabError
from kflab.experiment import Experiment

MOST = 1000
"""How many fixes are applied at most: a document has no more mistakes that a program could mend."""


class Mended(msgspec.Struct, frozen=True):
    """What became of an experiment.

    Attributes:
        experiment: the experiment with all that was applied.
        findings: what is left.
        applied: what was mended, in order; each with its fix.
    """

    experiment: Experiment
    findings: tuple[Finding, ...]
    applied: tuple[Finding, ...] = ()


def mend(
    experiment: Experiment,
    look: Callable[[Experiment], tuple[Finding, ...]],
    *,
    unsafe: bool = False,
) -> Mended:
    """Apply fixes one after the other and look again after each.

    Args:
        experiment: what is mended.
        look: finds what is wrong.
        unsafe: also apply those that change more than what is wrong.
    """
    applied: list[Finding] = []
    tried: set[bytes] = set()
    findings = look(experiment)
    while len(applied) < MOST:
        step = _next(experiment, findings, tried, unsafe=unsafe)
        if step is None:
            break
        found, experiment = step
        applied.append(found)
        findings = look(experiment)
    return Mended(experiment, findings, tuple(applied))


def _next(
    experiment: Experiment, findings: tuple[Finding, ...], tried: set[bytes], *, unsafe: bool
) -> tuple[Finding, Experiment] | None:
    """The first finding whose fix changes something, and what that makes of the experiment."""
    for found in findings:
        if found.fix is None or not may_apply(found.fix, unsafe=unsafe):
            continue
        # The same fix for the same finding a second time would go round in a circle.
        key = msgspec.msgpack.encode((found.code, found.graph, found.node, found.path, found.fix))
        if key in tried:
            continue
        tried.add(key)
        try:
            fixed = apply(experiment, found.fix)
        except KflabError:
            continue  # it no longer fits; the finding stays and tells what is wrong
        if fixed != experiment:
            return found, fixed
    return None


def may_apply(fix: Fix, *, unsafe: bool) -> bool:
    """Whether a fix is one of those that are asked for."""
    return fix.safe or unsafe
