"""Arguments as the file gives them, turned into arguments as a document holds them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind
from kflab.catalog.check import OBJECT_KINDS, check_value, named_object
from kflab.errors import did_you_mean
from kflab.imports.python.recorded import (
    DataArray,
    Distributed,
    LambdaObject,
    LayerObject,
    Made,
    ModelObject,
    Tensor,
)
from kflab.imports.python.things import (
    Builtin,
    Cause,
    Class,
    Function,
    Instance,
    Partial,
    Place,
    Ref,
    Unknown,
    Unreadable,
    causes_in,
)
from kflab.values import Value

_OLD_NAMES: Mapping[tuple[str, str], str] = {
    ("LeakyReLU", "alpha"): "negative_slope",
    ("leaky_relu", "alpha"): "negative_slope",
    ("relu", "alpha"): "negative_slope",
    ("ReLU", "alpha"): "negative_slope",
    ("Dropout", "p"): "rate",
    ("transpose", "perm"): "axes",
    ("concatenate", "values"): "xs",
    ("stack", "values"): "x",
    ("reshape", "shape"): "newshape",
    ("softmax", "logits"): "x",
    ("cast", "x"): "x",
}
"""Arguments that older versions of Keras and TensorFlow call by another name."""

_OLD_EVERYWHERE: Mapping[str, str] = {
    "lr": "learning_rate",
    "keep_dims": "keepdims",
    "input_tensor": "x",
    "features": "x",
    "tensor": "x",
}
_WITHOUT_EFFECT = frozenset({"implementation", "input_length", "time_major", "legacy", "ragged"})
_STARTING_VALUES = frozenset({"weights"})
_LONGEST = 60


class ArgumentReader:
    """Turns values of the file into values of a document.

    Args:
        catalog: what Keras offers.
        note: told what is left out, with its line.
    """

    def __init__(self, catalog: Catalog, note: Callable[[str, int], None]) -> None:
        self._catalog = catalog
        self._note = note

    def read(
        self,
        entry: Entry,
        positional: Sequence[object],
        named: Mapping[str, object],
        place: Place,
    ) -> dict[str, Value]:
        """The arguments of a class that differ from the default, by name.

        Raises:
            Unreadable: with every reason why one of them cannot be in a document.
        """
        known = [argument.name for argument in entry.arguments]
        causes: list[Cause] = []
        if len(positional) > len(known):
            causes.append(place.cause(f"has {len(positional)} arguments, {entry.name} takes {len(known)}"))
        given = dict(zip(known, positional, strict=False))
        for name, value in named.items():
            current = self._current(entry, name)
            if current is None:
                if value is not None and name not in _WITHOUT_EFFECT:
                    causes += self._not_taken(entry, name, known, place)
            else:
                given[current] = value
        found: dict[str, Value] = {}
        for name, value in given.items():
            argument = entry.argument(name)
            assert argument is not None
            try:
                plain = self._argument(entry, argument, value, place)
            except _LeftOut as left_out:
                self._note(left_out.message, place.line)
                continue
            except Unreadable as unreadable:
                causes += unreadable.causes
                continue
            if not self.is_default(argument, plain):
                found[name] = plain
        if causes:
            raise Unreadable(causes)
        return found

    def _current(self, entry: Entry, name: str) -> str | None:
        """The name that the catalog has for an argument, older names among it."""
        for candidate in (
            name,
            _OLD_NAMES.get((entry.name.removeprefix("ops."), name)),
            _OLD_EVERYWHERE.get(name),
        ):
            if candidate is not None and entry.argument(candidate) is not None:
                return candidate
        return None

    def older_name(self, entry: Entry, name: str, known: Set[str]) -> str:
        """What is called `name` now, among the arguments and tensors of an operation."""
        for candidate in (_OLD_NAMES.get((entry.name.removeprefix("ops."), name)), _OLD_EVERYWHERE.get(name)):
            if candidate in known and candidate is not None:
                return candidate
        return name

    def _not_taken(self, entry: Entry, name: str, known: Sequence[str], place: Place) -> list[Cause]:
        if entry.kind in (Kind.OPTIMIZER, Kind.CALLBACK, Kind.METRIC, Kind.LOSS) or name in _STARTING_VALUES:
            self._note(f"{entry.name} has no argument {name!r} any more; it is left out", place.line)
            return []
        return [
            place.cause(f"gives {entry.name} {name!r}, which it does not have{did_you_mean(name, known)}")
        ]

    def _argument(self, entry: Entry, argument: Argument, value: object, place: Place) -> Value:
        unknown = causes_in([value])
        if unknown or isinstance(value, DataArray):
            if argument.kind is ArgumentKind.INITIALIZER or argument.name in _STARTING_VALUES:
                raise _LeftOut(f"the {argument.name} of {entry.name} depends on data; it has its default")
            raise Unreadable(unknown or [place.cause("depends on data that is not read", definable=True)])
        plain = self._plain(argument, value, place, entry)
        problem = next(iter(check_value(argument, plain, self._catalog)), None)
        if problem is not None:
            why = f"gives {entry.name} a {argument.name} that does not fit: {problem.message}"
            raise Unreadable([place.cause(why)])
        return plain

    def _plain(self, argument: Argument, value: object, place: Place, entry: Entry) -> Value:
        if argument.kind is ArgumentKind.INITIALIZER and isinstance(value, Function | Partial):
            raise _LeftOut(f"the {argument.name} of {entry.name} is {_kind_of(value)}; it has its default")
        if argument.kind in OBJECT_KINDS:
            return self._object(argument, value, place, entry)
        if argument.kind is ArgumentKind.SHAPE and isinstance(value, int) and not isinstance(value, bool):
            return [value]
        if argument.kind in (ArgumentKind.INT, ArgumentKind.INTS, ArgumentKind.SHAPE):
            value = _whole(value)
        if isinstance(value, Ref) and (
            argument.name == "dtype" or argument.kind in (ArgumentKind.TEXT, ArgumentKind.ANY)
        ):
            return value.last.removesuffix("_")
        return self.value(value, place, f"the {argument.name} of {entry.name}")

    def value(self, value: object, place: Place, what: str) -> Value:
        """A plain value of the file as a value of a document.

        Raises:
            Unreadable: it is something else.
        """
        if isinstance(value, Unknown):
            raise Unreadable(value.causes)
        if isinstance(value, float) and not math.isfinite(value):
            raise Unreadable([place.cause(f"is no finite number, as {what}")])
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, list | tuple | range):
            return [self.value(item, place, what) for item in value]
        if isinstance(value, set | frozenset):
            return [self.value(item, place, what) for item in sorted(value, key=repr)]
        if isinstance(value, dict):
            return {str(key): self.value(item, place, what) for key, item in value.items()}
        if isinstance(value, Made):
            return value.value()
        if isinstance(value, Ref):
            return value.last
        raise Unreadable([place.cause(f"is {_kind_of(value)}, which cannot be {what}")])

    def _object(self, argument: Argument, value: object, place: Place, entry: Entry) -> Value:
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        if isinstance(value, list | tuple):
            return [self._object(argument, item, place, entry) for item in value]
        if isinstance(value, Made):
            return value.value()
        if isinstance(value, dict):
            return self._from_config(value, place)
        kind = OBJECT_KINDS[argument.kind]
        found: Value = None
        if isinstance(value, LayerObject):
            found = self._layer_given(kind, value, place)
        elif isinstance(value, str | Ref):
            found = self._name_given(kind, value, place)
        if found is None:
            raise Unreadable([place.cause(f"gives {entry.name} {_kind_of(value)} as {argument.name}")])
        return found

    def _layer_given(self, kind: Kind, layer: LayerObject, place: Place) -> Value:
        if kind is Kind.ACTIVATION:
            return self._as_activation(layer, place)
        return {layer.layer: dict(layer.arguments)} if layer.arguments else layer.layer

    def _name_given(self, kind: Kind, value: str | Ref, place: Place) -> Value:
        """An object that is named only: by text, or by its class or function."""
        name = value if isinstance(value, str) else value.last
        found = self.find(kind, name)
        if isinstance(value, str):
            return name if found is None or kind is not Kind.ACTIVATION else found.name
        if found is None and kind is Kind.ACTIVATION:
            layer = self._catalog.find(Kind.LAYER, name)
            if layer is not None and not layer.unsafe:
                return self._as_activation(LayerObject(layer.name, {}, place.line), place)
        return None if found is None else found.name

    def find(self, kind: Kind, name: str) -> Entry | None:
        """The entry of a kind; of an operation, whichever module of `keras.ops` it stands in."""
        return self._catalog.find(kind, name)

    def _from_config(self, value: Mapping[object, object], place: Place) -> Value:
        """An object as `serialize` gives it: `{"class_name": ..., "config": {...}}`."""
        name, config = value.get("class_name"), value.get("config")
        plain = self.value(dict(config) if isinstance(config, dict) else {}, place, "the config of an object")
        if isinstance(name, str):
            return {name: plain} if plain else name
        return self.value(dict(value), place, "an object")

    def _as_activation(self, layer: LayerObject, place: Place) -> Value:
        """A layer such as LeakyReLU, given where Keras takes an activation."""
        wanted = layer.layer.lower()
        for entry in self._catalog.entries(Kind.ACTIVATION):
            if entry.name.replace("_", "") == wanted and all(map(entry.argument, layer.arguments)):
                return {entry.name: dict(layer.arguments)} if layer.arguments else entry.name
        raise Unreadable(
            [place.cause(f"is the layer {layer.layer}, for which there is no activation function")]
        )

    def is_default(self, argument: Argument, value: Value) -> bool:
        """Whether an argument with this value is the same as without."""
        if argument.required:
            return False
        default = argument.default
        if value == default and type(value) is type(default):
            return True
        if isinstance(value, int | float) and isinstance(default, int | float):
            return value == default and isinstance(value, bool) is isinstance(default, bool)
        if (
            argument.kind is ArgumentKind.INTS
            and isinstance(default, Sequence)
            and not isinstance(default, str)
        ):
            return isinstance(value, int) and all(item == value for item in default)
        if argument.kind is ArgumentKind.ACTIVATION and default is None:
            return value == "linear"
        kind = OBJECT_KINDS.get(argument.kind)
        if kind is None or value is None or default is None:
            return False
        ours, theirs = named_object(value), named_object(default)
        if ours is None or theirs is None or ours[1] != theirs[1]:
            return False
        entry = self._catalog.find(kind, ours[0])
        return entry is not None and entry is self._catalog.find(kind, theirs[0])


class _LeftOut(Exception):  # noqa: N818 - the argument has its default, which a note tells
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def _whole(value: object) -> object:
    """Whole numbers that were worked out as floats, as whole numbers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list | tuple):
        return [_whole(item) for item in value]
    return value


_WORDS: Sequence[tuple[type | tuple[type, ...], str]] = (
    (Partial, "a function of the file"),
    (Tensor, "a tensor"),
    (LambdaObject, "a Lambda layer"),
    ((ModelObject, Distributed), "a model"),
    (slice, "a slice"),
)


def _kind_of(value: object) -> str:
    """What something is, in the words of an error."""
    match value:
        case Function():
            return "a lambda" if value.name == "a lambda" else f"{value.name}, a function of the file"
        case LayerObject():
            return f"a {value.layer} layer"
        case Class():
            return f"{value.name}, a class of the file"
        case Instance():
            return f"an object of {value.kind.name}, a class of the file"
        case Builtin() | Ref():
            return value.name if isinstance(value, Builtin) else value.path
    return next((words for types, words in _WORDS if isinstance(value, types)), f"a {type(value).__name__}")
