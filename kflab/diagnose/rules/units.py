"""The rule on outputs of another size than their targets."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.catalog.dataset_types import ArrayInfo, TargetInfo, TargetKind
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, SetArguments
from kflab.diagnose.heads import resized
from kflab.diagnose.held import (
    BINARY_LOSSES,
    CATEGORICAL,
    NUMBER_LOSSES,
    ONE_HOT_LOSSES,
    SHAPED_LOSSES,
    Held,
    about,
    has_a_unit_each,
    held_outputs,
    reference_of,
    seen,
)
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.rules.stacking import is_recurrent, returns_sequences, with_sequences
from kflab.diagnose.surroundings import entry_of, own, shape_of, way_back
from kflab.diagnose.wording import count_text, shape_text


@rule("KF010", "units-do-not-fit-target", Severity.ERROR)
def units(facts: Facts) -> Iterator[Finding]:
    """The output has another size than what it is held against.

    An output for classes has a unit for each class; with fewer, a label has no unit and training ends with
    "Received a label value of 9 which is outside the valid range of [0, 9)" on a CPU, and with NaN on a GPU.
    More units than classes train, but the further ones are never right. Any other output has the shape of
    its target.

    Example, with ten digits:

        digit: {Dense: {units: 9, activation: softmax}, from: hidden}

    Use instead:

        digit: {Dense: {units: 10, activation: softmax}, from: hidden}
    """
    for held in held_outputs(facts):
        if held.loss is None or held.target is None or held.shape is None or held.axis != -1:
            continue
        if held.loss_name in SHAPED_LOSSES:
            continue
        if held.loss_name in NUMBER_LOSSES and held.is_by_number:
            yield from _class_units(facts, held)
        elif not _is_told_elsewhere(held):
            yield from _misfit(facts, held, held.target)


def _class_units(facts: Facts, held: Held) -> Iterator[Finding]:
    labels, shape, units, classes = held.labels, held.shape, held.units, held.classes
    if labels is None or shape is None:
        return
    wanted = held.target_shape[:-1] if held.target_shape[-1:] == (1,) else held.target_shape
    if not _equal(shape[1:-1], held.target_shape) and not _equal(shape[1:-1], wanted):
        of = shape_text((None, *held.target_shape)) if held.target_shape else "one number"
        fix = _last_step(facts, held, len(held.target_shape) + 2)
        yield about(
            facts,
            held,
            f"{held.loss_name} wants a label for each row of units, but this output gives "
            f"{shape_text(shape)} and a sample of {labels.name!r} is {of}{_every_step(fix)}",
            fix,
        )
        return
    if units is None or held.loss is None or held.loss.arguments.get("ignore_class") is not None:
        return
    # Labels of a source may become other numbers on their way to the model.
    fed = facts.profile.fed.get(labels.name) if facts.profile is not None else None
    profile = fed if fed is not None or classes else seen(facts, labels)
    high = profile.high if profile is not None else None
    most = max(classes, int(high) + 1) if high is not None else classes
    if units == 1 and classes == 2:
        return
    if most and units < most:
        step = resized(facts.experiment, reference_of(facts, held), most)
        has = f"has {classes} classes" if most == classes else f"holds the class {most - 1}"
        yield about(
            facts,
            held,
            f"{labels.name!r} {has}, but this output has {count_text(units, 'unit')}",
            Fix(f"give it {most} units", (step,)) if step is not None else None,
        )
    elif classes and units > classes:
        step = resized(facts.experiment, reference_of(facts, held), classes)
        yield about(
            facts,
            held,
            f"{labels.name!r} has {classes} classes, but this output has {units} units: the further ones "
            "are never right",
            Fix(f"give it {classes} units", (step,), safe=False) if step is not None else None,
            Severity.WARNING,
        )


def _every_step(fix: Fix | None) -> str:
    return ", a row for each step; let the recurrent layer return the last one only" if fix else ""


def _last_step(facts: Facts, held: Held, axes: int) -> Fix | None:
    """What leaves the last step only, where an output has a row for each step and its target has one row."""
    graph, node = facts.experiment.model, held.node
    if held.shape is None or len(held.shape) != axes + 1 or len(held.shape) != 3:
        return None
    for name in (node, *way_back(graph, node)):
        called, arguments = own(graph, name)
        entry = entry_of(called)
        shape = shape_of(facts.report, "", name) if facts.report is not None else None
        if entry is None or entry.name == "TimeDistributed" or shape is None or len(shape) != 3:
            return None
        if is_recurrent(called):
            if not returns_sequences(called, arguments):
                return None
            step = SetArguments(name, with_sequences(called, arguments, returned=False))
            return Fix(f"let {name} return its last step", (step,), safe=False)
    return None


def _is_told_elsewhere(held: Held) -> bool:
    """Whether the kind of the labels or the binary head is what is wrong, as another rule says."""
    rows = held.labels is not None and held.labels.kind in {TargetKind.ONE_HOT, TargetKind.MULTI}
    if held.is_by_number:
        return held.loss_name in ONE_HOT_LOSSES or has_a_unit_each(held)
    values = held.labels is not None and held.labels.kind is TargetKind.VALUES
    return (rows or values) and held.loss_name in NUMBER_LOSSES


def _misfit(facts: Facts, held: Held, target: ArrayInfo | TargetInfo) -> Iterator[Finding]:
    shape = held.shape
    if shape is None:
        return
    severity = _shape_severity(shape[1:], held.target_shape, held.loss_name)
    if severity is None:
        return
    rows = isinstance(target, TargetInfo) and len(held.target_shape) == 1 == len(shape) - 1
    size = held.target_shape[-1] if rows else 1
    step = None
    if size is not None and (rows or (not held.target_shape and len(shape) == 2)):
        step = resized(facts.experiment, reference_of(facts, held), size)
    fix = Fix(f"give it {count_text(size or 1, 'unit')}", (step,)) if step is not None else None
    last = _last_step(facts, held, len(held.target_shape or (1,)) + 1)
    yield about(
        facts,
        held,
        f"this output is held against {target.name!r}, whose samples have the shape "
        f"{shape_text((None, *held.target_shape))}; it gives {shape_text(shape)}{_every_step(last)}",
        last or fix,
        severity,
    )


def _shape_severity(
    given: tuple[int | None, ...], wanted: tuple[int | None, ...], loss: str
) -> Severity | None:
    """How bad it is that an output has another shape than its target, if Keras does not bring them together.

    A last axis of 1 may be missing in one of them. Other axes of 1 are stretched by most losses, so that
    the model trains, though hardly as it was meant.
    """
    if len(given) == len(wanted) + 1 and given[-1] in (1, None):
        given = given[:-1]
    elif len(wanted) == len(given) + 1 and wanted[-1] in (1, None):
        wanted = wanted[:-1]
    if _equal(given, wanted):
        return None
    exact = loss in BINARY_LOSSES or loss == CATEGORICAL
    if exact or len(given) != len(wanted):
        return Severity.ERROR
    stretched = all(
        a is None or b is None or a == b or 1 in (a, b) for a, b in zip(given, wanted, strict=True)
    )
    return Severity.WARNING if stretched else Severity.ERROR


def _equal(given: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(given) == len(wanted) and all(
        a is None or b is None or a == b for a, b in zip(given, wanted, strict=True)
    )
