"""What gives an output its values: the activation at its end, through all that only moves values around."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import msgspec

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.check import named_object
from kflab.diagnose.fixes import Assign, Replace, SetArguments, Step
from kflab.experiment import Experiment
from kflab.graph.nodes import Call, Graph, Layer, Node, Op, index_of, source_of
from kflab.values import Arguments, Value

LINEAR = "linear"
"""The activation of a layer that says none."""

ACTIVATION = "activation"
"""The argument that says what a layer does with its result, and the group of the layers that do only that."""

Range = tuple[float, float]

_RANGES: Mapping[str, Range] = {
    "celu": (-1.0, math.inf),
    "elu": (-1.0, math.inf),
    "exponential": (0.0, math.inf),
    "gelu": (-0.17, math.inf),
    "hard_sigmoid": (0.0, 1.0),
    "hard_silu": (-0.375, math.inf),
    "hard_tanh": (-1.0, 1.0),
    "log_sigmoid": (-math.inf, 0.0),
    "log_softmax": (-math.inf, 0.0),
    "mish": (-0.309, math.inf),
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "selu": (-1.759, math.inf),
    "sigmoid": (0.0, 1.0),
    "silu": (-0.279, math.inf),
    "softmax": (0.0, 1.0),
    "softplus": (0.0, math.inf),
    "softsign": (-1.0, 1.0),
    "sparse_plus": (0.0, math.inf),
    "sparse_sigmoid": (0.0, 1.0),
    "sparsemax": (0.0, 1.0),
    "squareplus": (0.0, math.inf),
    "tanh": (-1.0, 1.0),
}
"""The values that an activation with its default arguments can give; others can give any."""

MOVING = frozenset(
    {
        "ActivityRegularization",
        "AlphaDropout",
        "Cropping1D",
        "Cropping2D",
        "Cropping3D",
        "Dropout",
        "Flatten",
        "Identity",
        "Masking",
        "Permute",
        "RepeatVector",
        "Reshape",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
    }
)
"""Layers that leave every value as it is, or drop it."""

MOVING_OPS = frozenset(
    f"ops.{name}"
    for name in ("cast", "expand_dims", "moveaxis", "reshape", "squeeze", "swapaxes", "transpose")
)
"""Operations that leave every value as it is."""


class Ending(msgspec.Struct, frozen=True):
    """What gives an output its values.

    Attributes:
        activation: the name of the activation.
        arguments: the arguments of the activation.
        graph: the nested model that it is in, or "" for the main model.
        node: the node that applies it.
        is_argument: it is an argument of that node's layer, and not a layer or operation of its own.
        wrapper: the layer around the one whose argument it is, such as `TimeDistributed`.
        moved: something moves its values around before they are the output's.
        is_required: its argument has no default, so that it can not be left out.
        is_common: several nodes do the same, and the output is the mean of what they give.
    """

    activation: str
    arguments: Arguments
    graph: str
    node: str
    is_argument: bool = False
    wrapper: tuple[str, ...] = ()
    moved: bool = False
    is_required: bool = False
    is_common: bool = False

    @property
    def range(self) -> Range:
        """The least and the greatest value that it can give."""
        if self.arguments:
            return _range_of(self.activation, self.arguments)
        return _RANGES.get(self.activation, (-math.inf, math.inf))

    def becomes(self, activation: str) -> Step | None:
        """The step of a fix that puts another activation in its place; nothing where that takes more."""
        value = None if activation == LINEAR and not self.is_required else activation
        if self.is_common:
            return None
        if self.wrapper:
            section = ("models", self.graph) if self.graph else ("model",)
            return Assign((*section, "nodes", self.node, *self.wrapper, ACTIVATION), value)
        if not self.is_argument:
            return Replace(self.node, "Activation", {ACTIVATION: activation}, graph=self.graph)
        if value is None:
            return SetArguments(self.node, reset=(ACTIVATION,), graph=self.graph)
        return SetArguments(self.node, {ACTIVATION: value}, graph=self.graph)


def _range_of(activation: str, arguments: Arguments) -> Range:
    low, high = _RANGES.get(activation, (-math.inf, math.inf))
    if activation == "relu":
        slope, most = arguments.get("negative_slope"), arguments.get("max_value")
        return (
            -math.inf if slope else low,
            float(most) if isinstance(most, int | float) else high,
        )
    if activation in {"elu", "celu"}:
        alpha = arguments.get("alpha")
        return (-float(alpha) if isinstance(alpha, int | float) else low, high)
    return low, high


@functools.cache
def _activation_of(layer: str) -> str:
    """The activation that a layer such as `LeakyReLU` applies; "" where there is no such function."""
    return next(
        (
            entry.name
            for entry in catalog.load().entries(Kind.ACTIVATION)
            if entry.name.replace("_", "") == layer.lower()
        ),
        "",
    )


def ending(experiment: Experiment, reference: str) -> Ending | None:
    """What gives an output of the main model its values, or nothing where that can not be told."""
    return _Search(experiment).follow("", reference, ())


_Calls = tuple[tuple[str, Node], ...]
"""The calls of nested models on the way: the graph that each is in, and its node."""


class _Search:
    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._catalog = catalog.load()
        self._left = 1000  # a graph may run in a circle

    def follow(self, graph: str, reference: str, calls: _Calls) -> Ending | None:
        self._left -= 1
        value = self._graph(graph)
        name = source_of(reference)
        if self._left < 0 or value is None or name not in value.nodes:
            return None
        node, target = value.nodes[name], value.own(name).target
        match target:
            case Layer("Input") if calls:
                return self._from_caller(value, name, calls)
            case Layer(layer, arguments):
                return self._layer(graph, name, node, layer, arguments, calls)
            case Op(operation, arguments):
                return self._operation(graph, name, node, operation, arguments, calls)
            case Call(model):
                nested = self._graph(model)
                place = index_of(reference)
                if (
                    nested is None
                    or place >= len(nested.outputs)
                    or len(calls) > len(self._experiment.models)
                ):
                    return None
                return self.follow(model, nested.outputs[place], (*calls, (graph, node)))
            case _:
                return None

    def _graph(self, name: str) -> Graph | None:
        return self._experiment.models.get(name) if name else self._experiment.model

    def _from_caller(self, nested: Graph, name: str, calls: _Calls) -> Ending | None:
        graph, node = calls[-1]
        names = nested.input_names()
        place = names.index(name) if name in names else len(node.inputs)
        return self.follow(graph, node.inputs[place], calls[:-1]) if place < len(node.inputs) else None

    def _behind(self, graph: str, node: Node, calls: _Calls) -> Ending | None:
        """The ending of what a node moves around."""
        found = self.follow(graph, node.inputs[0], calls) if node.inputs else None
        return found and msgspec.structs.replace(found, moved=True)

    def _layer(
        self, graph: str, name: str, node: Node, layer: str, arguments: Arguments, calls: _Calls
    ) -> Ending | None:
        entry = self._catalog.find(Kind.LAYER, layer)
        if entry is None:
            return None
        if entry.name in MOVING:
            return self._behind(graph, node, calls)
        if entry.name == "Average":
            return self._common(graph, node, calls)
        if entry.name == "Activation":
            found = self._of(arguments.get(ACTIVATION), graph, name, is_argument=True)
            return found and msgspec.structs.replace(found, is_required=True)
        if entry.group == ACTIVATION:
            same = _activation_of(entry.name)
            return Ending(same, arguments, graph, name) if same else None
        if entry.name == "TimeDistributed":
            return self._wrapped(graph, name, arguments)
        described = entry.argument(ACTIVATION)
        if described is None:
            return None
        return self._of(arguments.get(ACTIVATION, described.default), graph, name, is_argument=True)

    def _wrapped(self, graph: str, name: str, arguments: Arguments) -> Ending | None:
        inner = named_object(arguments.get("layer"))
        entry = self._catalog.find(Kind.LAYER, inner[0]) if inner else None
        described = entry.argument(ACTIVATION) if entry else None
        if inner is None or described is None:
            return None
        found = self._of(inner[1].get(ACTIVATION, described.default), graph, name, is_argument=True)
        return found and msgspec.structs.replace(found, wrapper=("TimeDistributed", "layer", inner[0]))

    def _operation(
        self, graph: str, name: str, node: Node, operation: str, arguments: Arguments, calls: _Calls
    ) -> Ending | None:
        if operation in MOVING_OPS:
            return self._behind(graph, node, calls)
        alone = operation.removeprefix("ops.").removeprefix("nn.")
        return self._of({alone: arguments}, graph, name) if self._activation(alone) else None

    def _activation(self, name: str) -> str | None:
        entry = self._catalog.find(Kind.ACTIVATION, name)
        return entry.name if entry else None

    def _of(self, value: Value, graph: str, node: str, *, is_argument: bool = False) -> Ending | None:
        if value is None:
            return Ending(LINEAR, {}, graph, node, is_argument)
        named = named_object(value)
        activation = self._activation(named[0]) if named else None
        if named is None or activation is None:
            return None
        return Ending(activation, named[1], graph, node, is_argument)

    def _common(self, graph: str, node: Node, calls: _Calls) -> Ending | None:
        """The mean of probabilities is one, so several endings that are the same are one."""
        found = [self.follow(graph, reference, calls) for reference in node.inputs]
        first = found[0] if found else None
        if first is None or any(other is None or other.activation != first.activation for other in found):
            return None
        return msgspec.structs.replace(first, moved=True, is_common=True)
