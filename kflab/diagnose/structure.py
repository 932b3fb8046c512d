"""What is wrong with how a graph is wired: missing inputs and outputs, loose ends. Needs no shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kflab import catalog
from kflab.catalog import Entry, Kind
from kflab.catalog.check import check_arguments
from kflab.diagnose import codes
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, Remove, RemoveModel
from kflab.diagnose.wording import and_text, count_text
from kflab.errors import did_you_mean
from kflab.experiment import Experiment
from kflab.graph.memo import ByIdentity
from kflab.graph.nodes import INPUT, Call, Graph, Layer, Node, Op, Share, source_of
from kflab.graph.order import consumers, find_cycle, model_cycle

MERGING = "merging"
"""The group of the layers that make one tensor of several."""


class _Problem(NamedTuple):
    """What is wrong with a node: the code of its kind, and the message."""

    code: str
    message: str


def structure(experiment: Experiment) -> tuple[Finding, ...]:
    """Every finding about the wiring of the model and of the models it calls, in the order of the graphs."""
    findings = list(_of_graph(experiment, ""))
    called = _called_models(experiment)
    circle = model_cycle(experiment.models)
    for name in experiment.models:
        findings += _of_graph(experiment, name)
        if name in circle:
            message = f"the models {and_text(circle)} call each other in a circle"
            findings.append(Finding(message, graph=name, code=codes.CIRCLE))
        if name not in called:
            findings.append(_unused_model(name))
    return tuple(findings)


def _unused_model(name: str) -> Finding:
    return Finding(
        "no node calls this model",
        Severity.WARNING,
        graph=name,
        code=codes.UNUSED_MODEL,
        fix=Fix(f"take the model {name} out", (RemoveModel(name),), safe=False),
    )


def _called_models(experiment: Experiment) -> frozenset[str]:
    graphs = (experiment.model, *experiment.models.values())
    targets = (node.target for graph in graphs for node in graph.nodes.values())
    return frozenset(target.model for target in targets if isinstance(target, Call))


def _of_graph(experiment: Experiment, name: str) -> Iterator[Finding]:
    graph = experiment.graph(name)
    yield from _of_ends(graph, name)
    circle = find_cycle(graph)
    runs_in_circle = frozenset(circle)
    used = consumers(graph)
    outputs = {source_of(reference) for reference in graph.outputs}
    for node_name, node in graph.nodes.items():
        if node_name in runs_in_circle:
            message = f"runs in a circle: {' → '.join((*circle, circle[0]))}"
            yield Finding(message, graph=name, node=node_name, code=codes.CIRCLE)
        problem = _call_problem(experiment, graph, node_name)
        if problem:
            yield Finding(problem.message, graph=name, node=node_name, code=problem.code)
        elif _merges_one(graph, node_name):
            # Most merges pass a single tensor on, so it is no error here; the engine knows those that do not.
            what = "merges one input only; connect another"
            yield Finding(what, Severity.WARNING, graph=name, node=node_name, code=codes.MERGES_ONE)
        elif graph.outputs and not used[node_name] and node_name not in outputs:
            yield _unused(name, node_name, node)


def _unused(graph: str, name: str, node: Node) -> Finding:
    what = "no node uses this Input" if node.is_input else "nothing uses what it returns"
    return Finding(
        f"{what}, and it is not an output",
        Severity.WARNING,
        graph=graph,
        node=name,
        code=codes.DISCONNECTED,
        fix=Fix(f"take {name} out", (Remove(name, graph),), safe=False),
    )


def _of_ends(graph: Graph, name: str) -> Iterator[Finding]:
    written = [node_name for node_name, node in graph.nodes.items() if node.is_input]
    if not written:
        message = "the model has no Input; add one that has the shape of the data"
        yield Finding(message, graph=name, code=codes.NO_INPUT)
    if graph.inputs and sorted(graph.inputs) != sorted(written):
        message = (
            f"`inputs` must list every Input once: {and_text(written)}; it lists {and_text(graph.inputs)}"
        )
        yield Finding(message, graph=name, code=codes.NO_INPUT)
    if not graph.outputs:
        message = "the model has no outputs; mark the nodes whose results it returns"
        yield Finding(message, graph=name, code=codes.NO_OUTPUT)
    listed: set[str] = set()
    for reference in graph.outputs:
        source = source_of(reference)
        if source not in graph.nodes:
            hint = did_you_mean(source, graph.nodes)
            message = f"the output {reference!r} names no node of the model{hint}"
            yield Finding(message, graph=name, code=codes.UNKNOWN_REFERENCE)
        elif reference in listed:
            message = f"{reference!r} is listed as an output more than once"
            yield Finding(message, graph=name, node=source, code=codes.NO_OUTPUT)
        listed.add(reference)


def _call_problem(experiment: Experiment, graph: Graph, name: str) -> _Problem | None:
    """What is wrong with what node `name` calls and how many tensors it is called with."""
    node = graph.nodes[name]
    for source in node.sources():
        if source not in graph.nodes:
            hint = did_you_mean(source, graph.nodes)
            return _Problem(codes.UNKNOWN_REFERENCE, f"its input {source!r} is no node of the model{hint}")
    if isinstance(node.target, Call):
        return _model_problem(experiment, node.target.model, node)
    if not isinstance(node.target, Share):
        return _own_problem(node)
    try:
        target = graph.own(name).target
    except KeyError as missing:
        message = f"the layer that it shares belongs to {missing}, which is no node of the model"
        return _Problem(codes.UNKNOWN_REFERENCE, message)
    if isinstance(target, Call):
        return _model_problem(experiment, target.model, node)
    return _target_problem(node, target)


def _target_problem(node: Node, target: Layer | Op | Share) -> _Problem | None:
    """What is wrong with what a node calls, where that does not depend on other nodes."""
    match target:
        case Layer():
            if node.is_input:
                is_fed = any(node.references())
                return _Problem(codes.NUMBER_OF_INPUTS, "an Input takes no inputs") if is_fed else None
            if target.layer == INPUT:
                message = "an Input can not be shared; connect to it instead"
                return _Problem(codes.UNKNOWN_REFERENCE, message)
            entry = catalog.load().find(Kind.LAYER, target.layer)
            return _argument_problem(target) or _arity_problem(entry, target.layer, node)
        case Op():
            given = tuple(target.arguments)
            entry = catalog.load().find(Kind.OP, target.op)
            problem = _argument_problem(target)
            return problem or _arity_problem(entry, target.op, node, given)
        case Share():
            return _Problem(codes.CIRCLE, "the nodes whose layers it shares run in a circle")


def _find_own_problem(node: Node) -> _Problem | None:
    assert not isinstance(node.target, Call)
    return _target_problem(node, node.target)


_own_problem = ByIdentity(_find_own_problem)


def _merges_one(graph: Graph, name: str) -> bool:
    """Whether a node calls a merging layer with a single tensor."""
    node = graph.nodes[name]
    if len(node.inputs) != 1:
        return False
    target = graph.own(name).target
    if not isinstance(target, Layer):
        return False
    entry = catalog.load().find(Kind.LAYER, target.layer)
    return entry is not None and entry.takes_list and entry.group == MERGING


def _find_argument_problem(target: Layer | Op) -> _Problem | None:
    """Which required arguments are not there yet, those of nested objects included."""
    offers = catalog.load()
    if isinstance(target, Layer):
        entry = offers.find(Kind.LAYER, target.layer)
    else:
        entry = offers.find(Kind.OP, target.op)
    if entry is None:
        return None
    problems = check_arguments(entry, target.arguments, offers)
    missing = [".".join(problem.path) for problem in problems if problem.missing]
    if not missing:
        return None
    return _Problem(codes.MISSING_ARGUMENT, f"{entry.name} needs {and_text(missing)}")


_argument_problem = ByIdentity(_find_argument_problem)


def _model_problem(experiment: Experiment, model: str, node: Node) -> _Problem | None:
    if model not in experiment.models:
        hint = did_you_mean(model, experiment.models)
        message = f"it calls the model {model!r}, which is not there{hint}"
        return _Problem(codes.UNKNOWN_REFERENCE, message)
    wanted = experiment.models[model].input_names()
    if len(node.inputs) == len(wanted):
        return None
    if not node.inputs:
        message = f"{model} has no input connected; it needs {_named(wanted)}"
        return _Problem(codes.DISCONNECTED, message)
    return _Problem(codes.NUMBER_OF_INPUTS, f"{model} needs {_named(wanted)}, it has {len(node.inputs)}")


def _arity_problem(
    entry: Entry | None, name: str, node: Node, given: tuple[str, ...] = ()
) -> _Problem | None:
    """What is wrong with the number of tensors, by what the catalog says that `name` is called with.

    Args:
        given: the tensors of an operation that are plain numbers among its arguments.
    """
    if entry is None:
        return None
    by_name = {*given, *node.named}
    places = [tensor for tensor in entry.tensors if tensor.name not in by_name]
    count = len(node.inputs)
    if not count and not node.named:
        return _Problem(codes.DISCONNECTED, f"{name} has no input; connect it to a node")
    if count > len(places) and places and not any(place.many for place in places):
        message = f"{name} takes {count_text(len(places), 'input')}, it has {count}"
        return _Problem(codes.NUMBER_OF_INPUTS, message)
    needed = [tensor.name for tensor in places if tensor.required]
    missing = [tensor.name for tensor in places[count:] if tensor.required]
    if missing:
        message = f"{name} needs {_named(tuple(needed))}, it has {count}; {and_text(missing)} is missing"
        return _Problem(codes.NUMBER_OF_INPUTS, message)
    return None


def _named(names: tuple[str, ...]) -> str:
    return f"{count_text(len(names), 'input')} ({', '.join(names)})"
