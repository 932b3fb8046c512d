"""Small changes of nodes and references that edits are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from kflab.graph.nodes import Node


def free_name(base: str, taken: Mapping[str, Node]) -> str:
    """`base`, or the first of `base_1`, `base_2`... that is not taken."""
    if base not in taken:
        return base
    number = 1
    while f"{base}_{number}" in taken:
        number += 1
    return f"{base}_{number}"


def insert(nodes: Mapping[str, Node], after: str, name: str, node: Node) -> dict[str, Node]:
    """The nodes with one more right after `after`, or at the end where there is no such node."""
    if after not in nodes:
        return {**nodes, name: node}
    result: dict[str, Node] = {}
    for key, value in nodes.items():
        result[key] = value
        if key == after:
            result[name] = node
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
