"""From a plain document to an experiment: its shape is checked here, its meaning in `verify`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar, get_args, get_origin

import msgspec

from kflab.catalog import Catalog, Kind
from kflab.document.yaml_text import Path
from kflab.errors import did_you_mean
from kflab.experiment import EVERY_OUTPUT, VERSION, Data, Experiment, Spec, Training
from kflab.graph.nodes import NAME, Call, Graph, Layer, Node, Op, Share, Target
from kflab.values import Value

T = TypeVar("T", bound=msgspec.Struct)

SHARE, MODEL, FROM, CALL = "share", "model", "from", "call"
OP = "ops."


class ProblemError(ValueError):
    """Something in a document that can not be used: what, the way to it, and the rule that says so if any."""

    def __init__(self, path: Path, message: str, code: str = "") -> None:
        super().__init__(message)
        self.path, self.message, self.code = path, message, code


class Remembered:
    """Nodes that were decoded before: what is written the same way becomes the same object.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._nodes: dict[bytes, Node] = {}

    def node(self, value: Value, path: Path) -> Node:
        """The node that a part of a document describes.

        Raises:
            ProblemError: it describes none.
        """
        # Not compared as values: 1 is not true in a document.
        key = msgspec.json.encode(value)
        node = self._nodes.get(key)
        if node is None:
            if len(self._nodes) >= self._most:
                self._nodes.clear()
            node = self._nodes[key] = _node(value, path)
        return node


def experiment(
    plain: Mapping[str, Value], catalog: Catalog, remembered: Remembered | None = None
) -> Experiment:
    """The experiment that a plain document describes.

    Args:
        plain: the document.
        catalog: what Keras offers.
        remembered: nodes that were decoded before; those of this document are added.

    Raises:
        ProblemError: the document has not the form of an experiment.
    """
    node = remembered.node if remembered is not None else _node
    _version(plain)
    _known(plain, Experiment.__struct_fields__, ())
    if "model" not in plain:
        raise ProblemError((), "'model' is missing: the graph")
    models = _mapping(plain.get("models", {}), ("models",))
    for name in models:
        _name(name, ("models", name))
    data = _mapping(plain.get("data", {}), ("data",))
    training = _mapping(plain.get("training", {}), ("training",))
    rest = {key: plain[key] for key in ("kflab", "title", "notes", "result", "ignore") if key in plain}
    return Experiment(
        data=_data(data),
        model=_graph(plain["model"], ("model",), "", node),
        models={name: _graph(value, ("models", name), name, node) for name, value in models.items()},
        training=_training(training, catalog),
        **msgspec.structs.asdict(_convert(rest, _Heading, ())),
    )


class _Heading(msgspec.Struct, frozen=True):
    kflab: int = VERSION
    title: str = ""
    notes: str = ""
    result: Mapping[str, str] = {}
    ignore: tuple[str, ...] = ()


def _version(plain: Mapping[str, Value]) -> None:
    version = plain.get("kflab", VERSION)
    if isinstance(version, bool) or not isinstance(version, int):
        raise ProblemError(("kflab",), f"expected the number of the document format, got {_shown(version)}")
    if version > VERSION:
        raise ProblemError(
            ("kflab",),
            f"format {version} was written by a newer kflab; this one reads up to {VERSION}: upgrade kflab",
        )
    if version < 1:
        raise ProblemError(("kflab",), f"there is no format {version}; expected {VERSION}")


def _known(plain: Mapping[str, Value], names: Sequence[str], path: Path) -> None:
    for key in plain:
        if key not in names:
            hint = did_you_mean(key, names) or f"; expected one of {', '.join(names)}"
            raise ProblemError((*path, key), f"unknown key {key!r}{hint}")


def _shown(value: Value) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list"
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _mapping(value: Value, path: Path, what: str = "a mapping") -> Mapping[str, Value]:
    if not isinstance(value, Mapping):
        raise ProblemError(path, f"expected {what}, got {_shown(value)}")
    return value


def _text(value: Value, path: Path, what: str) -> str:
    if not isinstance(value, str):
        raise ProblemError(path, f"expected {what}, got {_shown(value)}")
    return value


def _name(name: str, path: Path) -> None:
    if not NAME.fullmatch(name):
        raise ProblemError(
            path, f"{name!r} is no name; expected letters, digits, '_', '-' or '.', a letter first"
        )


