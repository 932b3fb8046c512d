"""Keras objects made from the names and arguments of a document. No code of a document ever runs."""

from __future__ import annotations

import functools
import operator
import re
import types
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import keras
import numpy as np

import kflab.catalog
from kflab.catalog import Argument, ArgumentKind, Entry, Kind, UnknownNameError, subscripts
from kflab.catalog.activations import same_layer
from kflab.catalog.check import OBJECT_KINDS, TABLE_ARGUMENT, is_table, named_object
from kflab.catalog.groups import CHOSEN_BY_LOSS
from kflab.errors import KflabError
from kflab.values import Arguments, Value

MODULES: Mapping[Kind, types.ModuleType] = {
    Kind.LAYER: keras.layers,
    Kind.OPTIMIZER: keras.optimizers,
    Kind.LOSS: keras.losses,
    Kind.METRIC: keras.metrics,
    Kind.CALLBACK: keras.callbacks,
    Kind.SCHEDULE: keras.optimizers.schedules,
    Kind.INITIALIZER: keras.initializers,
    Kind.REGULARIZER: keras.regularizers,
    Kind.CONSTRAINT: keras.constraints,
    Kind.ACTIVATION: keras.activations,
    Kind.OP: keras.ops,
}
"""The public module of Keras that each kind stands in."""

SUBSCRIPT = "ops.get_item"
"""The operation whose `key` is written as text: `x[:, 0]` is `{ops.get_item: {key: ":, 0"}}`."""

_NEVER_BARE = "Constant"
"""The initializer that Keras does not make of its name alone, though all its arguments have defaults."""

_DTYPES = {"f": "float32", "i": "int32"}
"""What Keras makes of numbers by the kind of their array: what a script without NumPy would get."""

_TUPLES = {ArgumentKind.INTS, ArgumentKind.FLOATS, ArgumentKind.SHAPE}
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_WRAPPING = re.compile(
    r"^Exception encountered when calling[^\n]*\n+(.*?)(\n+Arguments received by.*)?$", re.DOTALL
)
_CALL = re.compile(r"^(\w+)\.__init__\(\) ")


class ObjectError(KflabError):
    """Keras refused to make an object; the text says why in one line."""


def make(kind: Kind, name: str, arguments: Arguments, /, **extra: object) -> object:
    """A Keras object of the catalog.

    A metric that Keras chooses by the loss (`accuracy`) is its name. An operation or activation is a function
    of its tensors, with the arguments bound. Whatever else an argument names is made on the way.

    Args:
        kind: what it is.
        name: its name or alias in the catalog.
        arguments: its arguments, as the document has them.
        extra: arguments that no document has, such as the `name` of a layer.

    Raises:
        ObjectError: there is no such object, it holds code, or Keras does not accept the arguments.
    """
    try:
        entry = kflab.catalog.load().get(kind, name)
    except UnknownNameError as error:
        raise ObjectError(str(error)) from None
    if entry.unsafe:
        raise ObjectError(f"{entry.name} holds code, which a document cannot carry")
    if entry.group == CHOSEN_BY_LOSS:
        return entry.name
    # In the order of the signature: objects with random numbers of their own draw a seed when they are made.
    places = {argument.name: index for index, argument in enumerate(entry.arguments)}
    given = sorted(arguments.items(), key=lambda item: places.get(item[0], len(places)))
    values = {key: _value(entry, key, value) for key, value in given}
    if kind is Kind.ACTIVATION:
        return _activation(entry, values)
    target = find(kind, entry.name)
    if kind is Kind.OP:
        return functools.partial(target, **values)
    return _call(entry.name, target, values | extra)


def find(kind: Kind, name: str) -> Callable[..., object]:
    """The class or function of Keras that a canonical name of the catalog stands for."""
    return cast(Callable[..., object], operator.attrgetter(name.removeprefix("ops."))(MODULES[kind]))


def _call(name: str, target: Callable[..., object], values: Mapping[str, object]) -> object:
    try:
        return target(**values)
    except KflabError:
        raise
    except Exception as error:
        raise ObjectError(complaint(name, error)) from error


def complaint(name: str, error: Exception) -> str:
    """What Keras says is wrong, in one line: without colours, wrapping and the list of all arguments."""
    text = _ANSI.sub("", str(error)).strip()
    wrapped = _WRAPPING.match(text)
    text = " ".join((wrapped.group(1) if wrapped else text).split("\n\n")[0].split())
    text = _CALL.sub("", text)
    if "could not be deserialized" in text:
        return f"{name}: what is inside of it does not fit there"
    if not text:
        return f"{name}: {type(error).__name__}"
    return text if name in text or isinstance(error, ImportError) else f"{name}: {text}"


