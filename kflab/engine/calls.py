"""How a node is called: one tensor, positional tensors, one list of them, or tensors by name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import keras

from kflab import catalog
from kflab.catalog import Entry, Kind
from kflab.errors import KflabError
from kflab.graph.nodes import Graph, Node
from kflab.values import Arguments, Value

Tensor = TypeVar("Tensor")


class Arranged(NamedTuple):
    """The tensors of a call in their places: positional ones and ones by name, single or in lists.

    Lists are tuples here, so that an arrangement of hashable things can be the key of a cache.
    """

    positional: tuple[object, ...] = ()
    named: tuple[tuple[str, object], ...] = ()


def arrange_layer(node: Node, name: str, pick: Callable[[str], Tensor]) -> Arranged:
    """The tensors of a call of the layer class `name`; `pick` gives the tensor of a reference."""
    tensors = tuple(pick(reference) for reference in node.inputs)
    as_list = catalog.load().get(Kind.LAYER, name).takes_list
    return Arranged((tensors,) if as_list else tensors, _named(node, pick))


def arrange_model(node: Node, called: Graph, pick: Callable[[str], Tensor]) -> Arranged:
    """The tensors of a call of a nested model: one, or a list of them in the order of its inputs."""
    tensors = tuple(pick(reference) for reference in node.inputs)
    return Arranged((tensors,) if len(called.input_names()) > 1 else tensors, _named(node, pick))


def arrange_op(node: Node, name: str, given: Arguments, pick: Callable[[str], Tensor]) -> Arranged:
    """The tensors of a call of an operation, all by name.

    Positional inputs take the places that neither a named tensor nor a plain number in `given` has taken.
    """
    entry = catalog.load().get(Kind.OP, name)
    tensors = tuple(pick(reference) for reference in node.inputs)
    named = dict(_named(node, pick))
    free = [place for place in entry.tensors if place.name not in named and place.name not in given]
    if free and free[0].many:
        named[free[0].name] = tensors
    else:
        if len(tensors) > len(free):
            raise KflabError(f"{name} takes {len(free)} inputs, it has {len(tensors)}")
        named.update(zip((place.name for place in free), tensors, strict=False))
    return Arranged((), tuple(named.items()))


def _named(node: Node, pick: Callable[[str], Tensor]) -> tuple[tuple[str, object], ...]:
    return tuple(
        (name, pick(value) if isinstance(value, str) else tuple(pick(reference) for reference in value))
        for name, value in node.named.items()
    )


def each(arranged: Arranged, change: Callable[[object], object]) -> Arranged:
    """The same arrangement of other things: `change` of each tensor.

    A tensor is whatever is not a plain tuple; named tuples count as tensors.
    """

    def walk(part: object) -> object:
        return tuple(walk(item) for item in part) if type(part) is tuple else change(part)

    return Arranged(
        tuple(walk(part) for part in arranged.positional),
        tuple((name, walk(part)) for name, part in arranged.named),
    )


def call(target: Callable[..., object], arranged: Arranged, arguments: Arguments) -> list[keras.KerasTensor]:
    """The tensors that a layer or model returns when it is called, in one flat list."""
    named = {name: _as_keras(part) for name, part in arranged.named}
    result = target(*(_as_keras(part) for part in arranged.positional), **named, **arguments)
    return flat(result)


def call_op(name: str, arranged: Arranged, arguments: Arguments) -> list[keras.KerasTensor]:
    """The tensors that an operation returns; numbers stand for tensors where `arguments` say so."""
    function = operation(name)
    values: dict[str, object] = {key: _as_keras(part) for key, part in arranged.named}
    values.update((key, _as_argument(value)) for key, value in arguments.items())
    positional: list[object] = []
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        # What stands before `*operands` cannot be given by name once there are operands.
        for parameter in parameters:
            if parameter.kind is parameter.VAR_POSITIONAL:
                rest = values.pop(parameter.name, ())
                positional += rest if isinstance(rest, list) else [rest]
                break
            if parameter.name in values:
                positional.append(values.pop(parameter.name))
    return flat(function(*positional, **values))


def name_operation(results: Sequence[keras.KerasTensor], arranged: Arranged, name: str) -> None:
    """Give the operation that made `results` the name of its node, as layers have.

    The functions of `keras.ops` take no name, and only a tensor's `_keras_history` leads to the operation.
    An operation that returned what it was given, such as a cast to the same dtype, made nothing to be named.
    """
    given: list[object] = []
    each(arranged, given.append)
    if results and not any(results[0] is tensor for tensor in given):
        results[0]._keras_history.operation.name = name


def operation(name: str) -> Callable[..., object]:
    """The function of Keras that the catalog calls `name`, as `ops.add`.

    Raises:
        KflabError: the catalog does not have it, or it could run code.
    """
    entry: Entry = catalog.load().get(Kind.OP, name)
    if entry.unsafe:
        raise KflabError(f"{name} takes code, which a document can not carry")
    function: Callable[..., object] = functools.reduce(getattr, entry.name.split("."), keras)
    return function


def flat(result: object) -> list[keras.KerasTensor]:
    """The tensors in what a call returned, in order."""
    return [tensor for tensor in keras.tree.flatten(result) if tensor is not None]


def pick_output(outputs: Mapping[str, Sequence[Tensor]], reference: str) -> Tensor:
    """The tensor that a reference stands for, among the outputs of the nodes by name.

    Raises:
        KflabError: the node does not return that many tensors.
    """
    name, _, index = reference.partition(":")
    returned = outputs[name]
    if int(index or 0) >= len(returned):
        many = "1 tensor" if len(returned) == 1 else f"{len(returned)} tensors"
        raise KflabError(f"{reference!r} is asked for, but {name} returns {many} (the first is {name}:0)")
    return returned[int(index or 0)]


def _as_keras(part: object) -> object:
    # Keras takes lists of tensors; tuples are how an arrangement stays hashable.
    return [_as_keras(item) for item in part] if type(part) is tuple else part


def _as_argument(value: Value) -> object:
    return tuple(value) if isinstance(value, list) else value
