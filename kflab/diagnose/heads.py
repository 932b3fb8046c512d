"""The heads of a model: what a fix changes about the units, the activation and the loss of an output."""

from __future__ import annotations

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.check import named_object
from kflab.diagnose.endings import ACTIVATION, LINEAR, Ending
from kflab.diagnose.facts import Facts
from kflab.diagnose.fixes import Assign, Fix, SetArguments, Step
from kflab.diagnose.held import (
    BINARY,
    BINARY_LOSSES,
    NUMBER_LOSSES,
    ONE_HOT_LOSSES,
    SPARSE,
    Held,
    reference_of,
    reports_of,
    use_loss,
)
from kflab.experiment import Experiment
from kflab.graph.nodes import Call, Layer, Op, Target, index_of, source_of

_SIZES = ("units", "filters")
_NORMALIZED = frozenset({"softmax", "log_softmax", "sparsemax"})
_KEEPS_UNITS = frozenset(
    {"Activation", "Dropout", "Identity", "ActivityRegularization", "BatchNormalization"}
)


def resized(experiment: Experiment, reference: str, units: int) -> Step | None:
    """The step of a fix that gives an output so many units; nothing where that takes more than a step.

    Args:
        experiment: the experiment.
        reference: the output of the main model.
        units: the size that its last axis should have.
    """
    graph = ""
    for _ in range(1000):  # a graph may run in a circle
        value = experiment.models.get(graph) if graph else experiment.model
        name = source_of(reference)
        node = value.nodes.get(name) if value is not None else None
        if value is None or node is None:
            return None
        target = value.own(name).target
        if isinstance(target, Call) and target.model in experiment.models:
            outputs = experiment.models[target.model].outputs
            if index_of(reference) >= len(outputs):
                return None
            graph, reference = target.model, outputs[index_of(reference)]
            continue
        if isinstance(target, Layer) and (step := _sized(target, graph, name, units)) is not None:
            return step
        if not node.inputs or not _keeps_units(target):
            return None
        reference = node.inputs[0]
    return None


def _sized(layer: Layer, graph: str, node: str, units: int) -> Step | None:
    """The step that says how many units a layer has, or one that it is wrapped around."""
    if layer.layer != "TimeDistributed":
        size = _size_of(layer.layer)
        return SetArguments(node, {size: units}, graph=graph) if size else None
    inner = named_object(layer.arguments.get("layer"))
    size = _size_of(inner[0]) if inner else ""
    if inner is None or not size:
        return None
    section = ("models", graph) if graph else ("model",)
    return Assign((*section, "nodes", node, layer.layer, "layer", inner[0], size), units)


def _size_of(layer: str) -> str:
    """The argument that says how many units a layer has, or ""."""
    entry = catalog.load().find(Kind.LAYER, layer)
    return next((size for size in _SIZES if entry is not None and entry.argument(size)), "")


def _keeps_units(target: Target) -> bool:
    match target:
        case Layer(layer):
            entry = catalog.load().find(Kind.LAYER, layer)
            return entry is not None and (entry.group == ACTIVATION or entry.name in _KEEPS_UNITS)
        case Op(operation):
            name = operation.removeprefix("ops.").removeprefix("nn.")
            return catalog.load().find(Kind.ACTIVATION, name) is not None
        case _:
            return False


def softmax_size(facts: Facts, ending: Ending | None) -> int | None:
    """Over how many values an ending is a softmax; nothing where it is none or that is not known."""
    if ending is None or ending.activation not in _NORMALIZED:
        return None
    report = reports_of(facts, ending.graph).nodes.get(ending.node)
    axis = ending.arguments.get("axis", -1)
    if report is None or not report.outputs or not isinstance(axis, int):
        return None
    shape = report.outputs[0].shape
    return shape[axis] if -len(shape) <= axis < len(shape) else None


def as_classes(facts: Facts, held: Held, classes: int) -> Fix | None:
    """An output of one unit for each class, and the loss for numbers of classes."""
    steps: list[Step] = []
    title = f"use {SPARSE}"
    if classes and held.units is not None and held.units < classes:
        units = resized(facts.experiment, reference_of(facts, held), classes)
        if units is None:
            return None
        steps.append(units)
        title += f" with {classes} units"
    activation = held.ending.activation if held.ending is not None else ""
    logits: bool | None = held.has_logits or None
    if activation == "sigmoid":
        softmax = held.ending.becomes("softmax") if held.ending is not None else None
        steps += [softmax] if softmax is not None else []
    elif activation == LINEAR:
        logits = True
    return Fix(title, (use_loss(facts, held.name, SPARSE, from_logits=logits), *steps))


def as_binary(facts: Facts, held: Held) -> Fix | None:
    """A single unit with a sigmoid, and the loss for it."""
    ending = held.ending
    if ending is None:
        return None
    steps: list[Step] = []
    logits = ending.activation == LINEAR and held.has_logits
    if ending.activation != "sigmoid" and not logits:
        step = ending.becomes("sigmoid")
        if step is None:
            return None
        steps.append(step)
    if held.loss_name in NUMBER_LOSSES | ONE_HOT_LOSSES or (held.has_logits and not logits):
        name = held.loss_name if held.loss_name in BINARY_LOSSES else BINARY
        steps.append(use_loss(facts, held.name, name, from_logits=logits or None))
    title = "use a sigmoid" if len(steps) == 1 and ending.activation != "sigmoid" else f"use {BINARY}"
    return Fix(title, tuple(steps))
