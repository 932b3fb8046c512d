"""The rule on runs that can not be repeated."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.rules.rule import rule


@rule("KF035", "no-seed", Severity.INFO)
def seed(facts: Facts) -> Iterator[Finding]:
    """There is no seed, so that each run differs.

    The seed fixes the first weights, the order of the samples, the split and dropout. Without one a fresh
    one is drawn for each run, and recorded with it; two runs differ by more than what was changed between
    them. On a GPU some sums are still added up in any order.

    For example:

        training: {loss: MeanSquaredError}

    Use instead:

        training: {loss: MeanSquaredError, seed: 1}
    """
    if facts.experiment.training.seed is None and facts.experiment.training.loss:
        yield Finding(
            "there is no seed, so that two runs of the same experiment differ",
            Severity.INFO,
            path="training.seed",
            fix=Fix("set the seed to 1", (Assign(("training", "seed"), 1),)),
        )
