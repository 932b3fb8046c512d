"""The rule on outputs for two classes."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.catalog.dataset_types import TargetKind
from kflab.diagnose.endings import LINEAR
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix
from kflab.diagnose.heads import as_binary, as_classes, resized, softmax_size
from kflab.diagnose.held import (
    BINARY,
    BINARY_LOSSES,
    CATEGORICAL,
    SPARSE,
    Held,
    about,
    has_a_unit_each,
    held_outputs,
    reference_of,
)
from kflab.diagnose.rules.rule import rule


@rule("KF003", "binary-head", Severity.ERROR)
def binary_head(facts: Facts) -> Iterator[Finding]:
    """An output for two classes has the wrong number of units for its activation or its loss.

    There are two ways to tell two classes apart: one unit with a sigmoid and BinaryCrossentropy, or two units
    with a softmax and SparseCategoricalCrossentropy. Mixed up, the model learns nothing or can not be
    trained: a softmax over a single unit is 1 whatever its weights are, and BinaryCrossentropy can not hold
    two units against one label.

    For example:

        answer: {Dense: {units: 1, activation: softmax}, from: hidden}

    Use instead:

        answer: {Dense: {units: 1, activation: sigmoid}, from: hidden}
    """
    for held in held_outputs(facts):
        if held.loss is None:
            continue
        if softmax_size(facts, held.ending) == 1:
            yield _constant(facts, held)
        elif held.classes == 2 and held.loss_name in BINARY_LOSSES and has_a_unit_each(held):
            fix = _one_sigmoid(facts, held)
            yield about(
                facts,
                held,
                f"{held.loss_name} expects one unit for the two classes of {_name(held)}, this output has "
                f"{held.units}; use {SPARSE if fix is None else 'one unit'}",
                fix or as_classes(facts, held, 2),
            )
        elif held.classes == 2 and held.units == 1 and held.loss_name in {SPARSE, CATEGORICAL}:
            yield about(
                facts,
                held,
                f"{held.loss_name} expects a unit for each class, but {_name(held)} has 2 classes and this "
                f"output a single unit; use {BINARY}",
                as_binary(facts, held),
            )


def _one_sigmoid(facts: Facts, held: Held) -> Fix | None:
    """One unit of the two where they have a sigmoid each, which fits the loss and the metrics as they are."""
    if held.ending is None or held.ending.activation != "sigmoid":
        return None
    unit = resized(facts.experiment, reference_of(facts, held), 1)
    return Fix("use one unit", (unit,)) if unit is not None else None


def _name(held: Held) -> str:
    return repr(held.target.name) if held.target is not None else "its target"


def _constant(facts: Facts, held: Held) -> Finding:
    ending = held.ending
    assert ending is not None
    message = f"a {ending.activation} over a single unit gives the same whatever its weights are"
    labels = held.labels
    if labels is None:
        fix = None
    elif held.classes > 2:
        message += f"; {labels.name!r} has {held.classes} classes, which take a unit each"
        fix = as_classes(facts, held, held.classes)
    elif labels.kind is TargetKind.VALUES:
        message += "; numbers that are to be predicted want no activation"
        step = ending.becomes(LINEAR)
        fix = Fix("take the activation away", (step,)) if step is not None else None
    else:
        message += "; use a sigmoid"
        fix = as_binary(facts, held)
    return about(facts, held, message, fix)
