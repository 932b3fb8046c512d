"""Edits of what a node calls: another layer with the arguments that fit, or the layer of another node."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from kflab import catalog
from kflab.catalog import Argument, ArgumentKind, Entry, Kind
from kflab.catalog.check import check_value
from kflab.experiment import Experiment
from kflab.graph.edited import Edited, EditRefusedError, change_node, finish
from kflab.graph.naming import check_call, is_input, node_called
from kflab.graph.nodes import Graph, Layer, Node, Op, Share, Target
from kflab.graph.order import prerequisites
from kflab.graph.removing import pass_on
from kflab.values import Arguments, Value


def set_target(experiment: Experiment, graph: str, name: str, target: Target) -> Edited:
    """Let a node call something else; its inputs stay, and so do arguments that the new layer takes, too.

    Arguments of `target` itself come first. A layer that other nodes share changes for them as well; if the
    node no longer has a layer of its own, theirs goes on as it was.

    Raises:
        EditRefusedError: an Input is fed or a nested model would call itself.
    """
    value = experiment.graph(graph)
    node = node_called(value, name)
    check_call(experiment, graph, target)
    if is_input(target) and tuple(node.references()):
        raise EditRefusedError(f"{name!r} is fed by other nodes, so it can not be an Input")
    old = value.own(name).target
    dropped: tuple[str, ...] = ()
    if isinstance(target, Layer | Op) and isinstance(old, Layer | Op):
        kept, dropped = fitting(old, target)
        target = msgspec.structs.replace(target, arguments={**kept, **target.arguments})
    nodes = dict(value.nodes)
    if not isinstance(target, Layer) or is_input(target):
        nodes = pass_on({key: other for key, other in nodes.items() if key != name}, name, node.target)
        nodes = {key: nodes.get(key, node) for key in value.nodes}
    nodes[name] = msgspec.structs.replace(node, target=target)
    done = f"change {name} to {_word(target)}"
    if dropped:
        done = f"{done}, without {', '.join(dropped)}"
    return finish(experiment, graph, msgspec.structs.replace(value, nodes=nodes), done, name)


def _word(target: Target) -> str:
    match target:
        case Layer(layer):
            return layer
        case Op(op):
            return op
        case Share(owner):
            return f"the layer of {owner}"
        case _:
            return target.model


def fitting(old: Layer | Op, new: Layer | Op) -> tuple[Arguments, tuple[str, ...]]:
    """The arguments of `old` that what `new` calls takes, too, and the names of those that it does not.

    What has its default is not worth a word when it does not fit.
    """
    before, after = _entry(old), _entry(new)
    if after is None:
        return {}, tuple(old.arguments)
    offers = catalog.load()
    kept: dict[str, Value] = {}
    dropped: list[str] = []
    for name, given in old.arguments.items():
        argument = after.argument(name)
        values = _ranked(given, argument, _rank(before), _rank(after)) if argument else ()
        if argument is not None and values and not any(check_value(argument, values[0], offers)):
            kept[name] = values[0]
        elif name not in new.arguments and (before is None or not _is_default(before, name, given)):
            dropped.append(name)
    return kept, tuple(dropped)


def _entry(target: Layer | Op) -> Entry | None:
    offers = catalog.load()
    if isinstance(target, Layer):
        return offers.find(Kind.LAYER, target.layer)
    return offers.find(Kind.OP, target.op)


def _is_default(entry: Entry, name: str, value: Value) -> bool:
    argument = entry.argument(name)
    return argument is not None and not argument.required and argument.default == value


def _rank(entry: Entry | None) -> int:
    """The number of dimensions in a layer's name: 2 of `Conv2D`, 0 where it names none."""
    found = re.search(r"([123])D", entry.name) if entry else None
    return int(found[1]) if found else 0


def _ranked(value: Value, argument: Argument, before: int, after: int) -> tuple[Value, ...]:
    """A value with one number a dimension made fit for another number of dimensions, if there is one.

    Only where all its numbers are the same does it say what those of the other dimensions would be.
    """
    if argument.kind is not ArgumentKind.INTS or before == after or not before:
        return (value,)
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != before:
        return (value,)
    same = isinstance(value[0], int) and all(item == value[0] for item in value)
    return (value[0],) if same else ()


def share(experiment: Experiment, graph: str, name: str, owner: str) -> Edited:
    """Let node `name` call the layer of node `owner`, with the same weights; its own layer goes.

    Raises:
        EditRefusedError: `owner` has no layer, or it comes after `name`.
    """
    value = experiment.graph(graph)
    node = node_called(value, name)
    node_called(value, owner)
    own = value.owner(owner)
    if node.is_input:
        raise EditRefusedError(f"{name!r} is an Input: it has no layer to share")
    if own == value.owner(name):
        raise EditRefusedError(f"{name!r} has the layer of {own!r} already")
    layer = value.nodes[own].target
    if not isinstance(layer, Layer) or is_input(layer):
        raise EditRefusedError(f"{owner!r} has no layer of its own that could be shared")
    if own not in shareable(value, name):
        raise EditRefusedError(
            f"{own!r} depends on {name!r}, so its layer is called later; share the layer of {name!r} instead"
        )
    nodes: dict[str, Node] = {
        key: msgspec.structs.replace(other, target=Share(own)) if other.target == Share(name) else other
        for key, other in value.nodes.items()
    }
    nodes[name] = msgspec.structs.replace(node, target=Share(own))
    changed = msgspec.structs.replace(value, nodes=nodes)
    return finish(experiment, graph, changed, f"share the layer of {own} with {name}", name)


def shareable(graph: Graph, name: str) -> tuple[str, ...]:
    """The nodes whose layer node `name` could call: those that own one and do not depend on `name`."""
    if graph.nodes[name].is_input:
        return ()
    own = graph.owner(name)
    # All that share the layer of `name` would come to share the new one, so none of them may come before it.
    moving = {name, *(key for key, node in graph.nodes.items() if node.target == Share(name))}
    later = _after(graph, moving)
    return tuple(
        key
        for key, node in graph.nodes.items()
        if isinstance(node.target, Layer) and not node.is_input and key != own and key not in later
    )


def _after(graph: Graph, names: set[str]) -> set[str]:
    """What depends on one of `names`, where sharing their layers does not count: that ends."""
    followers: dict[str, list[str]] = {}
    for key, node in graph.nodes.items():
        for source in prerequisites(graph, key):
            if not (key in names and source in names and node.target == Share(source)):
                followers.setdefault(source, []).append(key)
    seen: set[str] = set()
    waiting = [follower for name in names for follower in followers.get(name, ())]
    while waiting:
        key = waiting.pop()
        if key not in seen:
            seen.add(key)
            waiting += followers.get(key, ())
    return seen


def unshare(experiment: Experiment, graph: str, name: str) -> Edited:
    """Give a node that shares the layer of another one a layer of its own, with the same arguments.

    Raises:
        EditRefusedError: the node shares no layer.
    """
    value = experiment.graph(graph)
    node = node_called(value, name)
    if not isinstance(node.target, Share):
        raise EditRefusedError(f"{name!r} shares no layer of another node")
    changed = msgspec.structs.replace(node, target=value.own(name).target)
    return change_node(experiment, graph, name, changed, f"give {name} a layer of its own")
