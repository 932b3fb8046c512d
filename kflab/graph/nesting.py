"""Nodes made a nested model, and a nested model made nodes again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from kflab.diagnose.wording import and_text, count_text
from kflab.experiment import Experiment
from kflab.graph.arguments import TRAINABLE, can_freeze
from kflab.graph.edited import Edited, EditRefusedError, finish, replace_graph
from kflab.graph.naming import check_new_name, free_name, next_name, node_called
from kflab.graph.nodes import INPUT, Call, Graph, Layer, Node, Share, index_of, source_of
from kflab.graph.order import consumers, prerequisites, topological
from kflab.graph.references import insert, map_references, plain_reference
from kflab.values import Value

Tensors: TypeAlias = Mapping[str, tuple[Sequence[int | None], str]]
"""Shape, the batch axis left out, and dtype of what a reference stands for: of `lstm`, of `lstm:1`."""


def group(
    experiment: Experiment, graph: str, names: Sequence[str], tensors: Tensors, model: str = ""
) -> Edited:
    """Make nodes a nested model of their own; a call of it stands in their place.

    What feeds them becomes Inputs of the model, what they give to others or to the outputs becomes its
    outputs. Inputs among the nodes stay where they are, as the model gets Inputs of its own.

    Args:
        experiment: what is edited.
        graph: the graph that the nodes stand in, "" for the main model.
        names: the nodes.
        tensors: the shapes of what feeds them.
        model: the name of the model; none: a free one.

    Raises:
        EditRefusedError: there is nothing to group, the name is taken or no name, a way leads out of the
            nodes and back in, a layer is shared across their border, or a shape is not known.
    """
    value = experiment.graph(graph)
    chosen = {name: value.nodes[name] for name in value.nodes if name in set(names)}
    for name in names:
        node_called(value, name)
    chosen = {name: node for name, node in chosen.items() if not node.is_input}
    if not chosen:
        raise EditRefusedError("nothing is marked that could be grouped; an Input stays outside of it")
    model = model or free_name("block", {*experiment.models, *value.nodes})
    check_new_name(model, experiment.models, "model")
    _refuse_border(value, chosen)
    entries = _entries(value, chosen)
    exits = _exits(value, chosen)
    inner = _inner(value, chosen, entries, exits, tensors, model)

    rest = {name: node for name, node in value.nodes.items() if name not in chosen}
    call = next_name(model, rest)
    place = {reference: call if not number else f"{call}:{number}" for number, reference in enumerate(exits)}

    def outside(reference: str) -> str:
        return place.get(plain_reference(reference), reference)

    order = list(value.nodes)
    last = next(name for name in reversed(order) if name in chosen)
    before = [name for name in order[: order.index(last)] if name in rest]
    nodes = {name: map_references(node, outside) for name, node in rest.items()}
    called = {call: Node(Call(model), inputs=entries)}
    nodes = insert(nodes, before[-1], called) if before else {**called, **nodes}
    outputs = tuple(dict.fromkeys(outside(reference) for reference in value.outputs))
    changed = msgspec.structs.replace(value, nodes=nodes, outputs=outputs)
    with_model = msgspec.structs.replace(experiment, models={**experiment.models, model: inner})
    edited = finish(with_model, graph, changed, f"group {_counted(chosen)} into {model}", call)
    return msgspec.structs.replace(edited, settles=True)


def _counted(names: Iterable[str]) -> str:
    several = tuple(names)
    return several[0] if len(several) == 1 else f"{len(several)} nodes"


def _refuse_border(value: Graph, chosen: Mapping[str, Node]) -> None:
    """Refuses nodes that can not become one call, with the nodes that stand in the way.

    Raises:
        EditRefusedError: they can not.
    """
    for name, node in value.nodes.items():
        if isinstance(node.target, Share) and (name in chosen) != (node.target.node in chosen):
            owner = node.target.node
            raise EditRefusedError(
                f"{name!r} shares the layer of {owner!r}: mark both, or give {name!r} a layer of its own"
            )
    above = _reached(chosen, lambda name: prerequisites(value, name))
    fed = consumers(value)
    below = _reached(chosen, lambda name: fed[name])
    between = [name for name in value.nodes if name in above and name in below and name not in chosen]
    if between:
        verb = "lies" if len(between) == 1 else "lie"
        raise EditRefusedError(
            f"{and_text(between)} {verb} between the marked nodes, on a way out of them and back in: "
            f"mark {'it' if len(between) == 1 else 'them'}, too"
        )


def _reached(names: Iterable[str], step: Callable[[str], Iterable[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [reached for name in names for reached in step(name)]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += step(name)
    return seen


def _entries(value: Graph, chosen: Mapping[str, Node]) -> tuple[str, ...]:
    """The references from outside that the nodes are called with, each once."""
    references = (
        plain_reference(reference)
        for name in topological(value)
        if name in chosen
        for reference in chosen[name].references()
        if source_of(reference) not in chosen
    )
    return tuple(dict.fromkeys(references))


def _exits(value: Graph, chosen: Mapping[str, Node]) -> tuple[str, ...]:
    """The references to the nodes that the rest of the graph and its outputs use, each once.

    Where nothing uses them, they are those to the nodes that feed no other of them.
    """
    place = {name: position for position, name in enumerate(topological(value))}
    used = [
        reference
        for name, node in value.nodes.items()
        if name not in chosen
        for reference in node.references()
    ]
    found = {
        plain_reference(reference) for reference in (*used, *value.outputs) if source_of(reference) in chosen
    }
    if not found:
        inner = {source for node in chosen.values() for source in node.sources()}
        found = set(chosen) - inner
    return tuple(sorted(found, key=lambda reference: (place[source_of(reference)], index_of(reference))))


def _inner(
    value: Graph,
    chosen: Mapping[str, Node],
    entries: Sequence[str],
    exits: Sequence[str],
    tensors: Tensors,
    model: str,
) -> Graph:
    """The nested model."""
    names: dict[str, str] = {}
    inputs: dict[str, Node] = {}
    for reference in entries:
        name = next_name(reference.replace(":", "_"), {*chosen, *inputs})
        names[reference] = name
        inputs[name] = Node(Layer(INPUT, _input_arguments(value, reference, tensors)))

    def inside(reference: str) -> str:
        return names.get(plain_reference(reference), reference)

    nodes = {name: map_references(node, inside) for name, node in chosen.items()}
    return Graph(name=model, nodes={**inputs, **nodes}, outputs=tuple(exits))


def _input_arguments(value: Graph, reference: str, tensors: Tensors) -> Mapping[str, Value]:
    """The arguments of the Input that stands in a nested model for what `reference` feeds it.

    Raises:
        EditRefusedError: its shape is not known.
    """
    target = value.nodes[source_of(reference)].target
    if isinstance(target, Layer) and target.layer == INPUT:
        return {key: given for key, given in target.arguments.items() if key != "name"}
    if reference not in tensors:
        raise EditRefusedError(
            f"the shape of {reference!r} is not known yet, and the nested model needs it for its Input"
        )
    shape, dtype = tensors[reference]
    arguments: dict[str, Value] = {"shape": list(shape)}
    return arguments if dtype == "float32" else {**arguments, "dtype": dtype}


def ungroup(experiment: Experiment, graph: str, name: str) -> Edited:
    """Put the nodes of a nested model in the place of its call, and let the model go.

    Where the graph calls it several times, all calls are replaced: at the first the layers stand, at the
    others they are shared, so that the weights stay common.

    Raises:
        EditRefusedError: the node calls no nested model, another graph calls it too, or a call has not the
            inputs that it needs.
    """
    value = experiment.graph(graph)
    target = node_called(value, name).target
    if not isinstance(target, Call) or target.model not in experiment.models:
        raise EditRefusedError(f"{name!r} calls no nested model")
    model = experiment.models[target.model]
    elsewhere = [where for where in callers(experiment, target.model) if where != graph]
    if elsewhere:
        others = and_text([where or "the main model" for where in elsewhere])
        raise EditRefusedError(
            f"{target.model!r} is called in {others}, too, and layers are shared within one graph only"
        )
    calls = [key for key in topological(value) if value.nodes[key].target == target]
    owners: dict[str, str] = {}
    selected = ""
    for call in calls:
        value, new = _inline(value, call, model, owners)
        owners = owners or new
        if call == name:
            selected = next((new[source_of(ref)] for ref in model.outputs if source_of(ref) in new), "")
    models = {key: other for key, other in experiment.models.items() if key != target.model}
    without = msgspec.structs.replace(experiment, models=models)
    if not model.trainable:
        without, value = _stay_frozen(without, graph, value, owners.values())
    count = f" ({len(calls)} calls)" if len(calls) > 1 else ""
    return finish(without, graph, value, f"ungroup {target.model}{count}", selected)


def callers(experiment: Experiment, model: str) -> tuple[str, ...]:
    """The graphs with a call of a nested model, "" for the main one."""
    return tuple(name for name in ("", *experiment.models) if model in experiment.graph(name).called())


def _inline(value: Graph, call: str, model: Graph, owners: Mapping[str, str]) -> tuple[Graph, dict[str, str]]:
    """The graph with one call replaced by the nodes of the model, and the new names of these.

    Args:
        value: the graph.
        call: the node that calls the model.
        model: the model.
        owners: the nodes that own the layers already, by their names in the model; at the first call none.
    """
    fed = _fed(call, value.nodes[call], model)
    taken = value.nodes.keys() - {call}
    new: dict[str, str] = {}
    for name, node in model.nodes.items():
        if not node.is_input:
            new[name] = next_name(name, {*taken, *new.values()})

    def inside(reference: str) -> str:
        source, colon, index = reference.partition(":")
        return fed[source] if source in fed else f"{new[source]}{colon}{index}"

    def outside(reference: str) -> str | None:
        if source_of(reference) != call:
            return reference
        index = index_of(reference)
        return inside(model.outputs[index]) if index < len(model.outputs) else None

    nodes: dict[str, Node] = {}
    for key, node in value.nodes.items():
        if key != call:
            nodes[key] = map_references(node, outside)
            continue
        for name, own in new.items():
            nodes[own] = _owned(map_references(model.nodes[name], inside), name, new, owners)
    outputs = tuple(dict.fromkeys(kept for ref in value.outputs if (kept := outside(ref)) is not None))
    return msgspec.structs.replace(value, nodes=nodes, outputs=outputs), new


def _fed(call: str, node: Node, model: Graph) -> dict[str, str]:
    """What each Input of a model is fed with by one call of it.

    Raises:
        EditRefusedError: the call has not the inputs that the model needs, or has more than inputs.
    """
    wanted = model.input_names()
    if node.named or node.call:
        extra = and_text([*node.named, *node.call])
        raise EditRefusedError(f"{call!r} is called with {extra}, which nodes of their own can not be given")
    if len(node.inputs) != len(wanted):
        needed = f"{count_text(len(wanted), 'input')} ({', '.join(wanted)})"
        raise EditRefusedError(f"{call!r} needs {needed}, it has {len(node.inputs)}")
    return dict(zip(wanted, node.inputs, strict=True))


def _owned(node: Node, name: str, new: Mapping[str, str], owners: Mapping[str, str]) -> Node:
    """A node of a model as it stands outside: with its layer, or sharing that of the first call."""
    match node.target:
        case Layer() if owners:
            return msgspec.structs.replace(node, target=Share(owners[name]))
        case Share(owner):
            return msgspec.structs.replace(node, target=Share(owners.get(owner, new[owner])))
    return node


def _stay_frozen(
    experiment: Experiment, graph: str, value: Graph, names: Iterable[str]
) -> tuple[Experiment, Graph]:
    """What a frozen model held, frozen where it stands now."""
    nodes = dict(value.nodes)
    known = replace_graph(experiment, graph, value)
    for name in names:
        target = nodes[name].target
        if isinstance(target, Call) and target.model in experiment.models:
            frozen = msgspec.structs.replace(experiment.models[target.model], trainable=False)
            models = {**experiment.models, target.model: frozen}
            experiment = msgspec.structs.replace(experiment, models=models)
        elif isinstance(target, Layer) and can_freeze(known, graph, name):
            layer = msgspec.structs.replace(target, arguments={**target.arguments, TRAINABLE: False})
            nodes[name] = msgspec.structs.replace(nodes[name], target=layer)
    return experiment, msgspec.structs.replace(value, nodes=nodes)


def delete_model(experiment: Experiment, model: str) -> Edited:
    """Take a nested model away that nothing calls.

    Raises:
        EditRefusedError: there is no such model, or it is called.
    """
    if model not in experiment.models:
        raise EditRefusedError(f"there is no nested model {model!r}")
    if where := callers(experiment, model):
        named = and_text([name or "the main model" for name in where])
        raise EditRefusedError(f"{model!r} is called in {named}; ungroup or delete its calls first")
    models = {name: graph for name, graph in experiment.models.items() if name != model}
    return Edited(msgspec.structs.replace(experiment, models=models), f"delete the model {model}")
