"""`ops.einsum` of two tensors written with operations that a node can call: transpose, expand_dims, matmul.

A node cannot call `ops.einsum` itself, which takes its equation before its tensors.
"""

from __future__ import annotations

from typing import NamedTuple

from kflab.graph.nodes import Node, Op


class Equation(NamedTuple):
    """The axes of two tensors and of their product, a letter each."""

    left: str
    right: str
    result: str


def parse(text: str) -> Equation | None:
    """The equation of two tensors, where it is one without repeated axes and dots."""
    inputs, arrow, result = text.replace(" ", "").partition("->")
    left, comma, right = inputs.partition(",")
    parts = (left, right, result)
    plain = all(part.isalpha() and len(set(part)) == len(part) for part in parts)
    if not (arrow and comma and plain and set(result) <= {*left, *right}):
        return None
    return Equation(left, right, result)


def einsum_nodes(name: str, text: str, first: str, second: str) -> dict[str, Node] | None:
    """The nodes that compute an einsum, the last of them called `name`; nothing where they would not do.

    Args:
        name: the name of the node that gives the result.
        text: the equation, such as `bqhd,bkhd->bhqk`.
        first: what stands for its first tensor.
        second: what stands for its second tensor.
    """
    equation = parse(text)
    if equation is None:
        return None
    left, right, result = equation
    summed = [axis for axis in left if axis in right and axis not in result]
    alone = [axis for axis in left + right if axis not in result and (axis in left) != (axis in right)]
    rows = [axis for axis in result if axis in left and axis not in right]
    columns = [axis for axis in result if axis in right and axis not in left]
    if len(summed) != 1 or alone or not rows or not columns:
        return None
    # Of the axes that one tensor has alone, the last is one of the matrix; the others are broadcast.
    leading = [axis for axis in result if axis not in {rows[-1], columns[-1]}]
    nodes: dict[str, Node] = {}
    inputs = []
    for source, own, last in (
        (first, left, [rows[-1], summed[0]]),
        (second, right, [summed[0], columns[-1]]),
    ):
        wanted = [*leading, *last]
        inputs.append(_arranged(nodes, f"{name}_{'left' if own == left else 'right'}", source, own, wanted))
    product = [*leading, rows[-1], columns[-1]]
    if product == list(result):
        nodes[name] = Node(Op("ops.matmul"), tuple(inputs))
    else:
        nodes[f"{name}_product"] = Node(Op("ops.matmul"), tuple(inputs))
        axes = [product.index(axis) for axis in result]
        nodes[name] = Node(Op("ops.transpose", {"axes": axes}), (f"{name}_product",))
    return nodes


def _arranged(nodes: dict[str, Node], name: str, source: str, own: str, wanted: list[str]) -> str:
    """Bring a tensor's axes into an order, with one of length 1 for each that it has not; gives its name."""
    kept = [axis for axis in wanted if axis in own]
    if kept != list(own):
        nodes[f"{name}_turned"] = Node(
            Op("ops.transpose", {"axes": [own.index(axis) for axis in kept]}), (source,)
        )
        source = f"{name}_turned"
    missing = [index for index, axis in enumerate(wanted) if axis not in own]
    if missing:
        nodes[f"{name}_wide"] = Node(
            Op("ops.expand_dims", {"axis": missing if len(missing) > 1 else missing[0]}), (source,)
        )
        source = f"{name}_wide"
    return source