def _convert(plain: Mapping[str, Value], kind: type[T], path: Path) -> T:
    """The typed form of a section; an error of msgspec comes back with the way to the value."""
    _known(plain, tuple(field.name for field in msgspec.structs.fields(kind)), path)
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        keys = place.strip("`").removeprefix("$").partition("[")[0].split(".")[1:]
        value: Value = plain
        where, wanted = path, plain_words(message)
        for key in keys:
            if not isinstance(value, Mapping) or key not in value:
                break
            value, where = value[key], (*where, key)
        if choices := _choices(kind, keys):
            wanted = f"expected one of {', '.join(choices)}"
        got = "" if isinstance(value, Mapping) else f", got {_shown(value)}"
        raise ProblemError(where, f"{wanted}{got}") from None


def _choices(kind: object, keys: Sequence[str]) -> tuple[str, ...]:
    """What can be chosen for a setting of a section, where it is one of some words."""
    for key in keys:
        structs = [part for part in (kind, *get_args(kind)) if isinstance(part, type)]
        sections = [part for part in structs if issubclass(part, msgspec.Struct)]
        types = [f.type for section in sections for f in msgspec.structs.fields(section) if f.name == key]
        if not types:
            return ()
        kind = types[0]
    parts = [kind] if get_origin(kind) is Literal else [p for p in get_args(kind) if p is not type(None)]
    words = [word for part in parts if get_origin(part) is Literal for word in get_args(part) if word]
    if not words:
        return ()
    return (*words, "a mapping") if any(get_origin(part) is not Literal for part in parts) else tuple(words)


def plain_words(message: str) -> str:
    """An error of msgspec in the words of a document."""
    text = message.partition(", got")[0].replace("`", "")
    for own, plain in (
        ("str", "text"),
        ("int", "a whole number"),
        ("float", "a number"),
        ("Object contains unknown field", "unknown key"),
        ("object", "a mapping"),
        ("bool", "true or false"),
    ):
        text = re.sub(rf"\b{own}\b", plain, text)
    return text[:1].lower() + text[1:]


def _graph(value: Value, path: Path, name: str, decode: Callable[[Value, Path], Node]) -> Graph:
    plain = _mapping(value, path, "a mapping with 'nodes' and 'outputs'")
    _known(plain, Graph.__struct_fields__, path)
    nodes = _mapping(
        plain.get("nodes", {}), (*path, "nodes"), "a mapping from the name of each node to its layer"
    )
    own = _text(plain.get("name", name or "model"), (*path, "name"), "the model's name")
    _name(own, (*path, "name"))
    for key in nodes:
        _name(key, (*path, "nodes", key))
    return Graph(
        name=own,
        nodes={key: decode(node, (*path, "nodes", key)) for key, node in nodes.items()},
        outputs=_references(plain.get("outputs", []), (*path, "outputs")),
        inputs=_references(plain.get("inputs", []), (*path, "inputs")),
        trainable=_flag(plain.get("trainable", True), (*path, "trainable")),
    )


def _flag(value: Value, path: Path) -> bool:
    if not isinstance(value, bool):
        raise ProblemError(path, f"expected true or false, got {_shown(value)}")
    return value


def _references(value: Value, path: Path) -> tuple[str, ...]:
    if isinstance(value, str):
        return (_reference(value, path),)
    if isinstance(value, Sequence):
        return tuple(_reference(item, (*path, index)) for index, item in enumerate(value))
    raise ProblemError(path, f"expected the name of a node or a list of names, got {_shown(value)}")


def _reference(value: Value, path: Path) -> str:
    text = _text(value, path, "the name of a node")
    source, colon, index = text.partition(":")
    if colon and not (index.isascii() and index.isdigit() and len(index) < 6):
        raise ProblemError(path, f"expected a reference such as {source}:1, got {text!r}")
    return text


def _node(value: Value, path: Path) -> Node:
    plain = _mapping(value, path, "a node such as {Dense: {units: 10}, from: image}")
    calls = [key for key in plain if key not in {FROM, CALL}]
    if len(calls) != 1:
        wanted = "a node such as {Dense: {units: 10}, from: image}"
        got = f"{len(calls)} layers: {', '.join(calls)}" if calls else "no layer"
        raise ProblemError(path, f"expected {wanted}, got {got}")
    (called,) = calls
    inputs: tuple[str, ...] = ()
    named: dict[str, str | tuple[str, ...]] = {}
    fed = plain.get(FROM, [])
    if isinstance(fed, Mapping):
        positions = sorted((key for key in fed if key.isdigit()), key=int)
        inputs = tuple(_reference(fed[key], (*path, FROM, key)) for key in positions)
        for key, item in fed.items():
            where = (*path, FROM, key)
            if key in positions:
                continue
            named[key] = _reference(item, where) if isinstance(item, str) else _references(item, where)
    else:
        inputs = _references(fed, (*path, FROM))
    call = _mapping(plain.get(CALL, {}), (*path, CALL), "the arguments of the call")
    return Node(_target(called, plain[called], (*path, called)), inputs, named, call)


