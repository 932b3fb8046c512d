"""Metrics that expect labels of another kind than the data has."""

from __future__ import annotations

from collections.abc import Iterator

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.dataset_types import TargetKind
from kflab.catalog.groups import CHOSEN_BY_LOSS
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix
from kflab.diagnose.held import Held, about_metrics, has_a_unit_each, use_metrics
from kflab.experiment import Spec

OF_NUMBERS = frozenset(
    {"SparseCategoricalAccuracy", "SparseCategoricalCrossentropy", "SparseTopKCategoricalAccuracy"}
)
"""Metrics that take the number of the class."""

_OF_ANY = frozenset({"Mean", "MeanMetricWrapper", "Sum"})
_OF_SAME_RANK = frozenset(
    {
        "BinaryCrossentropy",
        "CategoricalCrossentropy",
        "F1Score",
        "FBetaScore",
        "SparseCategoricalCrossentropy",
        "TopKCategoricalAccuracy",
    }
)
_OF_IDS = frozenset({"IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"})


def metric_findings(facts: Facts, held: Held) -> Iterator[Finding]:
    """What is wrong with the metrics of one output, as far as the kind of its labels goes."""
    for metric in held.metrics:
        entry = catalog.load().find(Kind.METRIC, metric.name)
        if entry is not None and entry.group != CHOSEN_BY_LOSS and held.labels is not None:
            yield from _misfit(facts, held, metric, entry.name)


def _misfit(facts: Facts, held: Held, metric: Spec, name: str) -> Iterator[Finding]:
    labels = held.labels
    if labels is None:
        return
    if labels.kind in {TargetKind.ONE_HOT, TargetKind.MULTI}:
        if name in OF_NUMBERS and held.shape is not None and len(held.shape) == len(held.target_shape) + 1:
            use = name.removeprefix("Sparse") if labels.kind is TargetKind.ONE_HOT else "BinaryAccuracy"
            yield about_metrics(
                facts,
                held,
                f"{name} expects the number of the class, but {labels.name!r} holds a row of zeros and ones; "
                f"use {use}",
                _swap(facts, held, metric, use),
            )
    elif held.units == 1 and held.is_by_number and name in _OF_SAME_RANK and _is_a_number(held):
        yield about_metrics(
            facts,
            held,
            f"{name} expects a row of targets for each row of units, but {labels.name!r} holds a single "
            "number a sample, which only losses bring together; use BinaryAccuracy or AUC",
            _swap(facts, held, metric, "BinaryAccuracy"),
        )
    elif held.is_by_number and has_a_unit_each(held) and name not in OF_NUMBERS | _OF_ANY | _OF_IDS:
        sparse = f"Sparse{name}"
        use = sparse if sparse in OF_NUMBERS else "SparseCategoricalAccuracy"
        # Of a single number it takes the place of the greatest, which is 0: it trains, and says nothing.
        says_nothing = name == "CategoricalAccuracy"
        yield about_metrics(
            facts,
            held,
            f"{name} compares {held.units} units with as many targets, but {labels.name!r} holds the number "
            f"of the class; use {use}",
            _swap(facts, held, metric, use),
            Severity.WARNING if says_nothing else Severity.ERROR,
        )


def _is_a_number(held: Held) -> bool:
    return held.shape is not None and len(held.shape) == len(held.target_shape) + 2


def _swap(facts: Facts, held: Held, metric: Spec, use: str) -> Fix:
    entry = catalog.load().get(Kind.METRIC, use)
    arguments = {key: value for key, value in metric.arguments.items() if entry.argument(key) is not None}
    named = [other.name for other in held.metrics if other is not metric]
    swapped = tuple(
        Spec(use, arguments) if other is metric else other
        for other in held.metrics
        if other is not metric or use not in named
    )
    return Fix(f"use {use}", (use_metrics(facts, held.name, swapped),))
