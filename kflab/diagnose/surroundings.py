"""What stands around a node: what it calls, what feeds it and what it feeds, and the shapes of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kflab import catalog
from kflab.catalog import Entry, Kind
from kflab.catalog.check import named_object
from kflab.diagnose import codes
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.engine.protocol import GraphReport, Report, Shape
from kflab.graph.memo import Recent
from kflab.graph.nodes import Call, Graph, Layer, Node, Op, index_of, source_of
from kflab.values import Arguments, Value

LONGEST_WAY = 50
"""How many nodes are gone back when the cause of something is looked for."""

WRAPPED = "layer"
"""The argument of a wrapper that holds the layer inside of it."""


class Failed(NamedTuple):
    """A call that Keras refuses.

    Attributes:
        graph_name: the nested model it is in, or "" for the main model.
        graph: the same graph.
        name: the node.
        node: the same node.
        called: the class, operation or nested model that it calls.
        arguments: the arguments of that.
        shapes: the shapes of the tensors it is called with, positional ones first.
        axes: how many axes are expected of the first; 0 where it has as many, or that is not known.
        message: what the engine says of it.
        severity: a warning where no output depends on the node.
    """

    graph_name: str
    graph: Graph
    name: str
    node: Node
    called: str
    arguments: Arguments
    shapes: tuple[Shape, ...]
    axes: int
    message: str
    severity: Severity


def failures(facts: Facts) -> tuple[Failed, ...]:
    """The calls that Keras refuses, of those whose inputs are known."""
    return _failures(facts)


def _find_failures(facts: Facts) -> tuple[Failed, ...]:
    report = facts.report
    if report is None or not report.failures:
        return ()
    told = {(found.graph, found.node): found for found in facts.told if found.code == codes.REFUSED}
    return tuple(
        failed
        for failure in report.failures
        if (failed := _failed(facts, report, failure.graph, failure.node, failure.axes, told)) is not None
    )


_failures = Recent(_find_failures, keep=2)


def _failed(
    facts: Facts,
    report: Report,
    graph_name: str,
    name: str,
    axes: int,
    told: Mapping[tuple[str, str], Finding],
) -> Failed | None:
    graph = graph_called(facts, graph_name)
    found = told.get((graph_name, name))
    node = graph.nodes.get(name) if graph is not None else None
    if graph is None or node is None or found is None:
        return None
    called, arguments = own(graph, name)
    called = called or (node.target.model if isinstance(node.target, Call) else "")
    shapes = [shape_of(report, graph_name, reference) for reference in node.references()]
    if not called or None in shapes:
        return None
    known = tuple(shape for shape in shapes if shape is not None)
    return Failed(
        graph_name, graph, name, node, called, arguments, known, axes, found.message, found.severity
    )


def graph_called(facts: Facts, name: str) -> Graph | None:
    """The graph of that name, if the experiment has it."""
    return facts.experiment.models.get(name) if name else facts.experiment.model


def report_on(report: Report, graph: str) -> GraphReport:
    """The engine's report on one graph."""
    return report.models.get(graph, GraphReport()) if graph else report.model


def reports(facts: Facts) -> Iterator[tuple[str, Graph, GraphReport]]:
    """Each graph with its name and the engine's report on it; nothing while there is none."""
    if facts.report is None:
        return
    yield "", facts.experiment.model, facts.report.model
    for name, graph in facts.experiment.models.items():
        yield name, graph, report_on(facts.report, name)


def shape_of(report: Report, graph: str, reference: str) -> Shape | None:
    """The shape of what a reference stands for, where it is known."""
    node = report_on(report, graph).nodes.get(source_of(reference))
    index = index_of(reference)
    return node.outputs[index].shape if node is not None and index < len(node.outputs) else None


def own(graph: Graph, name: str) -> tuple[str, Arguments]:
    """The class or operation that a node calls, of its own or shared, with its arguments; "" for a model."""
    try:
        target = graph.own(name).target
    except KeyError:
        return "", {}
    match target:
        case Layer(called, arguments) | Op(called, arguments):
            return called, arguments
    return "", {}


def entry_of(called: str) -> Entry | None:
    """What the catalog says of a layer or operation."""
    kind = Kind.OP if called.startswith("ops.") else Kind.LAYER
    return catalog.load().find(kind, called)


def wrapped(arguments: Arguments) -> tuple[str, Arguments] | None:
    """The layer inside of a wrapper, with its arguments."""
    return named_object(arguments.get(WRAPPED))


def value_of(called: str, arguments: Arguments, name: str) -> Value:
    """The value of an argument: what is given, else its default."""
    if name in arguments:
        return arguments[name]
    entry = entry_of(called)
    argument = entry.argument(name) if entry is not None else None
    return argument.default if argument is not None else None


def by_layer(graph: Graph) -> Mapping[str, tuple[str, ...]]:
    """The nodes that call each class of layers, shared ones too, in the order of the document."""
    return _by_layer(graph)


def _find_by_layer(graph: Graph) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name in graph.nodes:
        called = own(graph, name)[0]
        if called:
            entry = entry_of(called)
            found.setdefault(entry.name if entry is not None else called, []).append(name)
    return {called: tuple(names) for called, names in found.items()}


_by_layer = Recent(_find_by_layer, keep=8)


def way_back(graph: Graph, name: str) -> Iterator[str]:
    """The nodes before a node, as long as each is fed by one tensor only; the nearest first."""
    for _ in range(LONGEST_WAY):
        node = graph.nodes.get(name)
        references = tuple(node.references()) if node is not None else ()
        # Attention is fed by the same tensor more than once.
        if len(set(references)) != 1 or source_of(references[0]) not in graph.nodes:
            return
        name = source_of(references[0])
        yield name
