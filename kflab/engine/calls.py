"""How a node is called: one tensor, positional tensors, one list of them, or tensors by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import keras

from kflab import catalog
from kflab.catalog import Kind, TensorArgument
from kflab.diagnose.wording import count_text
from kflab.engine import objects
from kflab.errors import KflabError
from kflab.graph.nodes import Graph, Node
from kflab.values import Arguments

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
    return Arranged(_in_places(catalog.load().get(Kind.LAYER, name).tensors, tensors), _named(node, pick))


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
    placed = _in_places(free, tensors)
    if len(placed) > len(free):
        raise KflabError(f"{name} takes {count_text(len(free), 'input')}, it has {len(tensors)}")
    named.update(zip((place.name for place in free), placed, strict=False))
    return Arranged((), tuple(named.items()))


def _in_places(places: Sequence[TensorArgument], tensors: tuple[object, ...]) -> tuple[object, ...]:
    """Tensors in their places: the first place that takes a list takes all that are left."""
    for index, place in enumerate(places[: len(tensors)]):
        if place.many:
            return (*tensors[:index], tensors[index:])
    return tensors


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
    result = flat(target(*(_as_keras(part) for part in arranged.positional), **named, **arguments))
    given: list[object] = []
    each(arranged, given.append)
    if any(tensor is one for tensor in result for one in given):
        raise KflabError("Keras gives back the input itself here, which cannot stand in a functional model")
    return result


def call_op(name: str, arranged: Arranged, arguments: Arguments) -> list[keras.KerasTensor]:
    """The tensors that an operation returns; numbers stand for tensors where `arguments` say so."""
    function = objects.make(Kind.OP, name, arguments)
    assert callable(function)
    return flat(function(**{key: _as_keras(part) for key, part in arranged.named}))


def name_operation(results: Sequence[keras.KerasTensor], arranged: Arranged, name: str) -> None:
    """Give the operation that made `results` the name of its node, as layers have.

    The functions of `keras.ops` take no name, and only a tensor's `_keras_history` leads to the operation.
    An operation that returned what it was given, such as a cast to the same dtype, made nothing to be named.
    """
    given: list[object] = []
    each(arranged, given.append)
    if results and not any(results[0] is tensor for tensor in given):
        results[0]._keras_history.operation.name = name


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
        many = count_text(len(returned), "tensor")
        raise KflabError(f"{reference!r} is asked for, but {name} returns {many} (the first is {name}:0)")
    return returned[int(index or 0)]


def _as_keras(part: object) -> object:
    # Keras takes lists of tensors; tuples are how an arrangement stays hashable.
    return [_as_keras(item) for item in part] if type(part) is tuple else part
