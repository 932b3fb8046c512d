"""What somebody reaches who looks at no input: the figures that a trained model has to beat."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from kflab import catalog
from kflab.catalog import Kind
from kflab.diagnose.run_facts import Points, RunFacts
from kflab.experiment import Spec
from kflab.runs.events import TargetFacts

ACCURACIES = frozenset(
    {"accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"}
)
"""What Keras calls the share of samples whose class was told right."""

_BY_CLASS = frozenset({"SparseCategoricalCrossentropy", "CategoricalCrossentropy"})
_REGULARIZED = "regularizer"


def loss_name(spec: Spec | None) -> str:
    """The class of a loss; "" without one."""
    if spec is None:
        return ""
    entry = catalog.load().find(Kind.LOSS, spec.name)
    return entry.name if entry else spec.name


def chance_loss(facts: RunFacts) -> float | None:
    """The loss of equal probabilities for all classes, as a model has before it is trained.

    None where it can not be told, as for values, and where penalties or weights are added to the loss.
    """
    return _sum_over_outputs(facts, _chance)


def guessing_loss(facts: RunFacts) -> float | None:
    """The lowest loss that needs no input: how frequent each class is, the mean of the values.

    None where it can not be told.
    """
    return _sum_over_outputs(facts, _guess)


def majority(target: TargetFacts) -> float | None:
    """The accuracy of saying the most frequent class each time; None where there are no classes."""
    if not target.counts or not target.samples:
        return None
    shares = [count / target.samples for count in target.counts]
    if target.exclusive:
        return max(shares)
    return sum(max(share, 1 - share) for share in shares) / len(shares)


def accuracy_of(facts: RunFacts, output: str) -> str:
    """The name of the accuracy of an output in the logs without `val_`; "" where it has none."""
    single = len(facts.experiment.model.outputs) == 1
    for name in facts.training:
        plain = name if single else name.removeprefix(f"{output}_")
        if plain in ACCURACIES and (single or name != plain):
            return name
    return ""


def last_of(points: Points, index: int) -> float:
    """The value at an index; NaN where there is none."""
    return points[index] if -len(points) <= index < len(points) else math.nan


def _sum_over_outputs(facts: RunFacts, of: Callable[[Spec, TargetFacts], float | None]) -> float | None:
    training = facts.experiment.training
    if any(
        _REGULARIZED in name and value is not None
        for _, _, layer in facts.layers()
        for name, value in layer.arguments.items()
    ):
        return None
    total = 0.0
    for output in facts.experiment.model.output_names():
        spec = training.loss_of(output)
        if spec is None:
            continue
        target = facts.targets.get(output)
        found = of(spec, target) if target is not None else None
        if found is None:
            return None
        total += training.loss_weights.get(output, 1.0) * found
    return total or None


def _chance(spec: Spec, target: TargetFacts) -> float | None:
    name = loss_name(spec)
    if spec.arguments.get("label_smoothing") or not target.counts:
        return None
    if name in _BY_CLASS and target.exclusive and len(target.counts) > 1:
        return math.log(len(target.counts))
    if name == "BinaryCrossentropy":
        return math.log(2)
    return None


def _guess(spec: Spec, target: TargetFacts) -> float | None:
    name = loss_name(spec)
    if spec.arguments.get("label_smoothing"):
        return None
    if name in _BY_CLASS and target.counts and target.exclusive:
        return _entropy([count / target.samples for count in target.counts])
    if name == "BinaryCrossentropy" and target.counts and target.samples:
        if target.exclusive:
            return _entropy([count / target.samples for count in target.counts])
        pairs = [count / target.samples for count in target.counts]
        return sum(_entropy([share, 1 - share]) for share in pairs) / len(pairs)
    if name == "MeanSquaredError" and target.deviation > 0:
        return target.deviation**2
    if name == "MeanAbsoluteError" and target.absolute > 0:
        return target.absolute
    return None


def _entropy(shares: Sequence[float]) -> float:
    return -sum(share * math.log(share) for share in shares if share > 0)
