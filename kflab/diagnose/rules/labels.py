"""The rule on labels of one kind and a loss for another."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.catalog.dataset_types import TargetInfo, TargetKind
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix, Step
from kflab.diagnose.heads import as_classes
from kflab.diagnose.held import (
    BINARY,
    BINARY_LOSSES,
    CATEGORICAL,
    NUMBER_LOSSES,
    ONE_HOT_LOSSES,
    SHAPED_LOSSES,
    SPARSE,
    Held,
    about,
    has_a_unit_each,
    held_outputs,
    holds_classes_of,
    plain,
    use_loss,
)
from kflab.diagnose.metric_kinds import metric_findings
from kflab.diagnose.rules.rule import rule


@rule("KF001", "loss-does-not-fit-labels", Severity.ERROR)
def labels_and_loss(facts: Facts) -> Iterator[Finding]:
    """The loss expects labels of another kind than the data has.

    Class labels come as numbers (2), as one-hot rows ([0, 0, 1]), or as rows of independent zeros and ones,
    and each loss takes one of these. Keras says "Arguments `target` and `output` must have the same rank" or
    "Shapes (None, 1) and (None, 10) are incompatible", or trains on something without a meaning.

    Numbers of classes want SparseCategoricalCrossentropy, one-hot rows CategoricalCrossentropy, several
    labels a sample BinaryCrossentropy with a sigmoid. The same holds for metrics, but for `accuracy`, which
    finds out by itself.

    Example, where the species of `iris` is a number from 0 to 2:

        training:
          loss: CategoricalCrossentropy

    Use instead:

        training:
          loss: SparseCategoricalCrossentropy

    or make the labels one-hot:

        data:
          source: iris
          prepare: {species: [{to_categorical: {num_classes: 3}}]}
    """
    for held in held_outputs(facts):
        target = held.labels
        yield from metric_findings(facts, held)
        if target is None or held.loss is None:
            continue
        if held.is_by_number:
            yield from _numbers(facts, held, target)
        elif target.kind in {TargetKind.ONE_HOT, TargetKind.MULTI}:
            yield from _rows(facts, held, target)
        elif held.loss_name in NUMBER_LOSSES and not holds_classes_of(facts, held):
            yield about(
                facts,
                held,
                f"{held.loss_name} expects the numbers of classes, but {target.name!r} holds measured values",
                Fix("use MeanSquaredError", (use_loss(facts, held.name, "MeanSquaredError"),), safe=False),
                Severity.WARNING,
            )


def _numbers(facts: Facts, held: Held, target: TargetInfo) -> Iterator[Finding]:
    units, classes, loss = held.units, held.classes, held.loss_name
    if loss in NUMBER_LOSSES | SHAPED_LOSSES or (units == 1 and classes == 2):
        return
    if loss in ONE_HOT_LOSSES:
        yield about(
            facts,
            held,
            f"{loss} expects one-hot targets, but {target.name!r} holds the number of the class"
            + (f"; use {SPARSE}" if loss == CATEGORICAL else ""),
            _for_one_hot_loss(facts, held, target),
            # A single unit is compared with the number itself: it trains, on nothing that was meant.
            Severity.WARNING if units == 1 and not _has_constant_loss(held) else Severity.ERROR,
        )
    elif loss in BINARY_LOSSES and classes > 2:
        yield about(
            facts,
            held,
            f"{loss} expects 0 or 1, but {target.name!r} holds the number of one of {classes} classes; "
            f"use {SPARSE} with {classes} units",
            as_classes(facts, held, classes),
        )
    elif loss not in BINARY_LOSSES and has_a_unit_each(held):
        yield about(
            facts,
            held,
            f"{loss} compares {units} units with {target.name!r}, which holds one number a sample, that of "
            f"its class; use {SPARSE}",
            as_classes(facts, held, classes),
            # A batch of one sample is stretched to fit, and teaches nothing.
            Severity.WARNING if facts.experiment.training.batch_size == 1 else Severity.ERROR,
        )


def _has_constant_loss(held: Held) -> bool:
    """Whether the loss of a single unit is 0 whatever it gives: it is divided by the sum of the units."""
    return held.loss_name != "CategoricalHinge" and not held.target_shape


def _rows(facts: Facts, held: Held, target: TargetInfo) -> Iterator[Finding]:
    loss = held.loss_name
    one_hot = target.kind is TargetKind.ONE_HOT
    if loss in NUMBER_LOSSES:
        use = CATEGORICAL if one_hot else BINARY
        what = "is one-hot" if one_hot else "holds a row of labels, any number of them 1"
        yield about(
            facts,
            held,
            f"{loss} expects the number of the class, but {target.name!r} {what}; use {use}",
            Fix(f"use {use}", _labels_steps(facts, held, use)),
        )
    elif loss in ONE_HOT_LOSSES and not one_hot:
        yield about(
            facts,
            held,
            f"{loss} expects a single class a sample, but {target.name!r} holds a row of labels, any number "
            f"of them 1; use {BINARY} with a sigmoid",
            Fix(f"use {BINARY}", _labels_steps(facts, held, BINARY)),
            Severity.WARNING,
        )

    elif loss in BINARY_LOSSES and not one_hot and held.ending is not None:
        sigmoid = held.ending.becomes("sigmoid")
        if held.ending.activation == "softmax":
            yield about(
                facts,
                held,
                f"{target.name!r} holds a row of labels, any number of them 1, but what a softmax gives "
                "adds up to 1; use a sigmoid",
                Fix("use a sigmoid", (sigmoid,)) if sigmoid is not None else None,
                Severity.WARNING,
            )


def _labels_steps(facts: Facts, held: Held, loss: str) -> tuple[Step, ...]:
    steps: list[Step] = [use_loss(facts, held.name, loss)]
    if loss == BINARY and held.ending is not None and held.ending.activation == "softmax":
        activation = held.ending.becomes("sigmoid")
        steps += [activation] if activation is not None else []
    return tuple(steps)


def _for_one_hot_loss(facts: Facts, held: Held, target: TargetInfo) -> Fix | None:
    """Another loss, or labels made one-hot where the loss has what no other has."""
    arguments = held.loss.arguments if held.loss is not None else {}
    special = held.loss_name != CATEGORICAL or arguments.get("label_smoothing")
    if special and held.classes and held.units == held.classes:
        steps = [plain(step) for step in facts.experiment.data.prepare.get(target.name, ())]
        one_hot = {"to_categorical": {"num_classes": held.classes}}
        return Fix(
            f"make {target.name} one-hot",
            (Assign(("data", "prepare", target.name), [*steps, one_hot]),),
        )
    if special:
        return None
    return as_classes(facts, held, held.classes)
