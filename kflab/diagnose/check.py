"""Everything that is wrong with an experiment, as far as it can be told from what is at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.datasets import ArrayInfo, DatasetInfo, TargetInfo, TargetKind
from kflab.catalog.matching import Matching, match
from kflab.catalog.profiles import Profile
from kflab.diagnose import rules
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.structure import structure
from kflab.diagnose.wording import shape_text
from kflab.engine.protocol import Report, Shape
from kflab.errors import did_you_mean
from kflab.experiment import EVERY_OUTPUT, Experiment
from kflab.graph.nodes import index_of, source_of

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
    told = report.findings if report else structure(experiment)
    findings = list(_settings(experiment))
    matching = None
    if info is not None:
        matching = match(experiment.model, experiment.data, info, _held_outputs(experiment))
        if report is not None:
            findings += _targets(experiment, matching, report)
    facts = Facts(
        experiment=experiment,
        report=report,
        info=info,
        matching=matching,
        profile=profile,
        base=base,
        told=told,
    )
    findings += [found for rule in rules.ALL for found in rule.findings(facts)]
    return in_order(experiment, told_once(without_ignored(experiment, told, findings)))


def without_ignored(
    experiment: Experiment, told: Sequence[Finding], findings: Iterable[Finding]
) -> tuple[Finding, ...]:
    """Findings without those whose rules the document switches off.

    What stops Keras stays: errors of the wiring and of calls, and all that can not be switched off.
    """
    fixed = {rule.code for rule in rules.ALL if not rule.ignorable}
    off = frozenset(experiment.ignore) - fixed
    return tuple(
        found
        for found in findings
        if found.code not in off or (found.severity is Severity.ERROR and found in told)
    )


def told_once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings each once, and without the errors that come of what another one tells already."""
    once = {(found.code, found.place, found.message): found for found in findings}
    told = {(found.graph, node) for found in once.values() for node in found.explains}
    return tuple(
        found
        for found in once.values()
        if found.explains or found.severity is not Severity.ERROR or (found.graph, found.node) not in told
    )


def in_order(experiment: Experiment, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings in the order of the document: graph by graph and node by node, then data, then training."""
    graphs = {name: index for index, name in enumerate(("", *experiment.models))}
    nodes = {
        (graph, name): index for graph in graphs for index, name in enumerate(experiment.graph(graph).nodes)
    }

    def place(found: Finding) -> tuple[bool, int, int]:
        of_graph = bool(found.node or found.graph or not found.path)
        return not of_graph, graphs.get(found.graph, 0), nodes.get((found.graph, found.node), -1)

    return tuple(sorted(findings, key=place))


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
    for section, keys in (
        ("loss", training.loss),
        ("loss_weights", training.loss_weights),
        ("metrics", training.metrics),
    ):
        for key in keys:
            if key != EVERY_OUTPUT and key not in outputs:
                hint = did_you_mean(key, outputs) or f"; its outputs are {', '.join(outputs) or 'none'}"
                message = f"{key!r} is no output of the model{hint}"
                yield Finding(message, path=f"training.{section}.{key}", code="KF015")


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
