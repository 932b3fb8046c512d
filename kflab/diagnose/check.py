"""Everything that is wrong with an experiment, as far as it can be told from what is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.datasets import ArrayInfo, DatasetInfo, TargetInfo, TargetKind
from kflab.catalog.matching import Matching, match
from kflab.catalog.profiles import Profile
from kflab.diagnose import rules
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.starting_weights import weights_problem
from kflab.diagnose.structure import structure
from kflab.diagnose.training_arguments import missing_arguments
from kflab.diagnose.wording import shape_text
from kflab.engine.protocol import GraphReport, Report, Shape
from kflab.errors import did_you_mean
from kflab.experiment import EVERY_OUTPUT, Experiment
from kflab.graph.arguments import TRAINABLE
from kflab.graph.nodes import Layer, index_of, source_of

SPARSE_LOSSES = frozenset({"SparseCategoricalCrossentropy"})
"""Losses that take the number of the class, one a sample."""

CATEGORICAL_LOSSES = frozenset(
    {"CategoricalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalHinge"}
)
"""Losses that take a row of 0s with a single 1."""


def check(
    experiment: Experiment,
    info: DatasetInfo | None = None,
    report: Report | None = None,
    base: Path | None = None,
    profile: Profile | None = None,
) -> tuple[Finding, ...]:
    """What is wrong with an experiment, but for what its document switches off.

    Args:
        experiment: the experiment.
        info: the description of its dataset, where it is known.
        report: the engine's report on it, where it has come; its findings are included.
        base: the folder that relative paths start from; nothing given: the current one.
        profile: what was seen in its data, where that is known.
    """
    findings = list(report.findings if report else structure(experiment))
    findings += _settings(experiment)
    findings += missing_arguments(experiment.training)
    if problem := weights_problem(experiment.training, base):
        findings.append(Finding(problem, path="training.initial_weights"))
    if report is not None:
        findings += _frozen_in_vain(experiment, report)
    matching = None
    if info is not None:
        matching = match(experiment.model, experiment.data, info, _held_outputs(experiment))
        findings += [Finding(problem, path="data") for problem in matching.problems]
        if report is not None:
            findings += _targets(experiment, matching, report)
    facts = Facts(
        experiment=experiment, report=report, info=info, matching=matching, profile=profile, base=base
    )
    findings += [found for rule in rules.ALL for found in rule.findings(facts)]
    once = {(found.code, found.place, found.message): found for found in reversed(findings)}
    return tuple(found for found in reversed(once.values()) if found.code not in experiment.ignore)


def _held_outputs(experiment: Experiment) -> tuple[str, ...]:
    """The outputs that have a loss or a metric, and so need a target."""
    training = experiment.training
    return tuple(
        name
        for name in experiment.model.output_names()
        if training.loss_of(name) or training.metrics_of(name)
    )


def _settings(experiment: Experiment) -> Iterator[Finding]:
    outputs = experiment.model.output_names()
    training = experiment.training
    if not experiment.data.source:
        yield Finding("choose a dataset to train on", path="data.source")
    if not training.loss:
        yield Finding("there is no loss, so nothing could be trained", path="training.loss")
    for section, keys in (
        ("loss", training.loss),
        ("loss_weights", training.loss_weights),
        ("metrics", training.metrics),
    ):
        for key in keys:
            if key != EVERY_OUTPUT and key not in outputs:
                hint = did_you_mean(key, outputs) or f"; its outputs are {', '.join(outputs) or 'none'}"
                yield Finding(f"{key!r} is no output of the model{hint}", path=f"training.{section}.{key}")


def _frozen_in_vain(experiment: Experiment, report: Report) -> Iterator[Finding]:
    """Layers that are said to be frozen and are trained all the same: Keras does not tell those inside."""
    for graph_name in ("", *experiment.models):
        reports = report.models.get(graph_name, GraphReport()) if graph_name else report.model
        for name, node in experiment.graph(graph_name).nodes.items():
            told = reports.nodes.get(name)
            if told is None or not told.trainable or not isinstance(node.target, Layer):
                continue
            if node.target.arguments.get(TRAINABLE) is False:
                yield Finding(
                    f"it is frozen, but {told.trainable:,} of its weights are trained: they belong to layers "
                    f"inside {node.target.layer}, to which Keras does not pass trainable on",
                    severity=Severity.WARNING,
                    graph=graph_name,
                    node=name,
                )


def _targets(experiment: Experiment, matching: Matching, report: Report) -> Iterator[Finding]:
    """Where an output, its loss and its target do not go together."""
    graph = experiment.model
    for name, reference in zip(graph.output_names(), graph.outputs, strict=True):
        node = report.model.nodes.get(source_of(reference))
        loss = experiment.training.loss_of(name)
        target = matching.targets.get(name)
        if node is None or loss is None or target is None or len(node.outputs) <= index_of(reference):
            continue
        shape = node.outputs[index_of(reference)].shape
        message = (
            _array_problem(shape, target)
            if isinstance(target, ArrayInfo)
            else _class_problem(shape, target, loss.name)
        )
        if message:
            yield Finding(message, node=source_of(reference))


def _array_problem(shape: Shape, target: ArrayInfo) -> str:
    sizes = shape[1:]
    fits = len(sizes) == len(target.shape) and all(
        own is None or wanted is None or own == wanted
        for own, wanted in zip(sizes, target.shape, strict=True)
    )
    if fits:
        return ""
    return (
        f"this output is held against {target.name!r}, whose samples have the shape "
        f"{shape_text((None, *target.shape))}; it gives {shape_text(shape)}"
    )


def _class_problem(shape: Shape, target: TargetInfo, loss: str) -> str:
    entry = catalog.load().find(Kind.LOSS, loss)
    name = entry.name if entry else loss
    units = shape[-1] if len(shape) > 1 else None
    by_number = target.kind in {TargetKind.CLASSES, TargetKind.BINARY}
    if by_number and name in CATEGORICAL_LOSSES:
        use = f"; use Sparse{name}" if f"Sparse{name}" in SPARSE_LOSSES else ""
        return f"{name} expects one-hot targets, but {target.name!r} holds the number of the class{use}"
    if target.kind is TargetKind.ONE_HOT and name in SPARSE_LOSSES:
        use = name.removeprefix("Sparse")
        return f"{name} expects the number of the class, but {target.name!r} is one-hot; use {use}"
    by_class = name in SPARSE_LOSSES | CATEGORICAL_LOSSES
    if by_class and target.classes and units is not None and units < target.classes:
        return f"{target.name!r} has {target.classes} classes, but this output has {units} units"
    return ""
