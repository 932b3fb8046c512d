"""How a node is called: one tensor, positional tensors, one list of them, or tensors by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from kflab import catalog
from kflab.catalog import Kind, TensorArgument
from kflab.diagnose.wording import count_text
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
