"""Edits of an experiment's graphs: pure functions from one experiment to the next.

Each takes the name of the graph it edits, "" for the main model, and returns the new experiment with a name
for undo and the node to select. An edit that would break the graph raises `EditRefusedError` with the reason;
what an edit may leave incomplete, such as a merge with one input, is a finding later and not an error here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.check import check_arguments
from kflab.experiment import Experiment
from kflab.graph.edited import Edited, EditRefusedError, finish, replace_graph
from kflab.graph.nodes import INPUT, NAME, Call, Graph, Layer, Node, Op, Share, Target, source_of
from kflab.graph.order import ancestors, descendants, topological
from kflab.graph.references import free_name, insert, map_references, repoint, repoint_first
from kflab.values import Value

__all__ = [
    "EditRefusedError",
    "Edited",
    "add_after",
    "add_branch",
    "connect",
    "connectable",
    "delete",
    "disconnect",
    "fresh_name",
    "rename",
    "replace_graph",
    "reset_argument",
    "set_argument",
    "set_target",
    "toggle_output",
]


def fresh_name(graph: Graph, target: Target) -> str:
    """A free name for a node with this target: Keras' own style, `conv2d`, `conv2d_1`."""
    match target:
        case Layer():
            words = target.layer
        case Op():
            words = target.op.rpartition(".")[2]
        case Call():
            words = target.model
        case Share():
            words = target.node
    base = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", words)).lower()
    return free_name(base, graph.nodes)


def _node(graph: Graph, name: str) -> Node:
    if name not in graph.nodes:
        raise EditRefusedError(f"there is no node {name!r}")
    return graph.nodes[name]


def _check_name(graph: Graph, name: str) -> None:
    if not NAME.fullmatch(name):
        raise EditRefusedError(
            f"{name!r} is no name for a node; expected letters, digits, '_', '-' or '.', a letter first"
        )
    if name in graph.nodes:
        raise EditRefusedError(f"there is already a node {name!r}")


def _refuse_model_cycle(experiment: Experiment, graph: str, target: Target) -> None:
    if not isinstance(target, Call):
        return
    if target.model not in experiment.models:
        raise EditRefusedError(f"there is no nested model {target.model!r}")
    reached, waiting = set[str](), [target.model]
    while waiting:
        model = waiting.pop()
        if model == graph:
            raise EditRefusedError(f"{target.model!r} would call itself")
        if model not in reached:
            reached.add(model)
            waiting.extend(
                node.target.model
                for node in experiment.models[model].nodes.values()
                if isinstance(node.target, Call) and node.target.model in experiment.models
            )


def add_after(experiment: Experiment, graph: str, after: str, target: Target, name: str = "") -> Edited:
    """Put a new node behind node `after`: it takes over what `after` fed, outputs of the model included.

    With `after` empty, or for an Input, the node stands on its own.

    Raises:
        EditRefusedError: the name is taken or no name, or a nested model would call itself.
    """
    value = experiment.graph(graph)
    name = name or fresh_name(value, target)
    _check_name(value, name)
    _refuse_model_cycle(experiment, graph, target)
    if not after or _is_input(target):
        nodes = insert(value.nodes, _last_input(value), name, Node(target))
        return _added(experiment, graph, msgspec.structs.replace(value, nodes=nodes), name)
    _node(value, after)
    rerouted = {
        key: map_references(node, lambda reference: repoint_first(reference, after, name))
        for key, node in value.nodes.items()
    }
    nodes = insert(rerouted, after, name, Node(target, inputs=(after,)))
    outputs = tuple(repoint_first(reference, after, name) for reference in value.outputs)
    return _added(experiment, graph, msgspec.structs.replace(value, nodes=nodes, outputs=outputs), name)


def add_branch(experiment: Experiment, graph: str, after: str, target: Target, name: str = "") -> Edited:
    """Put a new node beside what node `after` already feeds: nothing else changes its inputs.

    Raises:
        EditRefusedError: as for `add_after`.
    """
    value = experiment.graph(graph)
    name = name or fresh_name(value, target)
    _check_name(value, name)
    _refuse_model_cycle(experiment, graph, target)
    _node(value, after)
    inputs = () if _is_input(target) else (after,)
    nodes = insert(value.nodes, after, name, Node(target, inputs=inputs))
    return _added(experiment, graph, msgspec.structs.replace(value, nodes=nodes), name)


def _is_input(target: Target) -> bool:
    return isinstance(target, Layer) and target.layer == INPUT


def _last_input(graph: Graph) -> str:
    return next((name for name in reversed(list(graph.nodes)) if graph.nodes[name].is_input), "")


