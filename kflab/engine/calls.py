"""What a node is called with and what it returns, as Keras takes and gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import keras

from kflab.catalog import Kind
from kflab.diagnose.wording import count_text
from kflab.engine import objects
from kflab.errors import KflabError
from kflab.graph.arranging import Arranged
from kflab.values import Arguments

Tensor = TypeVar("Tensor")


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
