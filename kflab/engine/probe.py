"""What one call gives: shapes, dtypes and counts of weights; as a pure function, remembered."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

import keras

from kflab.engine import call_costs, calls
from kflab.engine.build import Builder, make_input, make_layer
from kflab.engine.call_costs import CallCost
from kflab.engine.messages import expected_axes, explain
from kflab.engine.protocol import Shape
from kflab.engine.specs import Spec, item_bytes
from kflab.errors import KflabError
from kflab.graph.arranging import Arranged
from kflab.values import Arguments, canonical

REMEMBERED = 20_000
"""How many outcomes are kept; a graph of 200 nodes has at most 200."""


class Weights(NamedTuple):
    """Counts of the weights of a layer and their memory.

    Attributes:
        total: all numbers.
        trainable: those that are trained.
        bytes: memory of all.
        variables: the tensors that the trained ones are in.
        largest: the numbers of the largest of these.
    """

    total: int = 0
    trainable: int = 0
    bytes: int = 0
    variables: int = 0
    largest: int = 0

    def frozen(self) -> Weights:
        """The same weights where none is trained."""
        return Weights(self.total, bytes=self.bytes)


def together(weights: Iterable[Weights]) -> Weights:
    """The counts of several layers as those of one."""
    every = list(weights)
    return Weights(
        total=sum(each.total for each in every),
        trainable=sum(each.trainable for each in every),
        bytes=sum(each.bytes for each in every),
        variables=sum(each.variables for each in every),
        largest=max((each.largest for each in every), default=0),
    )


class Outcome(NamedTuple):
    """What a call gives, and what it costs, or the reason why it fails; `axes` as in `protocol.Failure`."""

    outputs: tuple[Spec, ...] = ()
    weights: Weights = Weights()
    failure: str = ""
    axes: int = 0
    cost: CallCost = CallCost()


class OwnLayer(NamedTuple):
    """A layer: its class, its arguments, and the call that builds it."""

    name: str
    arguments: bytes
    arranged: Arranged
    call: bytes


class Memo:
    """Outcomes by what was called; the ones not asked for longest go first."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._outcomes: OrderedDict[Hashable, Outcome] = OrderedDict()

    def get(self, key: Hashable, compute: Callable[[], Outcome]) -> Outcome:
        """The outcome under `key`, computed if it is not remembered."""
        outcome = self._outcomes.get(key)
        if outcome is None:
            outcome = self._outcomes[key] = compute()
            if len(self._outcomes) > self._most:
                self._outcomes.popitem(last=False)
        else:
            self._outcomes.move_to_end(key)
        return outcome

    def __len__(self) -> int:
        return len(self._outcomes)


