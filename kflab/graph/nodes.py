"""The layer graph as immutable values: a node is one call of a layer, a model or an operation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import msgspec

from kflab.graph.memo import ByIdentity
from kflab.values import Arguments

INPUT = "Input"
"""The name of the layer class that starts a graph."""

NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9_.\-]*")
"""What a node or model may be called: what every backend accepts in the name of a variable."""


class Layer(msgspec.Struct, frozen=True, tag=True):
    """A layer of the node's own: its Keras class and the arguments of the class."""

    layer: str
    arguments: Arguments = {}


class Share(msgspec.Struct, frozen=True, tag=True):
    """The layer of another node of the same graph, called again with the same weights."""

    node: str


class Call(msgspec.Struct, frozen=True, tag=True):
    """A nested model of the document, called like a layer; every call shares its weights."""

    model: str


class Op(msgspec.Struct, frozen=True, tag=True):
    """A function of `keras.ops`, named as the catalog does (`ops.add`), with its other arguments."""

    op: str
    arguments: Arguments = {}


Target: TypeAlias = Layer | Share | Call | Op
"""What a node calls."""


class Node(msgspec.Struct, frozen=True):
    """One call in a graph.

    Attributes:
        target: what is called.
        inputs: what it is called with, in order. Each is a reference: a node's name, or `name:1` for the
            second output of a node that has several.
        named: tensors passed by the name of an argument of `call`, such as `initial_state: [h, c]`.
        call: other arguments of the call, such as `training: false`.
    """

    target: Target
    inputs: tuple[str, ...] = ()
    named: Mapping[str, str | tuple[str, ...]] = {}
    call: Arguments = {}

    @property
    def is_input(self) -> bool:
        """Whether this node is an `Input` of its graph."""
        return isinstance(self.target, Layer) and self.target.layer == INPUT

    def references(self) -> Iterator[str]:
        """Every reference that the node is called with: positional ones first, then named ones."""
        yield from self.inputs
        for value in self.named.values():
            if isinstance(value, str):
                yield value
            else:
                yield from value

    def sources(self) -> tuple[str, ...]:
        """The names of the nodes this one is fed by, in order, each once."""
        return _sources(self)


_sources: ByIdentity[Node, tuple[str, ...]] = ByIdentity(
    lambda node: tuple(dict.fromkeys(source_of(reference) for reference in node.references()))
)


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """A model as a graph of named nodes.

    Attributes:
        name: the name of the Keras model.
        nodes: the nodes by name, in the order they were written.
        outputs: references to what the model returns, in order.
        inputs: the names of the Input nodes in the order of the model's inputs; empty means as written.
        trainable: whether training changes its weights, those of the models that it calls included.
    """

    name: str = "model"
    nodes: Mapping[str, Node] = {}
    outputs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    trainable: bool = True

    def input_names(self) -> tuple[str, ...]:
        """The names of the model's inputs, in order."""
        return self.inputs or tuple(name for name, node in self.nodes.items() if node.is_input)

    def output_names(self) -> tuple[str, ...]:
        """The names of the model's outputs, in order: losses, metrics and targets are keyed by them.

        They are the names of the output nodes; a node that gives several outputs adds its index: `lstm_1`.
        """
        sources = [source_of(reference) for reference in self.outputs]
        return tuple(
            source if sources.count(source) == 1 else f"{source}_{index_of(reference)}"
            for source, reference in zip(sources, self.outputs, strict=True)
        )

    def called(self) -> tuple[str, ...]:
        """The names of the nested models that its nodes call, each once."""
        targets = (node.target for node in self.nodes.values())
        return tuple(dict.fromkeys(target.model for target in targets if isinstance(target, Call)))

    def owner(self, name: str) -> str:
        """The name of the node that owns the layer that node `name` calls: often `name` itself."""
        node = self.nodes[name]
        seen = {name}
        while isinstance(node.target, Share) and node.target.node not in seen:
            name = node.target.node
            seen.add(name)
            node = self.nodes[name]
        return name

    def own(self, name: str) -> Node:
        """The node that owns the layer that node `name` calls: itself, or the one whose layer it shares."""
        return self.nodes[self.owner(name)]


def source_of(reference: str) -> str:
    """The node's name in a reference: `lstm` of `lstm:1`."""
    return reference.partition(":")[0]


def index_of(reference: str) -> int:
    """The output's index in a reference: 1 of `lstm:1`, 0 of `lstm`."""
    return int(reference.partition(":")[2] or 0)
