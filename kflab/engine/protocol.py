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


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bytes that training takes at its peak, by what they are for.

    Attributes:
        weights: all weights.
        gradients: one number for each trainable weight, and what the optimizer computes with at a time.
        slots: what the optimizer keeps for each.
        activations: what is kept of one batch for the backward pass, and what layers need to work in.
        batch: the samples of the batches that are under way.
        runtime: what the backend takes for the compiled steps of such a model, whatever the batch size.
    """

    weights: int = 0
    gradients: int = 0
    slots: int = 0
    activations: int = 0
    batch: int = 0
    runtime: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return sum(msgspec.structs.astuple(self))


class LayerCost(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one node costs: `flops` of the forward pass of one sample, `bytes` kept of one batch."""

    node: str
    flops: int = 0
    bytes: int = 0
    graph: str = ""


class Cost(msgspec.Struct, frozen=True, omit_defaults=True):
    """What training will cost, told from shapes.

    Attributes:
        memory: what it takes at its peak.
        available: bytes that the device has; 0 where that is not known.
        device: the device that they are of, such as `gpu:0`.
        flops: floating-point operations of the forward pass of one sample, a multiplication and an addition
            counted as two.
        nodes: what each node costs, in the order of the graph.
    """

    memory: Memory = Memory()
    available: int = 0
    device: str = ""
    flops: int = 0
    nodes: tuple[LayerCost, ...] = ()


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call that Keras refuses, for a rule that can tell why better than Keras does.

    Attributes:
        node: the node that is the call.
        graph: the nested model it is in, or "" for the main model.
        axes: how many axes the layer expects of its first input, the batch axis among them; 0 where it does
            not say so, or where the input has as many.
    """

    node: str
    graph: str = ""
    axes: int = 0


class Report(msgspec.Struct, frozen=True):
    """The engine's answer about an experiment.

    Attributes:
        model: the main model.
        models: the nested models by name.
        findings: what is wrong, in the order of the graph.
        cost: what training will cost.
        failures: the nodes that Keras refuses to call; each is among the findings, too.
    """

    model: GraphReport = GraphReport()
    models: Mapping[str, GraphReport] = {}
    findings: tuple[Finding, ...] = ()
    cost: Cost = Cost()
    failures: tuple[Failure, ...] = ()


class SmokeResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a smoke step measured: real batches, forward and backward.

    Attributes:
        step_seconds: a step once the model is compiled.
        first_step_seconds: the first step, which compiles it.
        loss: the loss of the first batch; None where it is no finite number.
        chance: the loss that a model that knows nothing would have; None where that can not be told.
        steps: the steps of an epoch.
        epoch_seconds: an epoch, validation included, as estimated.
        run_seconds: all epochs, as estimated.
        peak_bytes: memory that training took.
        device: where it ran.
    """

    step_seconds: float
    first_step_seconds: float
    loss: float | None
    chance: float | None = None
    steps: int = 0
    epoch_seconds: float = 0.0
    run_seconds: float = 0.0
    peak_bytes: int = 0
    device: str = ""


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


class Smoke(msgspec.Struct, frozen=True, tag="smoke", omit_defaults=True):
    """Ask for a smoke step of an experiment; `base` is the folder that its paths start from."""

    id: int
    document: Mapping[str, Value]
    base: str = ""


class Smoked(msgspec.Struct, frozen=True, tag="smoked", omit_defaults=True):
    """What the smoke step measured, or the findings that stand in its way."""

    id: int
    result: SmokeResult | None = None
    findings: tuple[Finding, ...] = ()


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """A request that could not be answered, with the reason in one line."""

    id: int
    reason: str


Request: TypeAlias = Inspect | Summarize | Smoke
Reply: TypeAlias = Hello | Inspected | Summarized | Smoked | Refused
