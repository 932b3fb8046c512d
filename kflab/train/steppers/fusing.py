"""What TensorFlow puts together in a step by itself, but not in one within a loop, which rounds otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf


def rounds_otherwise_in_a_loop(traced: Any) -> bool:
    """Whether a step rounds otherwise as the body of a loop in the graph than by itself, as `fit` makes it.

    That is so for x·sigmoid(x), the silu activation, on a CPU: by itself it becomes one operation of oneDNN.
    In a loop, the constant that its sigmoid is multiplied with holds that up. Of the activations that Keras
    has, it is the only one (TensorFlow 2.21; all but glu and threshold were tried between Dense layers).

    Args:
        traced: a concrete function that makes the step.
    """
    if tf.config.list_physical_devices("GPU"):
        return False
    library = traced.graph.as_graph_def().library
    return any(_has_silu(function) for function in library.function)


def _has_silu(function: Any) -> bool:
    """Whether it multiplies an x with the sigmoid of x, or of a multiple of x."""
    nodes = {node.name: node for node in function.node_def}
    return any(
        fed is not None and fed.op == "Sigmoid" and set(_behind(fed, nodes)) & {*node.input} - {source}
        for node in function.node_def
        if node.op == "Mul"
        for source in node.input
        for fed in [nodes.get(source.partition(":")[0])]
    )


def _behind(sigmoid: Any, nodes: dict[str, Any]) -> Iterator[str]:
    """The tensors that a sigmoid is taken of: its input, and what that is a multiple of."""
    (taken, *_) = sigmoid.input
    yield taken
    multiple = nodes.get(taken.partition(":")[0])
    if multiple is not None and multiple.op == "Mul":
        yield from multiple.input
