"""Everything that is wrong with an experiment, as far as it can be told from what is at hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from kflab.catalog.datasets import DatasetInfo
from kflab.catalog.matching import match
from kflab.catalog.profiles import Profile
from kflab.diagnose import rules
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.structure import structure
from kflab.engine.protocol import Report
from kflab.experiment import Experiment


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
    matching = None
    if info is not None:
        matching = match(experiment.model, experiment.data, info, _held_outputs(experiment))
    facts = Facts(
        experiment=experiment,
        report=report,
        info=info,
        matching=matching,
        profile=profile,
        base=base,
        told=told,
    )
    findings = [found for rule in rules.ALL for found in rule.findings(facts)]
    return in_order(experiment, told_once(without_ignored(experiment, told, findings)))


def without_ignored(
    experiment: Experiment, told: Sequence[Finding], findings: Iterable[Finding]
) -> tuple[Finding, ...]:
    """Findings without those whose rules the document switches off.

    What stops Keras stays: errors of the wiring and of calls, and all that can not be switched off.
    """
    fixed = {rule.code for rule in rules.ALL if not rule.ignorable}
    off = frozenset(experiment.ignore) - fixed
    stops = {(found.code, found.place) for found in told if found.severity is Severity.ERROR}
    return tuple(found for found in findings if found.code not in off or (found.code, found.place) in stops)


def told_once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings each once, and without the errors that come of what another one tells already."""
    once = {(found.code, found.place, found.message): found for found in findings}
    told: set[tuple[str, str]] = set()
    kept: list[Finding] = []
    # What explains most comes first: a wrong Input explains whatever is refused behind it.
    for found in sorted(once.values(), key=lambda found: -len(found.explains)):
        if found.severity is Severity.ERROR and (found.graph, found.node) in told:
            continue
        told.update((found.graph, node) for node in found.explains)
        kept.append(found)
    return tuple(kept)


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
