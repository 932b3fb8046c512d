"""Which Inputs of the main model a tensor comes from, through all that only moves values around."""

from __future__ import annotations

from collections.abc import Iterator

from kflab import catalog
from kflab.catalog import Kind
from kflab.diagnose.endings import MOVING, MOVING_OPS
from kflab.experiment import Experiment
from kflab.graph.nodes import Call, Graph, Layer, Op, index_of, source_of

_TAKING_OPS = frozenset(
    {"ops.flip", "ops.get_item", "ops.ravel", "ops.repeat", "ops.roll", "ops.slice", "ops.tile"}
)
_JOINING = frozenset({"Concatenate"})


def inputs_behind(experiment: Experiment, graph: str, reference: str) -> frozenset[str]:
    """The Inputs of the main model whose own values a tensor holds.

    Args:
        experiment: the experiment.
        graph: the nested model that the tensor is in, or "" for the main model.
        reference: the tensor.
    """
    found: set[str] = set()
    _search(experiment, graph, reference, found, set())
    return frozenset(found)


def _search(
    experiment: Experiment, graph: str, reference: str, found: set[str], seen: set[tuple[str, str]]
) -> None:
    value = experiment.models.get(graph) if graph else experiment.model
    name = source_of(reference)
    if value is None or name not in value.nodes or (graph, reference) in seen:
        return
    seen.add((graph, reference))
    if value.nodes[name].is_input and not graph:
        found.add(name)
        return
    for inner, given in _behind(experiment, graph, value, reference):
        _search(experiment, inner, given, found, seen)


def _behind(experiment: Experiment, graph: str, value: Graph, reference: str) -> Iterator[tuple[str, str]]:
    """The tensors, each with its graph, whose values a tensor holds unchanged."""
    name = source_of(reference)
    node = value.nodes[name]
    match value.own(name).target:
        case Layer("Input"):
            yield from _given(experiment, graph, value.input_names().index(name))
        case Layer(layer) if _passes(layer):
            yield from ((graph, given) for given in node.inputs)
        case Op(operation) if operation in MOVING_OPS or operation in _TAKING_OPS:
            yield from ((graph, given) for given in node.inputs[:1])
        case Call(model) if model in experiment.models:
            outputs = experiment.models[model].outputs[index_of(reference) :]
            yield from ((model, output) for output in outputs[:1])


def _given(experiment: Experiment, model: str, place: int) -> Iterator[tuple[str, str]]:
    """What each call of a nested model gives to one of its Inputs."""
    for caller in ("", *experiment.models):
        for node in experiment.graph(caller).nodes.values():
            if node.target == Call(model) and place < len(node.inputs):
                yield caller, node.inputs[place]


def _passes(layer: str) -> bool:
    entry = catalog.load().find(Kind.LAYER, layer)
    return entry is not None and (entry.name in MOVING or entry.name in _JOINING)
