"""One call of a layer, a model or an operation as a node of a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from kflab.catalog import Argument, ArgumentKind, Entry
from kflab.graph.nodes import Call, Node, Op
from kflab.imports import operations
from kflab.imports.calls import (
    LayerCall,
    SliceError,
    Tensor,
    is_nothing,
    only_tensors,
    subscript,
    tensors_in,
)
from kflab.imports.serialized import dtype_of
from kflab.values import Value

if TYPE_CHECKING:
    from kflab.imports.models import Config, ModelReader

Reference = Callable[[Tensor], str]
_SUBSCRIPT = "ops.get_item"
_OLD_SLICE = "slice_spec"
_OWN_MODE = {"BatchNormalization"}
"""Layers that people call with `training=False`; for most, Keras writes it at every call as the default."""


class NotExpressibleError(ValueError):
    """A call that no node of a document can make; the text says why."""


def of_layer(entry: Entry, call: LayerCall, reference: Reference) -> Node:
    """The call of a layer, with any target.

    Raises:
        NotExpressibleError: tensors and constants are mixed in one argument.
    """
    positional = list(call.positional)
    if call.is_old and not entry.takes_list and positional and isinstance(positional[0], list):
        positional = _old_states(entry, positional[0])
    names = [tensor.name for tensor in entry.tensors]
    given: dict[str, object] = dict(zip(names, positional, strict=False))
    for extra in positional[len(names) :]:
        if extra is not None:
            raise NotExpressibleError(
                "it is called with more than tensors by position, which does not say their names"
            )
    given |= call.named
    if given.get("training") is False and entry.name not in _OWN_MODE:
        del given["training"]
    return _node(entry, given, reference)


def _old_states(entry: Entry, tensors: list[object]) -> list[object]:
    """What Keras 2 called a recurrent layer with: the sequence and the states in one list."""
    second = entry.tensors[1] if len(entry.tensors) > 1 else None
    return [tensors[0], tensors[1:]] if second is not None and second.many else tensors


def _node(entry: Entry, given: Mapping[str, object], reference: Reference) -> Node:
    inputs: list[str] = []
    named: dict[str, str | tuple[str, ...]] = {}
    rest: dict[str, Value] = {}
    in_order = (
        True  # tensors that come first stand in a list; after one that is missing, the others are named
    )
    known = {tensor.name: tensor for tensor in entry.tensors}
    for name in (*known, *(name for name in given if name not in known)):
        value = given.get(name)
        if is_nothing(value):
            in_order = in_order and name not in known
        elif only_tensors(value):
            found = tuple(map(reference, tensors_in(value)))
            place = known.get(name)
            if in_order and place is not None and place.required and (place.many or len(found) == 1):
                inputs += found
                in_order = not place.many
            else:
                named[name] = found[0] if isinstance(value, Tensor) else found
        elif next(tensors_in(value), None) is not None:
            raise NotExpressibleError(f"its argument {name!r} mixes tensors and constants")
        else:
            rest[name] = _constant(value, name)
    return Node(Op(""), tuple(inputs), named, rest)


def _constant(value: object, name: str) -> Value:
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        if isinstance(value.get("class_name"), str):
            if (dtype := dtype_of(value)) is not None:
                return dtype
            raise NotExpressibleError(f"its argument {name!r} is the object {value['class_name']!r}")
        return {str(key): _constant(item, name) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [None if item is None else _constant(item, name) for item in value]
    raise NotExpressibleError(
        f"its argument {name!r} is a {type(value).__name__}, which a document cannot hold"
    )


def of_model(model: str, call: LayerCall, structure: object, reference: Reference) -> Node:
    """The call of a nested model.

    Args:
        model: its name.
        call: what it is called with.
        structure: what it takes, as its config nests it.
        reference: spells a tensor.

    Raises:
        NotExpressibleError: it is called with something other than tensors.
    """
    given = call.positional[0] if call.positional else call.named.get("inputs")
    if isinstance(given, Mapping) and not isinstance(structure, Mapping):
        order = [tensor.layer for tensor in tensors_in(structure)]
        given = [given[name] for name in order if name in given]
    if not only_tensors(given):
        raise NotExpressibleError("it is called with something other than tensors")
    inputs = tuple(map(reference, tensors_in(given)))
    named: dict[str, str | tuple[str, ...]] = {}
    rest: dict[str, Value] = {}
    for name, value in call.named.items():
        if name != "inputs" and not is_nothing(value):
            if only_tensors(value):
                named[name] = tuple(map(reference, tensors_in(value)))
            else:
                rest[name] = _constant(value, name)
    return Node(Call(model), inputs, named, rest)


def of_operation(
    models: ModelReader, layer: Config, call: LayerCall, reference: Reference, where: str
) -> Node:
    """The call of an operation of `keras.ops`.

    Raises:
        NotExpressibleError: the catalog has no such operation, or a node cannot say what it is called with.
    """
    entry = operations.operation(models.catalog, layer)
    config = layer.get("config")
    settings = config if isinstance(config, Mapping) else {}
    if entry is None:
        what = settings.get("function") or layer.get("class_name")
        raise NotExpressibleError(f"the operation {what} has no function of keras.ops that a node could call")
    if layer.get("class_name") in operations.OLD_LAMBDAS:
        settings = {}
    named = {("key" if name == _OLD_SLICE else name): value for name, value in call.named.items()}
    given = operations.bound(entry, call.positional, named, settings)
    if entry.name == _SUBSCRIPT:
        try:
            given["key"] = subscript(given.get("key"))
        except SliceError as error:
            raise NotExpressibleError(str(error)) from None
    node = _node(entry, given, reference)
    arguments: dict[str, Value] = {}
    for name, value in node.call.items():
        argument = entry.argument(name)
        if argument is None:
            if name in {"name", "dtype"} or value is False:
                continue
            raise NotExpressibleError(f"{entry.name} takes no {name!r} in a document")
        if not _is_default(argument, value):
            arguments[name] = models.objects.plain(value, where, name)
    return Node(Op(entry.name, arguments), node.inputs, node.named)


def _is_default(argument: Argument, value: Value) -> bool:
    if argument.required or argument.default is None:
        return False
    if argument.kind is ArgumentKind.TEXT and argument.name == "data_format":
        return value in (argument.default, "channels_last")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return isinstance(argument.default, Sequence) and list(argument.default) == list(value)
    return value == argument.default and isinstance(value, bool) == isinstance(argument.default, bool)
