"""Small changes of nodes and references that edits are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from kflab.graph.edited import EditRefusedError
from kflab.graph.nodes import Node


class Slot(msgspec.Struct, frozen=True):
    """One place among what a node is called with: one end of an edge.

    Attributes:
        position: the place, counted from 0, among the inputs or among the tensors of `argument`.
        argument: the argument of `call` that the tensor is passed by; none: a positional input.
    """

    position: int = 0
    argument: str = ""


def slots(node: Node) -> Iterator[tuple[Slot, str]]:
    """Every place of a node with the reference that stands there: positional ones first."""
    for position, reference in enumerate(node.inputs):
        yield Slot(position), reference
    for argument, value in node.named.items():
        for position, reference in enumerate((value,) if isinstance(value, str) else value):
            yield Slot(position, argument), reference


def at(name: str, node: Node, slot: Slot) -> str:
    """The reference that stands at one place of node `name`.

    Raises:
        EditRefusedError: the node has no such place.
    """
    found = dict(slots(node)).get(slot)
    if found is None:
        where = f"no input {slot.position + 1} of {slot.argument!r}" if slot.argument else ""
        count = len(node.inputs)
        where = where or f"{count} input{'s'[: count != 1]}; there is no number {slot.position + 1}"
        raise EditRefusedError(f"{name!r} has {where}")
    return found


def put_at(node: Node, slot: Slot, reference: str | None) -> Node:
    """The node with another reference at one place, or with that place taken away."""
    wanted: dict[Slot, str | None] = {**dict(slots(node)), slot: reference}
    inputs = tuple(kept for place, kept in wanted.items() if not place.argument and kept is not None)
    named: dict[str, str | tuple[str, ...]] = {}
    for argument, value in node.named.items():
        kept = tuple(ref for place, ref in wanted.items() if place.argument == argument and ref is not None)
        if kept:
            named[argument] = kept[0] if isinstance(value, str) else kept
    return msgspec.structs.replace(node, inputs=inputs, named=named)


def insert(nodes: Mapping[str, Node], after: str, new: Mapping[str, Node]) -> dict[str, Node]:
    """The nodes with more of them right after `after`, or at the end where there is no such node."""
    if after not in nodes:
        return {**nodes, **new}
    result: dict[str, Node] = {}
    for key, value in nodes.items():
        result[key] = value
        if key == after:
            result.update(new)
    return result


def insert_before(nodes: Mapping[str, Node], before: str, new: Mapping[str, Node]) -> dict[str, Node]:
    """The nodes with more of them right before `before`."""
    result: dict[str, Node] = {}
    for key, value in nodes.items():
        if key == before:
            result.update(new)
        result[key] = value
    return result


def map_references(node: Node, change: Callable[[str], str | None]) -> Node:
    """The node with each reference changed; one that becomes None is left out."""
    inputs = tuple(new for old in node.inputs if (new := change(old)) is not None)
    named: dict[str, str | tuple[str, ...]] = {}
    for key, value in node.named.items():
        if isinstance(value, str):
            if (single := change(value)) is not None:
                named[key] = single
        else:
            several = tuple(new for old in value if (new := change(old)) is not None)
            if several:
                named[key] = several
    return msgspec.structs.replace(node, inputs=inputs, named=named)


def repoint(reference: str, old: str, new: str) -> str:
    """A reference to node `old` made one to `new`; the output's index stays."""
    source, colon, index = reference.partition(":")
    return f"{new}{colon}{index}" if source == old else reference


def repoint_first(reference: str, old: str, new: str) -> str:
    """A reference to the first output of `old` made one to `new`; its further outputs stay where they are."""
    return new if reference in {old, f"{old}:0"} else reference


def plain_reference(reference: str) -> str:
    """The one spelling of a reference: `lstm` for `lstm:0`, `lstm:1` for `lstm:01`."""
    source, _, index = reference.partition(":")
    return f"{source}:{int(index)}" if int(index or 0) else source