def _target(called: str, value: Value, path: Path) -> Target:
    if called == SHARE:
        return Share(_text(value, path, "the name of the node whose layer is shared"))
    if called == MODEL:
        return Call(_text(value, path, "the name of a nested model"))
    arguments = _mapping({} if value is None else value, path, f"the arguments of {called}")
    return Op(called, arguments) if called.startswith(OP) else Layer(called, arguments)


def spec(value: Value, path: Path, what: str) -> Spec:
    """A named object: `Adam`, or `{Adam: {learning_rate: 1e-3}}`.

    Raises:
        ProblemError: it is neither.
    """
    if isinstance(value, str):
        return Spec(value)
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, arguments),) = value.items()
        given = _mapping({} if arguments is None else arguments, (*path, name), f"the arguments of {name}")
        return Spec(name, given)
    raise ProblemError(
        path, f"expected {what} such as Name or {{Name: {{argument: value}}}}, got {_shown(value)}"
    )


def _data(plain: Mapping[str, Value]) -> Data:
    steps = ("prepare", "augment")
    _known(plain, Data.__struct_fields__, ("data",))
    rest = {key: value for key, value in plain.items() if key not in steps}
    changes = {key: _steps(plain[key], ("data", key)) for key in steps if plain.get(key) is not None}
    return msgspec.structs.replace(_convert(rest, Data, ("data",)), **changes)


def _steps(value: Value, path: Path) -> Mapping[str, tuple[Spec, ...]]:
    """What is done to each array, in order; a single step needs no list."""
    made: dict[str, tuple[Spec, ...]] = {}
    for array, given in _mapping(value, path, "a mapping from an array to its steps").items():
        where = (*path, array)
        items = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
        made[array] = tuple(
            spec(item, (*where, index), "a preprocessing layer") for index, item in enumerate(items)
        )
    return made


def _training(plain: Mapping[str, Value], catalog: Catalog) -> Training:
    special = {"optimizer", "loss", "metrics", "callbacks"}
    _known(plain, Training.__struct_fields__, ("training",))
    base = _convert(
        {key: value for key, value in plain.items() if key not in special}, Training, ("training",)
    )
    changes: dict[str, object] = {}
    if "optimizer" in plain:
        changes["optimizer"] = spec(plain["optimizer"], ("training", "optimizer"), "an optimizer")
    if plain.get("loss") is not None:
        changes["loss"] = _loss(plain["loss"], catalog)
    if plain.get("metrics") is not None:
        changes["metrics"] = _metrics(plain["metrics"])
    if plain.get("callbacks") is not None:
        changes["callbacks"] = _callbacks(plain["callbacks"])
    return msgspec.structs.replace(base, **changes)


def _loss(value: Value, catalog: Catalog) -> Mapping[str, Spec]:
    """One loss for all outputs, or a mapping by output: a mapping whose one key is a loss is that loss."""
    path = ("training", "loss")
    if isinstance(value, Mapping):
        names = list(value)
        one = len(names) == 1 and catalog.find(Kind.LOSS, names[0]) is not None
        arguments = value[names[0]] if names else None
        if not (one and (arguments is None or isinstance(arguments, Mapping))):
            return {output: spec(item, (*path, output), "a loss") for output, item in value.items()}
    return {EVERY_OUTPUT: spec(value, path, "a loss")}


def _metrics(value: Value) -> Mapping[str, tuple[Spec, ...]]:
    path = ("training", "metrics")
    if isinstance(value, Mapping):
        return {output: _specs(item, (*path, output), "a metric") for output, item in value.items()}
    return {EVERY_OUTPUT: _specs(value, path, "a metric")}


def _specs(value: Value, path: Path, what: str) -> tuple[Spec, ...]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(spec(item, (*path, index), what) for index, item in enumerate(value))
    return (spec(value, path, what),)


def _callbacks(value: Value) -> tuple[Spec, ...]:
    path = ("training", "callbacks")
    if isinstance(value, Mapping):
        return tuple(
            Spec(name, _mapping({} if given is None else given, (*path, name), f"the arguments of {name}"))
            for name, given in value.items()
        )
    return _specs(value, path, "a callback")
