"""Rules on metrics that do not fit what they are taken of."""

from __future__ import annotations

from collections.abc import Iterator

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.dataset_types import TargetKind
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix
from kflab.diagnose.held import (
    NUMBER_LOSSES,
    ONE_HOT_LOSSES,
    Held,
    about_metrics,
    canonical,
    held_outputs,
    holds_classes_of,
    use_metrics,
)
from kflab.diagnose.metric_kinds import OF_NUMBERS
from kflab.diagnose.rules.rule import rule
from kflab.experiment import Spec

ACCURACY = "accuracy"
"""The metric that Keras chooses by the shapes, and the group of those that count what is right."""

_OF_DISTRIBUTIONS = frozenset({*ONE_HOT_LOSSES, "KLDivergence"})


@rule("KF027", "accuracy-of-what-has-no-classes", Severity.WARNING)
def accuracy(facts: Facts) -> Iterator[Finding]:
    """Accuracy is taken of a regression, or of several labels a sample as if they were one class.

    Accuracy counts how often the answer is right. A predicted number is never exactly the true one, so the
    accuracy of a regression stays near 0 however good it is. Where a sample has several labels, `accuracy`
    compares only the highest of them.

    Example, where the target of `diabetes` is a number:

        training:
          loss: MeanSquaredError
          metrics: [accuracy]

    Use instead:

        training:
          loss: MeanSquaredError
          metrics: [MeanAbsoluteError]
    """
    for held in held_outputs(facts):
        labels = held.labels
        if labels is None or labels.kind not in {TargetKind.VALUES, TargetKind.MULTI}:
            continue
        is_values = labels.kind is TargetKind.VALUES
        if is_values and held.loss_name in _OF_DISTRIBUTIONS and (held.units or 0) > 1:
            continue  # of shares of each class, it compares the greatest
        if is_values and held.loss_name in NUMBER_LOSSES and holds_classes_of(facts, held):
            continue
        wrong = [metric for metric in held.metrics if _is_accuracy(metric, of_rows=not is_values)]
        if not wrong or (not is_values and held.units == 1):
            continue
        use = "MeanAbsoluteError" if is_values else "BinaryAccuracy"
        why = (
            f"{labels.name!r} is a number to predict, which is never met exactly"
            if is_values
            else f"{labels.name!r} has several labels a sample, of which it compares only the highest"
        )
        yield about_metrics(
            facts,
            held,
            f"{wrong[0].name} counts right answers, but {why}; use {use}",
            _instead(facts, held, wrong, use),
            Severity.WARNING,
        )


def _is_accuracy(metric: Spec, *, of_rows: bool) -> bool:
    entry = catalog.load().find(Kind.METRIC, metric.name)
    if entry is None or (of_rows and entry.name in {"BinaryAccuracy", *OF_NUMBERS}):
        return False
    return ACCURACY in (entry.name, entry.group)


def _instead(facts: Facts, held: Held, wrong: list[Spec], use: str) -> Fix:
    kept = [metric for metric in held.metrics if metric not in wrong]
    has = any(canonical(Kind.METRIC, metric.name) == use for metric in kept)
    metrics = (*kept, *(() if has else (Spec(use),)))
    return Fix(f"use {use}", (use_metrics(facts, held.name, metrics),))