def _added(experiment: Experiment, graph: str, value: Graph, name: str) -> Edited:
    if not value.outputs and not value.nodes[name].is_input:
        value = msgspec.structs.replace(value, outputs=(name,))
    return finish(experiment, graph, value, f"add {name}", name)


def connect(experiment: Experiment, graph: str, source: str, name: str) -> Edited:
    """Feed node `name` with `source` (a reference) as its last input.

    Raises:
        EditRefusedError: it would run in a circle, or an Input would be fed.
    """
    value = experiment.graph(graph)
    node = _node(value, name)
    origin = source_of(source)
    _node(value, origin)
    if node.is_input:
        raise EditRefusedError(f"{name!r} is an Input: nothing feeds it")
    if origin == name or name in ancestors(value, origin):
        raise EditRefusedError(
            f"{name!r} already comes before {origin!r}: connecting them would run in a circle"
        )
    changed = msgspec.structs.replace(node, inputs=(*node.inputs, source))
    return _changed(experiment, graph, {**value.nodes, name: changed}, f"connect {origin} to {name}", name)


def disconnect(experiment: Experiment, graph: str, name: str, position: int) -> Edited:
    """Take the input at `position`, counted from 0, away from node `name`.

    Raises:
        EditRefusedError: the node has no such input.
    """
    value = experiment.graph(graph)
    node = _node(value, name)
    if not 0 <= position < len(node.inputs):
        raise EditRefusedError(f"{name!r} has {len(node.inputs)} inputs; there is no number {position + 1}")
    removed = source_of(node.inputs[position])
    inputs = node.inputs[:position] + node.inputs[position + 1 :]
    changed = msgspec.structs.replace(node, inputs=inputs)
    return _changed(
        experiment, graph, {**value.nodes, name: changed}, f"disconnect {removed} from {name}", name
    )


def _changed(experiment: Experiment, graph: str, nodes: Mapping[str, Node], done: str, node: str) -> Edited:
    value = msgspec.structs.replace(experiment.graph(graph), nodes=nodes)
    return finish(experiment, graph, value, done, node)


def delete(experiment: Experiment, graph: str, name: str) -> Edited:
    """Remove a node and close the gap: what it fed is fed by its first input instead.

    A layer that other nodes share passes to the first of them.

    Raises:
        EditRefusedError: there is no such node.
    """
    value = experiment.graph(graph)
    gone = _node(value, name)
    heir = next(iter(gone.references()), None)

    def close(reference: str) -> str | None:
        return heir if source_of(reference) == name else reference

    nodes = {key: map_references(node, close) for key, node in value.nodes.items() if key != name}
    nodes = _pass_on(nodes, name, gone.target)
    nodes = {
        key: msgspec.structs.replace(node, inputs=_once(node.inputs, value.nodes[key].inputs))
        for key, node in nodes.items()
    }
    outputs = tuple(dict.fromkeys(new for old in value.outputs if (new := close(old)) is not None))
    if heir is not None and value.nodes[source_of(heir)].is_input and heir not in value.outputs:
        outputs = tuple(reference for reference in outputs if reference != heir)
    changed = msgspec.structs.replace(value, nodes=nodes, outputs=outputs)
    order = list(value.nodes)
    position = order.index(name)
    neighbours = (
        [source_of(heir)] if heir is not None else order[position + 1 : position + 2] or order[:position][-1:]
    )
    return finish(experiment, graph, changed, f"delete {name}", next(iter(neighbours), ""))


