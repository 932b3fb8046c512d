"""A model that is applied to each step of a sequence: as a model whose layers are."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kflab.catalog import Catalog, Kind
from kflab.diagnose.structure import MERGING
from kflab.graph.nodes import INPUT, Call, Graph, Layer, Node, Op, Share
from kflab.imports.nodes import NotExpressibleError
from kflab.values import Value

WRAPPER = "TimeDistributed"
"""The layer that applies another to each step; in a document it holds a layer, not a model."""

_JOINED_BY_ELEMENT = {"Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"}


def over_time(name: str, models: Mapping[str, Graph], steps: Value, catalog: Catalog) -> dict[str, Graph]:
    """The graphs that do for each step what a model and those that it calls do for one.

    Each layer is wrapped by itself, which computes the same: no layer looks beyond its step. Layers that join
    tensors by element need no wrapper.

    Args:
        name: the model.
        models: all nested models.
        steps: the steps of the sequence, None where they vary.
        catalog: what Keras offers.

    Raises:
        NotExpressibleError: it calls an operation, which no wrapper holds, or a layer with further tensors.
    """
    graph = models[name]
    changed: dict[str, Graph] = {}
    nodes: dict[str, Node] = {}
    for node_name, node in graph.nodes.items():
        match node.target:
            case Call(model):
                changed |= over_time(model, models, steps, catalog)
                nodes[node_name] = node
            case Op(op):
                raise NotExpressibleError(
                    f"{WRAPPER} wraps a model that calls {op}, and operations have no wrapper"
                )
            case Share():
                nodes[node_name] = node
            case Layer(layer, arguments):
                nodes[node_name] = msgspec.structs.replace(
                    node, target=_over_time(node, layer, arguments, steps, catalog)
                )
    changed[name] = msgspec.structs.replace(graph, nodes=nodes)
    return changed


def _over_time(
    node: Node, layer: str, arguments: Mapping[str, Value], steps: Value, catalog: Catalog
) -> Layer:
    if layer == INPUT:
        shape = arguments.get("shape")
        assert isinstance(shape, list | tuple)
        return Layer(INPUT, {**arguments, "shape": [steps, *shape]})
    entry = catalog.get(Kind.LAYER, layer)
    if entry.group != MERGING:
        if node.named:
            raise NotExpressibleError(
                f"{WRAPPER} wraps a model in which {layer} gets {', '.join(node.named)}"
            )
        return Layer(WRAPPER, {"layer": {layer: arguments}})
    axis = arguments.get("axis", -1)
    if layer == "Concatenate" and isinstance(axis, int):
        return Layer(layer, {**arguments, "axis": axis + 1 if axis > 0 else axis})
    if layer not in _JOINED_BY_ELEMENT:
        raise NotExpressibleError(
            f"{WRAPPER} wraps a model that calls {layer}, which cannot be told for each step"
        )
    return Layer(layer, arguments)
