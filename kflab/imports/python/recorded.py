"""What a Python file makes of Keras, as it is read: layers, calls, tensors and models, none of them real."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from kflab.catalog import Kind
from kflab.graph.nodes import INPUT
from kflab.imports.python.things import Cause, Place
from kflab.values import Arguments, Value


class ShapeTuple(tuple[object, ...]):
    """A shape, which TensorFlow's users also ask for as a list."""

    __slots__ = ()

    def as_list(self) -> list[object]:
        """The shape as a list."""
        return list(self)


@dataclasses.dataclass(eq=False)
class Made:
    """An object of Keras that is no layer: an initializer, an optimizer, a loss.

    Attributes:
        kind: what it is.
        name: its canonical name in the catalog.
        arguments: its arguments that are not the default.
        line: where it is made.
    """

    kind: Kind
    name: str
    arguments: Arguments
    line: int

    def value(self) -> Value:
        """The object as a document writes it."""
        return {self.name: dict(self.arguments)} if self.arguments else self.name


@dataclasses.dataclass(eq=False)
class LayerObject:
    """A layer.

    Attributes:
        layer: its class.
        arguments: its arguments that are not the default.
        line: where it is made.
        name: the name that the file gives it.
        hint: the variable that it was first given to.
        takes: the arguments of the Input that it tells, as `input_shape` does.
        calls: its calls, in order.
    """

    layer: str
    arguments: dict[str, Value]
    line: int
    name: str = ""
    hint: str = ""
    takes: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    calls: list[TensorCall] = dataclasses.field(default_factory=list)

    @property
    def is_input(self) -> bool:
        """Whether it is an Input."""
        return self.layer == INPUT


@dataclasses.dataclass(eq=False)
class LambdaObject:
    """A Lambda layer: the function of the file that it calls is read in its place."""

    function: object
    named: Mapping[str, object]
    line: int
    takes: Mapping[str, Value] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(eq=False)
class Distributed:
    """A whole model under `TimeDistributed`; its layers are distributed one by one.

    Attributes:
        model: the model.
        arguments: the arguments of `TimeDistributed` besides the model.
        line: where it is made.
        layers: the layers that stand for it, made at its first call.
    """

    model: ModelObject
    arguments: Mapping[str, Value]
    line: int
    takes: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    layers: list[LayerObject] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(eq=False)
class Operation:
    """One call of a function of `keras.ops` with its arguments that are no tensors."""

    op: str
    arguments: Arguments


class TensorSpec(NamedTuple):
    """Shape, batch axis first, and dtype of a tensor."""

    shape: tuple[int | None, ...]
    dtype: str


@dataclasses.dataclass(eq=False)
class TensorCall:
    """A call that gives tensors: a node of a graph to be.

    Attributes:
        number: its place in the order of all calls.
        target: what is called.
        inputs: the tensors it is called with, in order.
        named: tensors by the name of an argument.
        arguments: other arguments of the call.
        line: where it stands.
        hint: the variable that what it gives was first given to.
        count: how many tensors it gives.
        specs: shape and dtype of each, once Keras was asked.
        name: the name that the file gives the operation.
    """

    number: int
    target: LayerObject | ModelObject | Operation
    inputs: tuple[Tensor, ...]
    named: Mapping[str, Tensor | tuple[Tensor, ...]]
    arguments: Arguments
    line: int
    hint: str = ""
    count: int = 1
    specs: tuple[TensorSpec, ...] = ()
    name: str = ""

    def tensors(self) -> list[Tensor]:
        """Every tensor it is called with."""
        found = list(self.inputs)
        for value in self.named.values():
            found += [value] if isinstance(value, Tensor) else value
        return found


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One of the tensors that a call gives."""

    call: TensorCall
    index: int = 0


@dataclasses.dataclass(eq=False)
class Compiled:
    """What `compile` or `fit` was called with."""

    named: Mapping[str, object]
    place: Place


@dataclasses.dataclass(eq=False)
class ModelObject:
    """A model: functional, or a stack of layers that more can be added to.

    Attributes:
        line: where it is made.
        name: the name that the file gives it.
        hint: the variable that it was first given to.
        inputs: its input tensors; of a stack, once it was asked for them.
        outputs: its output tensors.
        output_keys: the keys of the outputs, where they are a mapping.
        input_keys: the keys of the inputs, where they are a mapping.
        stack: the layers of a Sequential, in order; None for a functional model.
        trainable: whether its weights are trained.
        causes: why it cannot be read.
        compiled: what `compile` was called with last.
        fitted: what `fit` was called with first.
        takes: the arguments of the Input of a stack that was told its shape by `build` or by a call.
        realized: how many layers of the stack the tensors were made for.
        calls: its calls, in order.
        application: the name of the architecture of `keras.applications` that it is.
    """

    line: int
    name: str = ""
    hint: str = ""
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    input_keys: tuple[str, ...] = ()
    output_keys: tuple[str, ...] = ()
    stack: list[object] | None = None
    trainable: bool = True
    causes: list[Cause] = dataclasses.field(default_factory=list)
    compiled: Compiled | None = None
    fitted: Compiled | None = None
    takes: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    realized: int = -1
    calls: list[TensorCall] = dataclasses.field(default_factory=list)
    application: str = ""


@dataclasses.dataclass(frozen=True)
class DataArray:
    """An array of a dataset that Keras downloads, known by its shape alone.

    Attributes:
        source: the dataset.
        role: `x` for samples, `y` for targets.
        shape: its shape, samples first.
        train: whether it is of the training samples.
        scale: what the samples were divided by.
        one_hot: whether the targets were made rows of 0s and a single 1.
        standard: whether each feature was brought to mean 0 and standard deviation 1.
        changed: what else was done to it.
    """

    source: str
    role: str
    shape: tuple[int | None, ...]
    train: bool = True
    scale: float = 1.0
    one_hot: bool = False
    standard: bool = False
    changed: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Statistic:
    """The mean or standard deviation of the features of an array."""

    array: DataArray
    name: str
