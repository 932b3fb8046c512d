"""Rules about what is trained and what is frozen."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose import codes
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, Freeze
from kflab.diagnose.rules.rule import rule
from kflab.engine.protocol import GraphReport
from kflab.graph.arguments import TRAINABLE
from kflab.graph.nodes import Layer


@rule(codes.FROZEN_IN_VAIN, "frozen-in-vain", Severity.WARNING)
def frozen_in_vain(facts: Facts) -> Iterator[Finding]:
    """A layer that wraps others is frozen, but Keras trains the layers inside of it all the same.

    Keras does not pass `trainable: false` of a wrapper such as Bidirectional on to what it wraps.

        words: {Bidirectional: {trainable: false, layer: {LSTM: {units: 8}}}, from: x}

    Freeze what is inside, too:

        words: {Bidirectional: {trainable: false, layer: {LSTM: {units: 8, trainable: false}}}, from: x}
    """
    if facts.report is None:
        return
    for graph, report in reports(facts):
        for name, node in facts.experiment.graph(graph).nodes.items():
            if not isinstance(node.target, Layer) or node.target.arguments.get(TRAINABLE) is not False:
                continue
            told = report.nodes.get(name)
            if told is not None and told.trainable:
                yield Finding(
                    f"it is frozen, but {told.trainable:,} of its weights are trained: they belong to layers "
                    f"inside {node.target.layer}, to which Keras does not pass trainable on",
                    severity=Severity.WARNING,
                    graph=graph,
                    node=name,
                    fix=Fix(f"freeze what is inside of {name}", (Freeze((name,), graph=graph),)),
                )


def reports(facts: Facts) -> Iterator[tuple[str, GraphReport]]:
    """The engine's report on each graph, by the name of the graph."""
    if facts.report is None:
        return
    yield "", facts.report.model
    for name in facts.experiment.models:
        yield name, facts.report.models.get(name, GraphReport())
