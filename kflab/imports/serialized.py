"""Objects as Keras serialises them, read as a document writes them: with what differs from the default."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind
from kflab.catalog.check import OBJECT_KINDS, named_object
from kflab.imports.found import Found
from kflab.values import Arguments, Value

FUNCTION, BOUND, CONSTANT = "function", "BoundActivation", "Constant"
_OWN_PACKAGES = ("keras", "tf_keras", "kflab")
_PLAIN_CLASSES = {"__numpy__", "__tensor__", "__bytes__", "ListWrapper", "__tuple__", "TensorShape"}
_POLICIES = {"DTypePolicy", "Policy", "PolicyV1", "FloatDTypePolicy"}
_NEVER_ONE = {"dims", "ngrams"}
"""Arguments where a list of one number, or of equal ones, means something else than the number."""
_CHANNELS_LAST = "channels_last"
_SAME_AS = {"strides": "pool_size", "value_dim": "key_dim"}
"""Arguments that take the value of another one where they are not given."""
_OLD_NAMES = {
    ("LeakyReLU", "alpha"): "negative_slope",
    ("Rescaling", "multiplier"): "scale",
    ("CategoryEncoding", "max_tokens"): "num_tokens",
}
"""Arguments of Keras 2 by the names that they have now."""
_LEFT_BEHIND = {"time_major", "implementation", "input_length", "batch_input_shape"}
"""Arguments of Keras 2 that changed how something was computed, not what."""
_RECORDED: Mapping[str, Value] = {
    "vocabulary_size": None,
    "oov_method": "floormod",
    "data_format": "channels_last",
    "groups": 1,
    "kernel_initializer": None,
    "query_shape": None,
    "key_shape": None,
    "value_shape": None,
}
"""What Keras records though it takes no such argument, with the value that says nothing; None is any."""
_FORCED = "zero_output_for_mask"
"""What a Bidirectional sets in its layers itself."""
_LEAST = (0, 1)
_MOST_NUMBERS = 4096
"""More numbers than this are weights, which no document holds."""


class SerializedReader:
    """Reads serialised objects by the catalog; what cannot be read is told to `found`."""

    def __init__(self, catalog: Catalog, found: Found) -> None:
        self._catalog, self._found = catalog, found

    def arguments(self, entry: Entry, config: Mapping[str, Value], where: str) -> dict[str, Value]:
        """The arguments that a config gives and that differ from their defaults, in the catalog's order.

        Args:
            entry: the class.
            config: what its `get_config` returned.
            where: the layer, for what is told about it.
        """
        given = {_OLD_NAMES.get((entry.name, key), key): raw for key, raw in config.items()}
        if entry.name == "Bidirectional":
            given |= {key: _unforced(given[key]) for key in ("layer", "backward_layer") if key in given}
        for key, raw in given.items():
            if key and key != "name" and entry.argument(key) is None:
                self._left_out(entry, key, raw, where)
        read: dict[str, Value] = {}
        for argument in entry.arguments:
            if argument.name not in given or (argument.name == "name" and entry.kind is Kind.LAYER):
                continue
            value = self._value(argument, given[argument.name], where)
            same = given.get(_SAME_AS.get(argument.name, ""))
            is_same = value is not None and _spelled(value) == _spelled(same)
            if not (self._is_default(argument, value) or is_same):
                read[argument.name] = _shortest(argument, value, entry)
        return self._without_mirror(read) if entry.name == "Bidirectional" else read

    def _left_out(self, entry: Entry, key: str, raw: Value, where: str) -> None:
        if key in _LEFT_BEHIND or raw is None or raw is False or raw in ([], {}):
            return
        if key in _RECORDED and _RECORDED[key] in (None, raw):
            return
        shown = repr(raw)
        shown = shown if len(shown) <= 40 else f"{shown[:39]}…"
        self._found.note(f"{where}: {entry.name} has no argument {key!r} here, so {shown} was left out")

    def _without_mirror(self, read: dict[str, Value]) -> dict[str, Value]:
        """The arguments of a Bidirectional without the backward layer that Keras makes of the forward one."""
        forward, backward = (named_object(read.get(key)) for key in ("layer", "backward_layer"))
        if forward and backward and forward[0] == backward[0]:
            here, there = (dict(arguments) for arguments in (forward[1], backward[1]))
            if (
                bool(here.pop("go_backwards", False)) != bool(there.pop("go_backwards", False))
                and here == there
            ):
                del read["backward_layer"]
        return read

    def _value(self, argument: Argument, raw: Value, where: str) -> Value:
        if argument.name == "dtype":
            return dtype_of(raw)
        if raw is None:
            return None
        if argument.kind in OBJECT_KINDS:
            return self.named(OBJECT_KINDS[argument.kind], raw, where)
        return self.plain(raw, where, argument.name)

    def plain(self, raw: Value, where: str, name: str = "") -> Value:
        """A value without the wrapping that Keras gives arrays, bytes and seeds."""
        if isinstance(raw, Mapping):
            held = raw.get("class_name")
            if held == "SeedGenerator" and isinstance(raw.get("config"), Mapping):
                return self.plain(_config(raw).get("seed"), where, name)
            if held in _PLAIN_CLASSES:
                config = raw.get("config", raw.get("items"))
                return self.plain(config["value"] if isinstance(config, Mapping) else config, where, name)
            if isinstance(held, str) and ("config" in raw or held.startswith("__")):
                what = "code" if held in {"__lambda__", FUNCTION} else f"the object {held!r}"
                self._found.refuse(
                    f"{where}: {name or 'an argument'} is {what}, which a document cannot hold"
                )
                return None
            return {str(key): self.plain(value, where, name) for key, value in raw.items()}
        if isinstance(raw, Sequence) and not isinstance(raw, str):
            return [self.plain(item, where, name) for item in raw]
        return raw

    def named(self, kind: Kind, raw: Value, where: str) -> Value:
        """A named object, or several in a list: `relu`, `{HeNormal: {seed: 1}}`.

        What cannot be read is told to `found`, and None takes its place.
        """
        if isinstance(raw, Sequence) and not isinstance(raw, str):
            return [self.named(kind, item, where) for item in raw]
        if kind is Kind.SCHEDULE and isinstance(raw, int | float):
            return shortest_float(raw)
        name, config = self._identify(kind, raw)
        if kind is Kind.INITIALIZER and name == CONSTANT and _count(config.get("value")) > _MOST_NUMBERS:
            self._found.note(f"{where}: its initial values are an array, which only its weights can bring in")
            return "zeros"
        entry = self._catalog.find(kind, name) or self._as_activation(kind, name)
        if entry is None or entry.unsafe:
            self._found.refuse(f"{where}: {kind} {name!r} is not one of Keras, and code cannot be brought in")
            return None
        arguments = self.arguments(entry, config, where)
        if entry.name == CONSTANT and kind is Kind.INITIALIZER:  # Keras knows no bare `constant`
            arguments.setdefault("value", 0.0)
        return {entry.name: arguments} if arguments or entry.kind is Kind.LAYER else spelling(entry)

    def _identify(self, kind: Kind, raw: Value) -> tuple[str, Mapping[str, Value]]:
        """The name of a serialised object and its config; a name that is nobody's where it is not Keras'."""
        if isinstance(raw, str):
            return raw, {}
        if not isinstance(raw, Mapping):
            return str(raw), {}
        name, config = str(raw.get("class_name", "")), raw.get("config")
        if name == FUNCTION or isinstance(config, str):
            return (str(config) if is_own(raw) else f"{raw.get('module')}.{config}"), {}
        if name == BOUND and isinstance(config, Mapping) and kind is Kind.ACTIVATION:
            arguments = config.get("arguments")
            return str(config.get("activation")), arguments if isinstance(arguments, Mapping) else {}
        if kind is Kind.ACTIVATION:  # a layer in its place, whose dtype is that of the layer it belongs to
            config = {key: value for key, value in _config(raw).items() if key not in {"dtype", "trainable"}}
            return (name if is_own(raw) else str(raw.get("registered_name") or name)), config
        return (name if is_own(raw) else str(raw.get("registered_name") or name)), _config(raw)

    def _as_activation(self, kind: Kind, name: str) -> Entry | None:
        """The activation that does what a layer given as one does: `leaky_relu` of `LeakyReLU`."""
        if kind is not Kind.ACTIVATION or self._catalog.find(Kind.LAYER, name) is None:
            return None
        wanted = name.lower()
        entries = self._catalog.entries(Kind.ACTIVATION)
        return next((entry for entry in entries if entry.name.replace("_", "") == wanted), None)

    def _is_default(self, argument: Argument, value: Value) -> bool:
        if argument.required:
            return False
        default = argument.default
        if argument.kind is ArgumentKind.ACTIVATION and value in ("linear", None):
            return default in ("linear", None)
        if argument.name == "data_format" and value == _CHANNELS_LAST:
            return default in {_CHANNELS_LAST, None}
        if argument.name == "dtype" and value == "float32":
            return True
        if value is None or default is None:
            return (value or None) is None and default is None
        if argument.kind in OBJECT_KINDS:
            return self._same_object(OBJECT_KINDS[argument.kind], value, default)
        return bool(_spelled(value) == _spelled(default))

    def _same_object(self, kind: Kind, value: Value, default: Value) -> bool:
        if isinstance(value, int | float) or isinstance(default, int | float):
            return value == default
        one, other = named_object(value), named_object(default)
        if one is None or other is None:
            return value == default
        return self._catalog.find(kind, one[0]) is self._catalog.find(kind, other[0]) and one[1] == other[1]


def is_own(raw: Mapping[str, Value]) -> bool:
    """Whether a serialised object is one of Keras' or kflab's own, by its module and its registered name."""
    package, is_registered, _ = str(raw.get("registered_name") or "").partition(">")
    if is_registered:
        return package.lower() in _OWN_PACKAGES
    module = raw.get("module")
    if module is None or module == "builtins":
        return True
    return str(module).split(".")[0] in _OWN_PACKAGES


def spelling(entry: Entry) -> str:
    """The name that people write for an entry without arguments: `he_normal` of `HeNormal`."""
    if entry.kind in {Kind.LOSS, Kind.METRIC, Kind.OPTIMIZER}:
        return entry.name
    same = entry.name.lower()
    return next(
        (alias for alias in entry.aliases if alias.islower() and alias.replace("_", "") == same), entry.name
    )


def dtype_of(raw: Value) -> Value:
    """The name of a dtype or of a dtype policy, however it is serialised."""
    if isinstance(raw, Mapping):
        config = _config(raw)
        if raw.get("class_name") in _POLICIES or "name" in config:
            return config.get("name")
        return None
    return raw


def shortest_float(number: float) -> float:
    """The number as a person wrote it, where it went through 32 bits: 0.001 of 0.0010000000474974513."""
    if isinstance(number, int):
        return number
    short = float(f"{number:.7g}")
    try:
        same = struct.pack("f", short) == struct.pack("f", number)
    except OverflowError:
        return number
    return short if same else number


def _unforced(layer: Value) -> Value:
    """A layer of a Bidirectional without what that sets itself."""
    if not isinstance(layer, Mapping):
        return layer
    return {**layer, "config": {key: value for key, value in _config(layer).items() if key != _FORCED}}


def _config(raw: Mapping[str, Value]) -> Mapping[str, Value]:
    config = raw.get("config")
    return config if isinstance(config, Mapping) else {}


def _count(value: Value) -> int:
    """How many numbers a value holds."""
    if isinstance(value, Mapping):
        return sum(_count(item) for item in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sum(_count(item) for item in value)
    return 1


def _spelled(value: Value) -> Value:
    """A number for a list of equal ones, so that 3, [3, 3] and [[3, 3], [3, 3]] are seen to be the same."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [_spelled(item) for item in value]
        equal = bool(items) and all(item == items[0] and type(item) is type(items[0]) for item in items)
        return items[0] if equal and isinstance(items[0], int) else items
    return value


def _shortest(argument: Argument, value: Value, entry: Entry) -> Value:
    """A value as people write it: 3 for [3, 3], where the argument of a layer takes either."""
    if entry.kind is not Kind.LAYER or not isinstance(value, Sequence) or isinstance(value, str):
        return value
    if argument.kind in {ArgumentKind.INT, ArgumentKind.FLOAT} and len(value) == 2 and value[0] in _LEAST:
        return value[1]  # the strength of an augmentation, which Keras keeps with the least there is
    takes_one = argument.kind in {ArgumentKind.INTS, ArgumentKind.INT} and argument.name not in _NEVER_ONE
    return _spelled(value) if takes_one else value


def as_arguments(value: Value) -> Arguments:
    """The value where it is a mapping, else no arguments."""
    return value if isinstance(value, Mapping) else {}
