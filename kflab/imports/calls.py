"""The calls of a functional config: what each layer was called with, of Keras 3 and of Keras 2."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from kflab.catalog import subscripts
from kflab.values import Value

_CONSTANT = "_CONSTANT_VALUE"


class Tensor(NamedTuple):
    """A tensor by where it comes from: the layer, which of its calls, and which of the tensors of that."""

    layer: str
    call: int = 0
    output: int = 0


class LayerCall(NamedTuple):
    """What a layer was called with: tensors, constants, and lists and mappings of both.

    Attributes:
        positional: in order.
        named: by the name of the argument.
        is_old: it is written as Keras 2 writes it, where several inputs are one list.
    """

    positional: tuple[object, ...]
    named: Mapping[str, object]
    is_old: bool = False


class SliceError(ValueError):
    """What stands between brackets cannot be written in a document."""


def calls_of(layer: Mapping[str, Value], layers: Collection[str]) -> list[LayerCall]:
    """The calls of a layer of a functional config, in order.

    Args:
        layer: the layer's part of the config.
        layers: the names of all layers, by which Keras 2 tells tensors from constants.

    Raises:
        ValueError: the config is no such thing.
    """
    inbound = layer.get("inbound_nodes") or []
    if not isinstance(inbound, Sequence) or isinstance(inbound, str):
        raise ValueError("its inbound_nodes are no list")
    return [_new_call(call) if isinstance(call, Mapping) else _old_call(call, layers) for call in inbound]


def _new_call(call: Mapping[str, Value]) -> LayerCall:
    positional, named = call.get("args", []), call.get("kwargs", {})
    if not isinstance(positional, Sequence) or not isinstance(named, Mapping):
        raise ValueError("a call has no args and kwargs")
    return LayerCall(
        tuple(_revived(item) for item in positional), {key: _revived(value) for key, value in named.items()}
    )


def _revived(value: Value) -> object:
    """A serialised value with its tensors, slices and arrays in the place of what stands for them."""
    if isinstance(value, Mapping):
        config = value.get("config")
        match value.get("class_name"):
            case "__keras_tensor__" if isinstance(config, Mapping):
                return tensor_of(config.get("keras_history"))
            case "__slice__" if isinstance(config, Mapping):
                return slice(*(_bound(config.get(key)) for key in ("start", "stop", "step")))
            case "__ellipsis__":
                return ...
            case "__numpy__" | "__tensor__" if isinstance(config, Mapping):
                return config.get("value")
        return {key: _revived(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_revived(item) for item in value]
    return value


def _bound(value: Value) -> int | None:
    if value is None or isinstance(value, int):
        return value
    raise ValueError("a slice has bounds that are no whole numbers")


def tensor_of(history: Value) -> Tensor:
    """The tensor that a config names as `[layer, call, index]`.

    Raises:
        ValueError: it is no such list.
    """
    if isinstance(history, Sequence) and not isinstance(history, str) and len(history) >= 3:
        layer, call, index = history[:3]
        if isinstance(layer, str) and isinstance(call, int) and isinstance(index, int) and index >= 0:
            return Tensor(layer, call, index)
    raise ValueError("a tensor does not say which layer it comes from")


def _old_call(call: Value, layers: Collection[str]) -> LayerCall:
    """A call of Keras 2: `[["dense", 0, 0, {}], ...]`, or one such tensor alone."""
    if not isinstance(call, Sequence) or isinstance(call, str) or not call:
        raise ValueError("a call is no list of tensors")
    tensors = [call] if isinstance(call[0], str) else call
    inputs: list[object] = []
    named: dict[str, object] = {}
    for tensor in tensors:
        if not isinstance(tensor, Sequence) or isinstance(tensor, str) or len(tensor) < 3:
            raise ValueError("a call is no list of tensors")
        inputs.append(tensor[2] if tensor[0] == _CONSTANT else tensor_of(tensor))
        arguments = tensor[3] if len(tensor) > 3 else None
        if isinstance(arguments, Mapping):
            named |= {key: _old_tensors(value, layers) for key, value in arguments.items()}
    return LayerCall((inputs[0] if len(inputs) == 1 else inputs,), named, is_old=True)


def _old_tensors(value: Value, layers: Collection[str]) -> object:
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) in {3, 4} and isinstance(value[0], str) and value[0] in layers:
            return tensor_of(value)
        return [_old_tensors(item, layers) for item in value]
    if isinstance(value, Mapping):
        if value.keys() == {"start", "stop", "step"}:
            return slice(*(_bound(value[key]) for key in ("start", "stop", "step")))
        return {key: _old_tensors(item, layers) for key, item in value.items()}
    return value


def tensors_in(value: object) -> Iterator[Tensor]:
    """The tensors in a value in the order of Keras: mappings by the names of their keys."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield from tensors_in(value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)


def only_tensors(value: object) -> bool:
    """Whether a value is a tensor or holds nothing else."""
    if isinstance(value, Mapping):
        return bool(value) and all(map(only_tensors, value.values()))
    if isinstance(value, list) or (isinstance(value, tuple) and not isinstance(value, Tensor)):
        return bool(value) and all(map(only_tensors, value))
    return isinstance(value, Tensor)


def is_nothing(value: object) -> bool:
    """Whether a value is None or holds nothing else, as the masks of a call that has none."""
    if isinstance(value, Mapping):
        return all(map(is_nothing, value.values()))
    if isinstance(value, list):
        return bool(value) and all(map(is_nothing, value))
    return value is None


def structure_of(value: Value) -> object:
    """The tensors of `input_layers` or `output_layers`: one, or lists and mappings of them.

    Raises:
        ValueError: they are no tensors.
    """
    if isinstance(value, Mapping):
        return {key: structure_of(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) == 3 and isinstance(value[0], str) and isinstance(value[1], int):
            return tensor_of(value)
        return [structure_of(item) for item in value]
    raise ValueError("its inputs or outputs are no tensors")


def subscript(value: object) -> str:
    """A key of brackets as text.

    Raises:
        SliceError: it holds tensors or lists, which a subscript in a document cannot.
    """
    parts = value if isinstance(value, list | tuple) else (value,)
    key = tuple(map(_part, parts))
    return subscripts.write(key if isinstance(value, list | tuple) else key[0])


def _part(part: object) -> subscripts.Part:
    if part is None or part is ... or isinstance(part, slice | int):
        return part
    raise SliceError("it is indexed by something other than whole numbers and ranges")