def _once(inputs: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    """Inputs after a gap was closed: an input that came twice only because of that comes once."""
    return inputs if len(set(before)) < len(before) else tuple(dict.fromkeys(inputs))


def _pass_on(nodes: dict[str, Node], owner: str, target: Target) -> dict[str, Node]:
    sharers = {key for key, node in nodes.items() if node.target == Share(owner)}
    if not sharers:
        return nodes
    # The one that is called first, so that none of the others comes before the layer it shares.
    alone = {
        key: msgspec.structs.replace(node, target=target) for key, node in nodes.items() if key in sharers
    }
    heir = next(key for key in topological(Graph(nodes={**nodes, **alone})) if key in sharers)
    moved = {key: msgspec.structs.replace(nodes[key], target=Share(heir)) for key in sharers - {heir}}
    return {**nodes, **moved, heir: msgspec.structs.replace(nodes[heir], target=target)}


def rename(experiment: Experiment, graph: str, name: str, new: str) -> Edited:
    """Give a node another name; every reference follows, losses, metrics and data included.

    Raises:
        EditRefusedError: the name is taken or no name.
    """
    value = experiment.graph(graph)
    _node(value, name)
    if new == name:
        return Edited(experiment, f"rename {name}", name)
    _check_name(value, new)

    def follow(reference: str) -> str:
        return repoint(reference, name, new)

    def follow_target(node: Node) -> Node:
        return msgspec.structs.replace(node, target=Share(new)) if node.target == Share(name) else node

    nodes = {
        (new if key == name else key): follow_target(map_references(node, follow))
        for key, node in value.nodes.items()
    }
    changed = msgspec.structs.replace(
        value,
        nodes=nodes,
        outputs=tuple(follow(reference) for reference in value.outputs),
        inputs=tuple(new if old == name else old for old in value.inputs),
    )
    return finish(experiment, graph, changed, f"rename {name} to {new}", new)


def set_argument(experiment: Experiment, graph: str, name: str, argument: str, value: Value) -> Edited:
    """Set an argument of the layer or operation that a node calls; on a shared layer, of its owner.

    Raises:
        EditRefusedError: the node calls a nested model, it has no such argument, or the
            value does not fit it.
    """
    _check_argument(experiment.graph(graph), name, argument, value)
    return _argument(
        experiment, graph, name, argument, lambda arguments: {**arguments, argument: value}, "set"
    )


def _check_argument(graph: Graph, name: str, argument: str, value: Value) -> None:
    _node(graph, name)
    match graph.own(name).target:
        case Layer(called):
            kind = Kind.LAYER
        case Op(called):
            kind = Kind.OP
        case _:
            return
    offers = catalog.load()
    entry = offers.find(kind, called)
    if entry is None:
        return
    for problem in check_arguments(entry, {argument: value}, offers):
        if not problem.missing:
            raise EditRefusedError(problem.message)


def reset_argument(experiment: Experiment, graph: str, name: str, argument: str) -> Edited:
    """Bring an argument back to its default.

    Raises:
        EditRefusedError: the node calls a nested model, which has no arguments.
    """

    def without(arguments: Mapping[str, Value]) -> dict[str, Value]:
        return {key: value for key, value in arguments.items() if key != argument}

    return _argument(experiment, graph, name, argument, without, "reset")


def _argument(
    experiment: Experiment,
    graph: str,
    name: str,
    argument: str,
    change: Callable[[Mapping[str, Value]], Mapping[str, Value]],
    verb: str,
) -> Edited:
    value = experiment.graph(graph)
    _node(value, name)
    owner = value.own(name)
    key = next(key for key, node in value.nodes.items() if node is owner)
    match owner.target:
        case Layer() | Op():
            target = msgspec.structs.replace(owner.target, arguments=change(owner.target.arguments))
        case _:
            raise EditRefusedError(f"{name!r} calls a nested model, which has no arguments")
    changed = msgspec.structs.replace(owner, target=target)
    return _changed(experiment, graph, {**value.nodes, key: changed}, f"{verb} {argument} of {name}", name)


def set_target(experiment: Experiment, graph: str, name: str, target: Target) -> Edited:
    """Let a node call something else; its inputs stay.

    Raises:
        EditRefusedError: an Input is fed or a nested model would call itself.
    """
    value = experiment.graph(graph)
    node = _node(value, name)
    _refuse_model_cycle(experiment, graph, target)
    if isinstance(target, Layer) and target.layer == INPUT and tuple(node.references()):
        raise EditRefusedError(f"{name!r} is fed by other nodes, so it can not be an Input")
    changed = msgspec.structs.replace(node, target=target)
    return _changed(experiment, graph, {**value.nodes, name: changed}, f"change {name}", name)


def toggle_output(experiment: Experiment, graph: str, name: str) -> Edited:
    """Make a node an output of its model, or take that away.

    Raises:
        EditRefusedError: there is no such node.
    """
    value = experiment.graph(graph)
    _node(value, name)
    if name in {source_of(reference) for reference in value.outputs}:
        outputs = tuple(reference for reference in value.outputs if source_of(reference) != name)
        done = f"{name} is no output"
    else:
        outputs = (*value.outputs, name)
        done = f"{name} is an output"
    changed = msgspec.structs.replace(value, outputs=outputs)
    return finish(experiment, graph, changed, done, name)


def connectable(graph: Graph, name: str) -> tuple[str, ...]:
    """The nodes that may feed node `name` without running in a circle, in the order of the document."""
    if graph.nodes[name].is_input:
        return ()
    after = descendants(graph, name)
    return tuple(candidate for candidate in graph.nodes if candidate != name and candidate not in after)
