"""The rule on gradients that are added up over several steps."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.samples import training_samples

ARGUMENT = "gradient_accumulation_steps"


@rule("KF038", "gradients-added-up-in-vain", Severity.WARNING)
def accumulation(facts: Facts) -> Iterator[Finding]:
    """Gradients are added up over more steps than there are, or over a number that leaves some unused.

    With `gradient_accumulation_steps: 8` the weights change once in 8 steps, by the mean of their gradients.
    Steps that are left over at the end of an epoch count for the next one, those at the end of the training
    for nothing. Where there are fewer steps than that in all, no weight ever changes, and Keras says nothing.

    For example, with 1,000 samples in one epoch:

        training: {batch_size: 256, epochs: 1, optimizer: {Adam: {gradient_accumulation_steps: 8}}}

    Use instead:

        training: {batch_size: 32, epochs: 1, optimizer: {Adam: {gradient_accumulation_steps: 8}}}
    """
    training, samples = facts.experiment.training, training_samples(facts)
    added = training.optimizer.arguments.get(ARGUMENT)
    if samples is None or not isinstance(added, int) or isinstance(added, bool) or added < 2:
        return
    steps = math.ceil(samples / training.batch_size)
    path = "training.optimizer"
    if steps * training.epochs < added:
        yield Finding(
            f"gradients are added up over {added:,} steps, but there are {steps * training.epochs:,} in all: "
            "no weight would change",
            Severity.WARNING,
            path=path,
            fix=_fewer(training.optimizer.name, steps),
        )
    elif steps % added:
        yield Finding(
            f"an epoch has {steps:,} steps, which {added:,} does not divide: the gradients of the last "
            f"{steps % added:,} count in the next epoch, and after the last one for nothing",
            Severity.INFO,
            path=path,
        )


def _fewer(optimizer: str, steps: int) -> Fix | None:
    """One update an epoch, where an epoch has several steps."""
    if steps < 2:
        return None
    step = Assign(("training", "optimizer", optimizer, ARGUMENT), steps)
    return Fix(f"add up the {steps:,} steps of an epoch", (step,), safe=False)
