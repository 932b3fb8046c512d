"""Graphs of any size to measure with, shaped like those that people draw."""

from __future__ import annotations

from kflab.experiment import Data, Experiment
from kflab.graph.nodes import Graph, Layer, Node
from kflab.values import Value


class _Drawing:
    """Nodes as they are added, each named after its layer and its place."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}

    def add(self, layer: str, *inputs: str, **arguments: Value) -> str:
        name = f"{layer.lower()}_{len(self.nodes)}"
        self.nodes[name] = Node(Layer(layer, arguments), inputs)
        return name


def residual(nodes: int = 200, size: int = 224) -> Experiment:
    """A ResNet of bottleneck blocks with about so many nodes, its channels doubled every few blocks."""
    draw = _Drawing()
    x = draw.add("Input", shape=[size, size, 3])
    x = draw.add("Conv2D", x, filters=64, kernel_size=7, strides=2, padding="same")
    x = draw.add("BatchNormalization", x)
    x = draw.add("ReLU", x)
    x = draw.add("MaxPooling2D", x, pool_size=3, strides=2, padding="same")
    blocks = (nodes - 8) // 10
    filters = 64
    for block in range(blocks):
        first_of_stage = block > 0 and block % max(1, blocks // 4) == 0
        if first_of_stage:
            filters *= 2
        strides = 2 if first_of_stage else 1
        x = _block(draw, x, filters, strides, project=block == 0 or first_of_stage)
    x = draw.add("GlobalAveragePooling2D", x)
    x = draw.add("Dense", x, units=1000, activation="softmax")
    return Experiment(data=Data(source="digits"), model=Graph(nodes=draw.nodes, outputs=(x,)))


def _block(draw: _Drawing, x: str, filters: int, strides: int, *, project: bool) -> str:
    straight = x
    if project:
        straight = draw.add("Conv2D", x, filters=4 * filters, kernel_size=1, strides=strides)
    y = draw.add("Conv2D", x, filters=filters, kernel_size=1, strides=strides)
    y = draw.add("ReLU", draw.add("BatchNormalization", y))
    y = draw.add("Conv2D", y, filters=filters, kernel_size=3, padding="same")
    y = draw.add("ReLU", draw.add("BatchNormalization", y))
    y = draw.add("BatchNormalization", draw.add("Conv2D", y, filters=4 * filters, kernel_size=1))
    return draw.add("ReLU", draw.add("Add", straight, y))


def unlike(nodes: int = 200) -> Experiment:
    """A chain in which no two layers are alike, the worst there is for what remembers calls."""
    draw = _Drawing()
    x = draw.add("Input", shape=[64])
    while len(draw.nodes) < nodes:
        x = draw.add("Dense", x, units=64 + len(draw.nodes))
    return Experiment(data=Data(source="digits"), model=Graph(nodes=draw.nodes, outputs=(x,)))
