"""The rule that tells sharing a layer from copying it."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, ShareLayer, Unshare
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.surroundings import by_layer, own, reports, shape_of, way_back
from kflab.engine.protocol import GraphReport, Report
from kflab.graph.nodes import Call, Graph, Layer, Op, Share, source_of
from kflab.values import canonical

_COMPARING = frozenset({"Subtract", "Dot", "ops.subtract"})
"""What two results are held against each other with, as a siamese model does."""


@rule("KF012", "sharing-or-copying", Severity.INFO)
def sharing_or_copying(facts: Facts) -> Iterator[Finding]:
    """Layers are shared where copies may be meant, or copied where sharing may be meant.

    `share` calls the layer of another node again: both nodes have the same weights, and training changes both
    at once. A node with a layer of its own has weights of its own, whatever its arguments are.

    A layer that is called again on its own result is one layer, not two:

        first:  {Dense: {units: 64, activation: relu}, from: x}
        second: {share: first, from: first}

    Two inputs that are compared are mostly brought to the same space by the same layers:

        a: {Dense: {units: 16}, from: left}
        b: {Dense: {units: 16}, from: right}      # learns something else; {share: a, from: right} does not
        difference: {Subtract: {}, from: [a, b]}

    This is only told, as both can be what is meant.
    """
    for name, graph, report in reports(facts):
        yield from _in_series(name, graph, report)
        if facts.report is not None:
            yield from _copies(facts.report, name, graph)


def _in_series(graph_name: str, graph: Graph, report: GraphReport) -> Iterator[Finding]:
    """Layers with weights, or models, that are called again on their own result."""
    for name, node in graph.nodes.items():
        if not isinstance(node.target, Share):
            continue
        owner = graph.owner(name)
        known = report.nodes.get(owner)
        if known is None or not known.params or owner not in way_back(graph, name):
            continue
        yield Finding(
            f"it calls the layer of {owner!r} again on what that returned: both have the same "
            f"{known.params:,} weights; `share` makes one layer of them, a copy would have its own",
            Severity.INFO,
            graph_name,
            name,
            fix=Fix(f"give {name} a layer of its own", (Unshare(name, graph_name),), safe=False),
        )


def _copies(report: Report, graph_name: str, graph: Graph) -> Iterator[Finding]:
    """Branches from two Inputs of one shape that are alike, have their own weights and are compared."""
    compared = [name for called, names in by_layer(graph).items() if called in _COMPARING for name in names]
    for name in compared:
        inputs = graph.nodes[name].inputs
        if len(inputs) != 2 or len(set(inputs)) < 2:
            continue
        left, right = (_branch(graph, source_of(reference)) for reference in inputs)
        if not left or not right or left[-1] == right[-1] or len(left) != len(right):
            continue
        if not all(graph.nodes[branch[-1]].is_input for branch in (left, right)):
            continue
        if shape_of(report, graph_name, left[-1]) != shape_of(report, graph_name, right[-1]):
            continue
        pairs = [pair for pair in zip(left[:-1], right[:-1], strict=True) if pair[0] != pair[1]]
        if not pairs or not all(_alike(graph, one, other) for one, other in pairs):
            continue
        told = report.models.get(graph_name, GraphReport()) if graph_name else report.model
        with_weights = [(one, other) for one, other in reversed(pairs) if told.nodes[other].params]
        if not with_weights or all(_is_table(report, graph_name, graph, other) for _, other in with_weights):
            continue
        steps = tuple(ShareLayer(other, one, graph_name) for one, other in with_weights)
        first, copy = with_weights[0]
        yield Finding(
            f"it is like {first!r}, but has weights of its own, so that {name!r} compares what two different "
            "layers learned; with `share` both inputs are brought to the same space",
            Severity.INFO,
            graph_name,
            copy,
            fix=Fix(f"share the layers of {first}", steps, safe=False),
        )


def _is_table(report: Report, graph_name: str, graph: Graph, name: str) -> bool:
    """Whether a node looks up a row for a single id, such as that of a person or of a film."""
    shape = shape_of(report, graph_name, source_of(graph.nodes[name].inputs[0]))
    return own(graph, name)[0] == "Embedding" and shape is not None and shape[1:] in {(), (1,)}


def _branch(graph: Graph, name: str) -> list[str]:
    """A node and those before it up to an Input, as long as each is fed by one tensor."""
    return [name, *way_back(graph, name)]


def _alike(graph: Graph, one: str, other: str) -> bool:
    """Whether two nodes have layers of their own, or operations, with the same arguments."""
    first, second = graph.nodes[one].target, graph.nodes[other].target
    if isinstance(first, Share | Call) or isinstance(second, Share | Call):
        return False
    if not isinstance(first, Layer | Op) or type(first) is not type(second):
        return False
    (called, arguments), (same, others) = own(graph, one), own(graph, other)
    return called == same and canonical(arguments) == canonical(others)