def _value(entry: Entry, key: str, value: Value) -> object:
    """The value of an argument as Keras wants it."""
    argument = entry.argument(key)
    if argument is None or value is None:
        return value
    if entry.name == SUBSCRIPT and isinstance(value, str):
        return _subscript(value)
    if entry.kind is Kind.OP and isinstance(value, list) and _stands_for_tensor(entry, argument):
        numbers = np.asarray(value)
        return numbers.astype(_DTYPES.get(numbers.dtype.kind, numbers.dtype))
    if argument.kind is ArgumentKind.SCHEDULE:
        return _by_epoch(argument, value) if entry.kind is Kind.CALLBACK else _schedule(argument, value)
    if argument.kind in OBJECT_KINDS:
        return _object(argument, value)
    return _tuples(value) if argument.kind in _TUPLES else value


def _stands_for_tensor(entry: Entry, argument: Argument) -> bool:
    """Whether numbers stand in the place of a tensor (`x2` of `ops.multiply`), where Keras takes no list."""
    return argument.kind is ArgumentKind.FLOATS and any(
        tensor.name == argument.name for tensor in entry.tensors
    )


def _subscript(text: str) -> object:
    try:
        return subscripts.parse(text)
    except ValueError as error:
        raise ObjectError(str(error)) from None


def _tuples(value: Value) -> object:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_tuples(item) for item in value)
    return value


def _object(argument: Argument, value: Value) -> object:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_object(argument, item) for item in value]
    named = named_object(value)
    if named is None:
        raise ObjectError(f"{argument.name}: expected a name or {{Name: {{arguments}}}}, got {value!r}")
    kind, (name, arguments) = OBJECT_KINDS[argument.kind], named
    entry = kflab.catalog.load().find(kind, name)
    if kind is Kind.INITIALIZER and entry is not None and not arguments and entry.name != _NEVER_BARE:
        # Left to the layer, which makes its initializers in an order of its own, as it does in a script.
        return entry.name
    return make(kind, name, arguments)


def _schedule(argument: Argument, value: Value) -> object:
    # A rate of 1 is a whole number in a document, and Keras takes none.
    return float(value) if isinstance(value, int | float) else _object(argument, value)


def _by_epoch(argument: Argument, value: Value) -> Callable[..., float]:
    """The function that `LearningRateScheduler` asks at the start of each epoch.

    A schedule is asked with the number of the epoch where an optimizer would ask it with that of the step, so
    its `decay_steps` count epochs. A table gives the rate from an epoch on; before its first epoch the rate
    stays as it is.
    """
    if argument.name == TABLE_ARGUMENT and is_table(value) and isinstance(value, Mapping):
        table = sorted((int(epoch), float(cast(float, rate))) for epoch, rate in value.items())

        def from_table(epoch: int, rate: float) -> float:
            return next((new for start, new in reversed(table) if start <= epoch), float(rate))

        return from_table
    if isinstance(value, int | float):
        constant = float(value)
        return lambda _epoch: constant
    schedule = cast(Callable[[int], object], _object(argument, value))

    def from_schedule(epoch: int) -> float:
        return float(keras.ops.convert_to_numpy(schedule(epoch)))

    return from_schedule


def _activation(entry: Entry, values: Mapping[str, object]) -> object:
    """The activation function; with arguments of its own, something callable that a saved model keeps."""
    function = find(Kind.ACTIVATION, entry.name)
    if not values:
        return function
    layer = same_layer(entry.name, values)
    if layer is not None:
        return _call(entry.name, find(Kind.LAYER, layer.name), values)
    return BoundActivation(entry.name, dict(values))


@keras.saving.register_keras_serializable(package="kflab")
class BoundActivation:
    """An activation function with its arguments, in a form that Keras can save with a model."""

    def __init__(self, activation: str, arguments: dict[str, object]) -> None:
        self.activation, self.arguments = activation, arguments
        self._function = find(Kind.ACTIVATION, activation)
        self.__name__ = activation

    def __call__(self, tensor: object) -> object:
        """The activation of a tensor."""
        return self._function(tensor, **self.arguments)

    def get_config(self) -> dict[str, object]:
        """What Keras saves."""
        return {"activation": self.activation, "arguments": self.arguments}

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> BoundActivation:
        """The activation that Keras saved.

        Raises:
            ObjectError: the configuration names no activation of the catalog.
        """
        made = make(Kind.ACTIVATION, str(config["activation"]), cast(Arguments, config["arguments"]))
        if not isinstance(made, cls):
            raise ObjectError(f"{config['activation']} has no arguments to bind")
        return made
