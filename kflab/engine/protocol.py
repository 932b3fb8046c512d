"""What crosses the engine's pipes: one JSON message a line, both ways. Needs no Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from kflab.diagnose.findings import Finding
from kflab.graph.nesting import Tensors
from kflab.graph.references import plain_reference
from kflab.values import Value

Shape: TypeAlias = tuple[int | None, ...]
"""A shape with its batch axis first: (None, 28, 28, 1)."""


class TensorReport(msgspec.Struct, frozen=True):
    """Shape (batch axis first) and dtype of one tensor."""

    shape: Shape
    dtype: str


class NodeReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a node turned out to be.

    Attributes:
        layer: the name of the class, nested model or operation it calls.
        outputs: what it returns; empty when it could not be told.
        params: the weights of its layer, counted as numbers. A shared layer's stand at the node that owns it;
            nodes that share it have 0.
        trainable: how many of them are trained.
        inputs: the references it is called with.
    """

    layer: str
    outputs: tuple[TensorReport, ...] = ()
    params: int = 0
    trainable: int = 0
    inputs: tuple[str, ...] = ()


class Totals(msgspec.Struct, frozen=True):
    """Counts of a whole model; memory in bytes.

    Attributes:
        total: all weights, each shared one once.
        trainable: those that are trained.
        non_trainable: the rest.
        weight_bytes: memory of all weights at their dtype.
        training_bytes: an estimate for training: weights, gradients and optimizer slots of 4 bytes each, and
            the activations of one batch.
    """

    total: int = 0
    trainable: int = 0
    non_trainable: int = 0
    weight_bytes: int = 0
    training_bytes: int = 0


class GraphReport(msgspec.Struct, frozen=True):
    """What a graph turned out to be: its nodes in the order of the document, and its counts."""

    nodes: Mapping[str, NodeReport] = {}
    totals: Totals = Totals()

    def tensors(self) -> Tensors:
        """What each reference to one of its nodes stands for, as far as it is known."""
        return {
            plain_reference(f"{name}:{index}"): (output.shape[1:], output.dtype)
            for name, node in self.nodes.items()
            for index, output in enumerate(node.outputs)
        }


class Report(msgspec.Struct, frozen=True):
    """The engine's answer about an experiment.

    Attributes:
        model: the main model.
        models: the nested models by name.
        findings: what is wrong, in the order of the graph.
    """

    model: GraphReport = GraphReport()
    models: Mapping[str, GraphReport] = {}
    findings: tuple[Finding, ...] = ()


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The first message of an engine: it is ready. `devices` as in `('cpu',)` or `('cpu', 'gpu:0')`."""

    backend: str
    keras: str
    devices: tuple[str, ...] = ()


class Inspect(msgspec.Struct, frozen=True, tag="inspect"):
    """Ask for the report of an experiment, sent as its document. Answered by `Inspected`."""

    id: int
    document: Mapping[str, Value]


class Inspected(msgspec.Struct, frozen=True, tag="inspected"):
    """The report that request `id` asked for; `seconds` is what it took."""

    id: int
    report: Report
    seconds: float


class Summarize(msgspec.Struct, frozen=True, tag="summarize"):
    """Ask for the Keras summary as text, `width` columns wide, of the model or the nested model `graph`."""

    id: int
    document: Mapping[str, Value]
    width: int = 80
    graph: str = ""


class Summarized(msgspec.Struct, frozen=True, tag="summarized"):
    """The summary's lines, or the findings that stand in its way."""

    id: int
    text: str = ""
    findings: tuple[Finding, ...] = ()


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """A request that could not be answered, with the reason in one line."""

    id: int
    reason: str


Request: TypeAlias = Inspect | Summarize
Reply: TypeAlias = Hello | Inspected | Summarized | Refused
