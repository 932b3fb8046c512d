"""Edits that add a node: after another, before it, on an edge, as a branch, as a merge of several."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kflab import catalog
from kflab.catalog import Kind
from kflab.experiment import Experiment
from kflab.graph.edited import Edited, EditRefusedError, finish
from kflab.graph.naming import check_call, check_new_name, fresh_name, is_input, node_called
from kflab.graph.nodes import Call, Graph, Layer, Node, Op, Share, Target, source_of
from kflab.graph.order import consumers
from kflab.graph.references import Slot, at, insert, insert_before, map_references, put_at, repoint_first


def add_after(experiment: Experiment, graph: str, after: str, target: Target, name: str = "") -> Edited:
    """Put a new node behind node `after`: it takes over what `after` fed, outputs of the model included.

    With `after` empty, or for an Input, the node stands on its own.

    Raises:
        EditRefusedError: the name is taken or no name, or a nested model would call itself.
    """
    value = experiment.graph(graph)
    name = _new_name(experiment, graph, target, name)
    if not after or is_input(target):
        nodes = insert(value.nodes, _last_input(value), {name: Node(target)})
        return _added(experiment, graph, msgspec.structs.replace(value, nodes=nodes), name)
    node_called(value, after)
    rerouted = {
        key: map_references(node, lambda reference: repoint_first(reference, after, name))
        for key, node in value.nodes.items()
    }
    nodes = insert(rerouted, after, {name: Node(target, inputs=(after,))})
    outputs = tuple(repoint_first(reference, after, name) for reference in value.outputs)
    return _added(experiment, graph, msgspec.structs.replace(value, nodes=nodes, outputs=outputs), name)


def add_branch(experiment: Experiment, graph: str, after: str, target: Target, name: str = "") -> Edited:
    """Put a new node beside what node `after` already feeds: nothing else changes its inputs.

    Raises:
        EditRefusedError: as for `add_after`.
    """
    value = experiment.graph(graph)
    name = _new_name(experiment, graph, target, name)
    node_called(value, after)
    inputs = () if is_input(target) else (after,)
    nodes = insert(value.nodes, after, {name: Node(target, inputs=inputs)})
    return _added(experiment, graph, msgspec.structs.replace(value, nodes=nodes), name)


def add_before(experiment: Experiment, graph: str, before: str, target: Target, name: str = "") -> Edited:
    """Put a new node in front of node `before`: it takes over its inputs and feeds it.

    A new Input becomes one more input of `before`.

    Raises:
        EditRefusedError: `before` is an Input, or it has several inputs and the new node takes one only; and
            as for `add_after`.
    """
    value = experiment.graph(graph)
    name = _new_name(experiment, graph, target, name)
    node = node_called(value, before)
    if node.is_input:
        raise EditRefusedError(f"{before!r} is an Input: nothing comes before it")
    if is_input(target):
        nodes = insert(value.nodes, _last_input(value), {name: Node(target)})
        nodes[before] = msgspec.structs.replace(node, inputs=(*node.inputs, name))
        return _added(experiment, graph, msgspec.structs.replace(value, nodes=nodes), name)
    if len(node.inputs) > 1 and not _takes_several(experiment, value, target):
        raise EditRefusedError(
            f"{before!r} has {len(node.inputs)} inputs, and the new node takes one; insert it on one of them"
        )
    nodes = insert_before(value.nodes, before, {name: Node(target, inputs=node.inputs)})
    nodes[before] = msgspec.structs.replace(node, inputs=(name,))
    return _added(experiment, graph, msgspec.structs.replace(value, nodes=nodes), name)


def add_between(
    experiment: Experiment, graph: str, node: str, slot: Slot, target: Target, name: str = ""
) -> Edited:
    """Put a new node on one edge: between node `node` and what feeds it at `slot`.

    Raises:
        EditRefusedError: the node has no such input, or an Input would be fed; and as for `add_after`.
    """
    value = experiment.graph(graph)
    name = _new_name(experiment, graph, target, name)
    below = node_called(value, node)
    reference = at(node, below, slot)
    if is_input(target):
        raise EditRefusedError("nothing feeds an Input, so it can not stand between two nodes")
    nodes = insert_before(value.nodes, node, {name: Node(target, inputs=(reference,))})
    nodes[node] = put_at(below, slot, name)
    return _added(experiment, graph, msgspec.structs.replace(value, nodes=nodes), name)


def add_merge(
    experiment: Experiment, graph: str, sources: Sequence[str], target: Target, name: str = ""
) -> Edited:
    """Put a new node behind several, fed by them in the order given.

    A source that feeds nothing else and was an output of the model hands that over.

    Raises:
        EditRefusedError: there are no sources, or an Input would be fed; and as for `add_after`.
    """
    value = experiment.graph(graph)
    name = _new_name(experiment, graph, target, name)
    for source in sources:
        node_called(value, source)
    if not sources:
        raise EditRefusedError("nothing is marked that could be merged")
    if is_input(target):
        raise EditRefusedError("nothing feeds an Input, so it can not merge anything")
    last = next(key for key in reversed(list(value.nodes)) if key in sources)
    fed = consumers(value)
    ends = {source for source in sources if not fed[source]}
    outputs = tuple(
        dict.fromkeys(name if source_of(reference) in ends else reference for reference in value.outputs)
    )
    nodes = insert(value.nodes, last, {name: Node(target, inputs=tuple(sources))})
    edited = _added(experiment, graph, msgspec.structs.replace(value, nodes=nodes, outputs=outputs), name)
    return msgspec.structs.replace(edited, settles=True)


def _new_name(experiment: Experiment, graph: str, target: Target, name: str) -> str:
    value = experiment.graph(graph)
    name = name or fresh_name(value, target)
    check_new_name(name, value.nodes)
    check_call(experiment, graph, target)
    return name


def _last_input(graph: Graph) -> str:
    return next((name for name in reversed(list(graph.nodes)) if graph.nodes[name].is_input), "")


def _takes_several(experiment: Experiment, graph: Graph, target: Target) -> bool:
    """Whether what a node would call takes more than one tensor."""
    if isinstance(target, Share) and target.node in graph.nodes:
        target = graph.own(target.node).target
    match target:
        case Layer(layer=called):
            entry = catalog.load().find(Kind.LAYER, called)
        case Op(op=called):
            entry = catalog.load().find(Kind.OP, called)
        case Call(model=called):
            return len(experiment.models[called].input_names()) > 1
        case _:
            return False
    return entry is not None and (entry.takes_list or sum(tensor.required for tensor in entry.tensors) > 1)


def _added(experiment: Experiment, graph: str, value: Graph, name: str) -> Edited:
    if not value.outputs and not value.nodes[name].is_input:
        value = msgspec.structs.replace(value, outputs=(name,))
    return finish(experiment, graph, value, f"add {name}", name)