class Probe:
    """Calls layers, models and operations on specs instead of data. Use inside `without_weights`."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._memo = Memo(most)

    def input(self, name: str, arguments: Arguments) -> Outcome:
        """What an Input gives."""
        key = ("input", canonical(arguments))
        return self._memo.get(key, lambda: _attempt(lambda: [make_input(name, arguments)], "Input", ()))

    def layer(self, name: str, arguments: Arguments, arranged: Arranged, call: Arguments) -> Outcome:
        """What the first call of a layer gives: it builds the layer, so the outcome has its weights."""
        key = OwnLayer(name, canonical(arguments), arranged, canonical(call))
        return self._memo.get(key, lambda: _first_call(name, arguments, arranged, call))

    def again(
        self, owner: OwnLayer, arguments: Arguments, call: Arguments, arranged: Arranged, later: Arguments
    ) -> Outcome:
        """What a later call of a layer gives, that its owner has built.

        Args:
            owner: the layer, as its owner calls it.
            arguments: the arguments of the layer.
            call: the owner's other arguments of the call.
            arranged: the tensors of the later call.
            later: the other arguments of the later call.
        """
        key = (owner, arranged, canonical(later))

        def compute() -> Outcome:
            layer = make_layer(owner.name, arguments)
            calls.call(layer, _tensors(owner.arranged), call)
            shapes = shapes_of(arranged)
            outcome = _attempt(
                lambda: calls.call(layer, _tensors(arranged), later), owner.name, shapes, layer
            )
            return outcome._replace(cost=call_costs.layer_cost(layer, arranged, outcome.outputs))

        return self._memo.get(key, compute)

    def operation(self, name: str, arguments: Arguments, arranged: Arranged) -> Outcome:
        """What an operation of `keras.ops` gives."""
        key = ("op", name, canonical(arguments), arranged)

        def compute() -> Outcome:
            shapes = shapes_of(arranged)
            outcome = _attempt(lambda: calls.call_op(name, _tensors(arranged), arguments), name, shapes)
            cost = call_costs.operation_cost(name, arguments, arranged, outcome.outputs)
            return outcome._replace(cost=cost)

        return self._memo.get(key, compute)

    def model(
        self, builder: Builder, name: str, content: bytes, arranged: Arranged, call: Arguments
    ) -> Outcome:
        """What a nested model gives when it is called with other shapes than its inputs'.

        Args:
            builder: builds the model.
            name: the model's name in the document.
            content: all that the model is made of, as the key it is remembered by.
            arranged: the tensors of the call.
            call: the other arguments of the call.
        """
        key = ("model", content, arranged, canonical(call))

        def compute() -> Outcome:
            model = builder.model(name)
            shapes = shapes_of(arranged)
            return _attempt(lambda: calls.call(model, _tensors(arranged), call), name, shapes, model)

        return self._memo.get(key, compute)


def shapes_of(arranged: Arranged) -> list[Shape]:
    """The shapes in an arrangement, in order."""
    shapes: list[Shape] = []

    def note(spec: object) -> None:
        assert isinstance(spec, Spec)
        shapes.append(spec.shape)

    calls.each(arranged, note)
    return shapes


def weights_of(layer: keras.layers.Layer) -> Weights:
    """Counts and memory of a layer's weights.

    Each weight says itself whether it is trained: a layer around others whose argument `trainable` is false
    calls none of them trained, but the model that it is in trains those of the layers inside.
    """
    sizes = [(math.prod(weight.shape), weight) for weight in layer.weights]
    trained = [size for size, weight in sizes if weight.trainable]
    return Weights(
        total=sum(size for size, _ in sizes),
        trainable=sum(trained),
        bytes=sum(size * item_bytes(weight.dtype) for size, weight in sizes),
        variables=len(trained),
        largest=max(trained, default=0),
    )


def _first_call(name: str, arguments: Arguments, arranged: Arranged, call: Arguments) -> Outcome:
    shapes = shapes_of(arranged)
    try:
        layer = make_layer(name, arguments)
    except KflabError as error:
        return Outcome(failure=str(error))
    outcome = _attempt(lambda: calls.call(layer, _tensors(arranged), call), name, shapes, layer)
    if outcome.failure:
        return outcome
    cost = call_costs.layer_cost(layer, arranged, outcome.outputs)
    return outcome._replace(weights=weights_of(layer), cost=cost)


def _attempt(
    work: Callable[[], Sequence[keras.KerasTensor]],
    name: str,
    shapes: Sequence[Shape],
    layer: keras.layers.Layer | None = None,
) -> Outcome:
    try:
        tensors = work()
    except Exception as error:  # noqa: BLE001 - whatever Keras raises about a call is the finding
        axes = expected_axes(layer, shapes) if layer is not None else 0
        return Outcome(failure=explain(error, name, shapes, layer), axes=axes)
    return Outcome(tuple(_spec(tensor) for tensor in tensors))


def _spec(tensor: keras.KerasTensor) -> Spec:
    return Spec(
        tuple(None if size is None else int(size) for size in tensor.shape),
        keras.backend.standardize_dtype(tensor.dtype),
        bool(tensor.sparse),
        bool(getattr(tensor, "ragged", False)),
    )


def _tensors(arranged: Arranged) -> Arranged:
    def tensor(spec: object) -> object:
        assert isinstance(spec, Spec)
        return keras.KerasTensor(spec.shape, dtype=spec.dtype, sparse=spec.sparse, ragged=spec.ragged)

    return calls.each(arranged, tensor)
