"""Layers that Keras uses in its own applications but does not offer, written with those that it does.

Each equivalent computes the same, has the same weights in the same order, and is built of layers that a
document can name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from kflab.graph.nodes import Layer, Node
from kflab.values import Value

Inputs = tuple[str, ...]


class Equivalent(NamedTuple):
    """What stands for a layer that is not public.

    Attributes:
        reason: why it is the same.
        nodes: the nodes that do it, from the name of the last one, what it is called with and the config.
    """

    reason: str
    nodes: Callable[[str, Inputs, Mapping[str, Value]], dict[str, Node]]


def _layer_scale(name: str, inputs: Inputs, config: Mapping[str, Value]) -> dict[str, Node]:
    scale = Layer(
        "EinsumDense",
        {
            "equation": "...d,d->...d",
            "output_shape": config.get("projection_dim"),
            "kernel_initializer": {"Constant": {"value": config.get("init_values")}},
        },
    )
    return {name: Node(scale, inputs)}


def _scaled_sum(name: str, inputs: Inputs, config: Mapping[str, Value]) -> dict[str, Node]:
    first, second = inputs
    scaled = f"{name}_scaled"
    return {
        scaled: Node(Layer("Rescaling", {"scale": config.get("scale")}), (second,)),
        name: Node(Layer("Add"), (first, scaled)),
    }


def _stochastic_depth(name: str, inputs: Inputs, config: Mapping[str, Value]) -> dict[str, Node]:
    dropped = Layer("Dropout", {"rate": config.get("drop_path_rate"), "noise_shape": [None, 1, 1, 1]})
    return {name: Node(dropped, inputs)}


_APPLICATIONS = "keras.src.applications."
_EQUIVALENTS = {
    "LayerScale": Equivalent(
        "each channel times a weight of its own is an EinsumDense with a vector for its kernel", _layer_scale
    ),
    "CustomScaleLayer": Equivalent("`a + b * scale` is a Rescaling and an Add", _scaled_sum),
    "StochasticDepth": Equivalent(
        "a sample that is dropped as a whole, the rest scaled up, is a Dropout whose noise has no other axis",
        _stochastic_depth,
    ),
}


def equivalent(layer: Mapping[str, Value]) -> Equivalent | None:
    """What stands for a serialised layer, if it is one of those that Keras keeps to its applications."""
    if not str(layer.get("module") or "").startswith(_APPLICATIONS):
        return None
    return _EQUIVALENTS.get(str(layer.get("class_name")))
