"""Edits of arguments: of the layer that a node calls, and of the call itself; freezing is one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from kflab import catalog
from kflab.catalog import ArgumentKind, Kind
from kflab.catalog.check import check_arguments, named_object
from kflab.experiment import Experiment
from kflab.graph.edited import Edited, EditRefusedError, change_node, finish
from kflab.graph.naming import node_called
from kflab.graph.nodes import Call, Graph, Layer, Op
from kflab.values import Value

TRAINABLE = "trainable"
"""The argument of a layer, and the key of a nested model, that freezes its weights."""


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
    node_called(graph, name)
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
    node_called(value, name)
    key = value.owner(name)
    owner = value.nodes[key]
    match owner.target:
        case Layer() | Op():
            target = msgspec.structs.replace(owner.target, arguments=change(owner.target.arguments))
        case _:
            raise EditRefusedError(f"{name!r} calls a nested model, which has no arguments")
    changed = msgspec.structs.replace(owner, target=target)
    edited = change_node(experiment, graph, key, changed, f"{verb} {argument} of {name}")
    return msgspec.structs.replace(edited, node=name)


def set_call_argument(experiment: Experiment, graph: str, name: str, argument: str, value: Value) -> Edited:
    """Set an argument of the call that node `name` is, such as `training`; of this call alone.

    Raises:
        EditRefusedError: an Input is never called.
    """
    node = node_called(experiment.graph(graph), name)
    if node.is_input:
        raise EditRefusedError(f"{name!r} is an Input, which is not called")
    changed = msgspec.structs.replace(node, call={**node.call, argument: value})
    return change_node(experiment, graph, name, changed, f"call {name} with {argument}")


def reset_call_argument(experiment: Experiment, graph: str, name: str, argument: str) -> Edited:
    """Leave an argument of the call that node `name` is at its default.

    Raises:
        EditRefusedError: there is no such node.
    """
    node = node_called(experiment.graph(graph), name)
    call = {key: value for key, value in node.call.items() if key != argument}
    changed = msgspec.structs.replace(node, call=call)
    return change_node(experiment, graph, name, changed, f"call {name} without {argument}")


def is_frozen(experiment: Experiment, graph: str, name: str) -> bool:
    """Whether the layer or nested model that node `name` calls says itself that it is not trained."""
    match experiment.graph(graph).own(name).target:
        case Layer(arguments=arguments):
            return arguments.get(TRAINABLE) is False
        case Call(model) if model in experiment.models:
            return not experiment.models[model].trainable
        case _:
            return False


def can_freeze(experiment: Experiment, graph: str, name: str) -> bool:
    """Whether node `name` calls something that can be frozen: a layer that has weights, or a nested model."""
    match experiment.graph(graph).own(name).target:
        case Layer(layer):
            entry = catalog.load().find(Kind.LAYER, layer)
            return entry is not None and entry.argument(TRAINABLE) is not None
        case Call(model):
            return model in experiment.models
        case _:
            return False


def freeze(experiment: Experiment, graph: str, names: Sequence[str], *, frozen: bool = True) -> Edited:
    """Freeze what nodes call, so that training leaves its weights alone, or take that back.

    A shared layer is frozen for all that share it, a nested model for all its calls, a wrapper with what it
    wraps, as Keras does not pass the argument on. Nodes that have nothing to freeze are passed over.

    Raises:
        EditRefusedError: none of the nodes calls a layer or nested model.
    """
    for name in names:
        node_called(experiment.graph(graph), name)
    able = [name for name in names if can_freeze(experiment, graph, name)]
    if not able:
        what = repr(names[0]) if len(names) == 1 else "what is marked"
        raise EditRefusedError(f"{what} has no weights that could be frozen")
    value = experiment.graph(graph)
    nodes, models = dict(value.nodes), dict(experiment.models)
    for name in able:
        owner = value.owner(name)
        target = nodes[owner].target
        if isinstance(target, Call):
            models[target.model] = msgspec.structs.replace(models[target.model], trainable=not frozen)
        elif isinstance(target, Layer):
            arguments = _frozen(target.layer, target.arguments, frozen=frozen)
            layer = msgspec.structs.replace(target, arguments=arguments)
            nodes[owner] = msgspec.structs.replace(nodes[owner], target=layer)
    known = msgspec.structs.replace(experiment, models=models)
    # A model may not be called in itself, so `graph` is none of those that were frozen.
    changed = msgspec.structs.replace(value, nodes=nodes)
    what = able[0] if len(able) == 1 else f"{len(able)} nodes"
    return finish(known, graph, changed, f"{'freeze' if frozen else 'unfreeze'} {what}", names[-1])


def _frozen(layer: str, arguments: Mapping[str, Value], *, frozen: bool) -> dict[str, Value]:
    """The arguments of a layer that is frozen or no longer, those of the layers that it wraps among them."""
    entry = catalog.load().find(Kind.LAYER, layer)
    changed: dict[str, Value] = {key: value for key, value in arguments.items() if key != TRAINABLE}
    for argument in entry.arguments if entry is not None else ():
        if argument.kind is ArgumentKind.LAYER and argument.name in changed:
            changed[argument.name] = _wrapped(changed[argument.name], frozen=frozen)
    takes = entry is not None and entry.argument(TRAINABLE) is not None
    return {**changed, TRAINABLE: False} if frozen and takes else changed


def _wrapped(value: Value, *, frozen: bool) -> Value:
    """A layer among the arguments of another, or a list of them, frozen or no longer."""
    if isinstance(value, list):
        return [_wrapped(item, frozen=frozen) for item in value]
    named = named_object(value)
    if named is None:
        return value
    name, arguments = named
    inner = _frozen(name, arguments, frozen=frozen)
    return {name: inner} if inner else name
