"""The rule on models and batches that are too large for the samples there are."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.held import reports_of
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.samples import training_samples

MOST_A_SAMPLE = 2_000
"""So many weights for each sample can learn every one of them by heart many times over."""

FEWEST = 100_000
"""A model with fewer weights is not called large."""

_USUAL_BATCH = 32
_EMBEDDING = "Embedding"


@rule("KF034", "larger-than-the-data", Severity.WARNING)
def too_large(facts: Facts) -> Iterator[Finding]:
    """The model, or the batch, is far larger than the data.

    A model with thousands of weights for each sample learns the samples by heart and does poorly on all
    others. Use fewer and smaller layers, more data, or start from weights that were trained on other data. A
    batch that is larger than the training set is one step an epoch, however many samples it asks for.

    Example, with 120 flowers to train on:

        hidden: {Dense: {units: 4096, activation: relu}, from: features}
        ...
        batch_size: 512

    Use instead:

        hidden: {Dense: {units: 32, activation: relu}, from: features}
        ...
        batch_size: 32
    """
    samples = training_samples(facts)
    if samples is None:
        return
    weights = _trained(facts)
    started = facts.experiment.training.initial_weights
    if weights >= FEWEST and weights > MOST_A_SAMPLE * samples and not started:
        yield Finding(
            f"{weights:,} weights are trained on {samples:,} samples, {weights // samples:,} for each: the "
            "model can learn them by heart; use smaller layers or more data",
            Severity.WARNING,
            path="model",
        )
    batch = facts.experiment.training.batch_size
    if batch > samples:
        smaller = max(1, min(_USUAL_BATCH, 1 << (samples // 2).bit_length() - 1)) if samples > 1 else 1
        step = Assign(("training", "batch_size"), smaller)
        yield Finding(
            f"a batch of {batch:,} is larger than the {samples:,} training samples, so that an epoch is a "
            "single step",
            Severity.WARNING,
            path="training.batch_size",
            fix=Fix(f"use a batch of {smaller}", (step,)),
        )


def _trained(facts: Facts) -> int:
    """The weights that are trained, but for those of embeddings, of which a sample uses a few rows."""
    if facts.report is None:
        return 0
    rows = sum(
        node.trainable
        for graph in ("", *facts.report.models)
        for node in reports_of(facts, graph).nodes.values()
        if node.layer == _EMBEDDING
    )
    return facts.report.model.totals.trainable - rows
