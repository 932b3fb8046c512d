"""Objects of Keras as the code that makes them: layers, optimizers, losses, initializers..."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping, Sequence

from kflab import catalog
from kflab.catalog import Argument, ArgumentKind, Entry, Kind
from kflab.catalog.activations import same_layer
from kflab.catalog.check import OBJECT_KINDS, named_object
from kflab.catalog.groups import CHOSEN_BY_LOSS
from kflab.code.layout import Expression, called, flat, lines, listed, literal, quoted
from kflab.code.names import OWN
from kflab.errors import KflabError
from kflab.values import Arguments, Value

_PLACES: Mapping[Kind, str] = {
    Kind.LAYER: "layers",
    Kind.OP: "ops",
    Kind.OPTIMIZER: "keras.optimizers",
    Kind.LOSS: "keras.losses",
    Kind.METRIC: "keras.metrics",
    Kind.CALLBACK: "keras.callbacks",
    Kind.SCHEDULE: "keras.optimizers.schedules",
    Kind.INITIALIZER: "keras.initializers",
    Kind.REGULARIZER: "keras.regularizers",
    Kind.CONSTRAINT: "keras.constraints",
    Kind.ACTIVATION: "keras.activations",
}

_POSITIONAL = {Kind.LAYER: 2, Kind.SCHEDULE: 1, Kind.CALLBACK: 1}
"""How many required arguments everybody knows by their place; those of other kinds are named."""

_NAMED_GROUP = "attention"
"""The group of layers whose sizes nobody tells apart by their places: `num_heads=2, key_dim=8`."""

_BY_STRING = {Kind.INITIALIZER, Kind.REGULARIZER, Kind.CONSTRAINT, Kind.LOSS}
"""The kinds that Keras knows by a short string where no argument is given."""

_NEVER_BARE = "Constant"
"""What Keras does not make of its name alone, though all its arguments have defaults."""

ARRAY = "np.array"
"""What makes numbers that stand for a tensor into one."""

_TUPLES = {ArgumentKind.INTS, ArgumentKind.FLOATS, ArgumentKind.SHAPE}


class CodeError(KflabError):
    """Something of an experiment that no code can be written for; the text says what and why."""


class Objects:
    """Writes objects of Keras, and keeps the functions that some of them need.

    Attributes:
        functions: the functions that what was written refers to, as lines, by their names.
    """

    def __init__(self) -> None:
        self.functions: dict[str, list[str]] = {}
        self._catalog = catalog.load()

    def entry(self, kind: Kind, name: str) -> Entry:
        """The entry of something that code may name.

        Raises:
            CodeError: the catalog does not have it, or it holds code of its own.
        """
        entry = self._catalog.find(kind, name)
        if entry is None:
            raise CodeError(f"there is no {kind} {name!r}")
        if entry.unsafe:
            raise CodeError(f"{entry.name} holds code, which a document cannot carry")
        return entry

    def make(
        self, kind: Kind, name: str, arguments: Arguments, extra: Mapping[str, Expression] | None = None
    ) -> Expression:
        """The call that makes an object.

        Args:
            kind: what it is.
            name: its name in the catalog.
            arguments: its arguments; those that are at their defaults are left out.
            extra: arguments that no document has, such as `name`, last.

        Raises:
            CodeError: it is unknown, or an argument is no name that Python could take.
        """
        entry = self.entry(kind, name)
        given = dict(self.arguments(entry, arguments))
        positional = []
        known = 0 if entry.group == _NAMED_GROUP else _POSITIONAL.get(kind, 0)
        for argument in entry.arguments[:known]:
            if not argument.required or argument.name not in given:
                break
            positional.append(given.pop(argument.name))
        first = entry.arguments[0] if entry.arguments else None
        if first is not None and first.name in given and _is_known_by_place(kind, first, len(given)):
            positional.append(given.pop(first.name))
        function = f"{_PLACES[kind]}.{entry.name.removeprefix('ops.')}"
        return called(function, positional, {**given, **(extra or {})})

    def arguments(self, entry: Entry, arguments: Arguments) -> Iterator[tuple[str, Expression]]:
        """The arguments that differ from their defaults, in the order of the signature.

        Raises:
            CodeError: an argument is no name that Python could take.
        """
        places = {argument.name: index for index, argument in enumerate(entry.arguments)}
        for name in sorted(arguments, key=lambda name: places.get(name, len(places))):
            argument = entry.argument(name)
            if argument is None:
                yield checked(name), literal(arguments[name])
            elif argument.required or not self._is_default(argument, arguments[name]):
                value = arguments[name]
                if entry.kind is Kind.OP and isinstance(value, list) and _stands_for_tensor(entry, argument):
                    yield name, _array(value)
                else:
                    yield name, self._value(argument, value)

    def string_or_call(self, kind: Kind, name: str, arguments: Arguments) -> Expression:
        """An object by its short string where Keras knows one and no argument differs from its default."""
        entry = self.entry(kind, name)
        name = short_name(entry)
        if name and not dict(self.arguments(entry, arguments)):
            return quoted(name)
        return self.make(kind, entry.name, arguments)

    def metric(self, name: str, arguments: Arguments) -> Expression:
        """A metric; a short name is kept, since Keras logs the values under it."""
        entry = self.entry(Kind.METRIC, name)
        if entry.group == CHOSEN_BY_LOSS:
            return quoted(name)
        if not arguments and name != entry.name:
            return quoted(name)
        return self.make(Kind.METRIC, name, arguments)

    def _value(self, argument: Argument, value: Value) -> Expression:
        if argument.kind in OBJECT_KINDS and value is not None:
            return self._object(argument, value)
        return literal(value, tuples=argument.kind in _TUPLES)

    def _object(self, argument: Argument, value: Value) -> Expression:
        kind = OBJECT_KINDS[argument.kind]
        if isinstance(value, Sequence) and not isinstance(value, str):
            return listed(self._object(argument, item) for item in value)
        if kind is Kind.SCHEDULE and isinstance(value, int | float):
            return literal(value)
        named = named_object(value)
        if named is None:
            raise CodeError(f"{argument.name}: expected a name or {{Name: {{arguments}}}}")
        name, arguments = named
        if kind is Kind.ACTIVATION:
            return self._activation(name, arguments)
        if kind is Kind.METRIC:
            return self.metric(name, arguments)
        return (self.string_or_call if kind in _BY_STRING else self.make)(kind, name, arguments)

    def _activation(self, name: str, arguments: Arguments) -> Expression:
        entry = self.entry(Kind.ACTIVATION, name)
        if not arguments:
            return quoted(entry.name)
        layer = same_layer(entry.name, arguments)
        if layer is not None:
            return self.make(Kind.LAYER, layer.name, arguments)
        given = {checked(key): literal(value) for key, value in arguments.items()}
        body = called(f"keras.activations.{entry.name}", ("x",), given)
        for function, written in self.functions.items():
            if written[-1].strip() == f"return {flat(body)}":
                return function
        function = f"{OWN}{entry.name}{len(self.functions) + 1 if self.functions else ''}"
        self.functions[function] = [
            "@keras.saving.register_keras_serializable()",
            f"def {function}(x):",
            *lines(body, 1, "return "),
        ]
        return function

    def _is_default(self, argument: Argument, value: Value) -> bool:
        default = argument.default
        if argument.kind in OBJECT_KINDS and argument.kind is not ArgumentKind.SCHEDULE:
            kind = OBJECT_KINDS[argument.kind]
            return self._identity(kind, value) == self._identity(kind, default)
        return _same(value, default)

    def _identity(self, kind: Kind, value: Value) -> object:
        """What an object is, whatever name it goes by, as far as it has no arguments of its own."""
        named = named_object(value)
        if named is None or named[1]:
            return value
        entry = self._catalog.find(kind, named[0])
        return (entry.name,) if entry else value


def _is_known_by_place(kind: Kind, first: Argument, count: int) -> bool:
    """Whether an optional first argument is given without its name: `MaxPooling2D(2)`, `L2(1e-4)`."""
    if kind is Kind.LAYER:
        return first.kind is ArgumentKind.INTS and first.name != "axis"
    return kind in (Kind.REGULARIZER, Kind.CONSTRAINT) and count == 1


def _stands_for_tensor(entry: Entry, argument: Argument) -> bool:
    """Whether numbers stand in the place of a tensor (`x2` of `ops.multiply`), where Keras takes no list."""
    return argument.kind is ArgumentKind.FLOATS and any(
        tensor.name == argument.name for tensor in entry.tensors
    )


def _array(value: Value) -> Expression:
    """Numbers as an array, of the dtype that Keras has for such numbers."""
    dtype = "float32" if any(isinstance(number, float) for number in _numbers(value)) else "int32"
    return called(ARRAY, [literal(value), quoted(dtype)])


def _numbers(value: Value) -> Iterator[Value]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _numbers(item)
    else:
        yield value


def short_name(entry: Entry) -> str:
    """The string that people write for an object without arguments, `he_normal` or `adam`; "" for none."""
    if entry.name == _NEVER_BARE:
        return ""
    together = entry.name.lower()
    if together in entry.aliases:
        return together
    return next((alias for alias in entry.aliases if alias.replace("_", "") == together), "")


def checked(name: str) -> str:
    """The name of an argument.

    Raises:
        CodeError: Python would not take it for one.
    """
    if not (name.isidentifier() and name.isascii()) or keyword.iskeyword(name):
        raise CodeError(f"{name!r} cannot be the name of an argument")
    return name


def _same(value: Value, default: Value) -> bool:
    """Whether two plain values are the same, whole and broken numbers alike."""
    if isinstance(value, bool) or isinstance(default, bool):
        return value is default
    if isinstance(value, str | Mapping) or isinstance(default, str | Mapping):
        return value == default
    if isinstance(value, Sequence) and isinstance(default, Sequence):
        return len(value) == len(default) and all(map(_same, value, default))
    return value == default
