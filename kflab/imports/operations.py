"""The operations of a functional model as the functions of `keras.ops` that a document names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kflab.catalog import Catalog, Entry, Kind
from kflab.values import Value

_RENAMED = {
    "batchnorm": "batchnormalization",
    "layernorm": "layernormalization",
    "rmsnorm": "rmsnormalization",
}
"""Classes of operations that are not called like their functions, without underscores."""
_OLD_OPERATORS = {"truediv": "truedivide", "floordiv": "floordivide", "pow": "power", "sub": "subtract"}
"""Functions of TensorFlow that `keras.ops` has by another name, without underscores."""
_OLD_ARGUMENTS = {"x": "x1", "y": "x2"}
OLD_LAMBDAS = {"TFOpLambda", "SlicingOpLambda"}
"""What Keras 2 made of a TensorFlow function in a functional model."""


def is_operation(layer: Mapping[str, Value]) -> bool:
    """Whether what a functional config calls a layer is an operation of `keras.ops`."""
    module, config = layer.get("module"), layer.get("config")
    if layer.get("class_name") in OLD_LAMBDAS:
        return True
    if module is None and isinstance(config, Mapping):
        # A file of Keras 2 does not say the module; every layer but an input says whether it is trainable.
        is_layer = not config.keys().isdisjoint({"trainable", "layers", "batch_shape", "batch_input_shape"})
        return not is_layer
    return str(module).startswith(("keras.src.ops", "keras.ops"))


def operation(catalog: Catalog, layer: Mapping[str, Value]) -> Entry | None:
    """The function of `keras.ops` that an operation of a functional config is, if the catalog has it."""
    name, module = str(layer.get("class_name")), str(layer.get("module") or "")
    config = layer.get("config")
    if name in OLD_LAMBDAS and isinstance(config, Mapping):
        module, _, name = str(config.get("function") or "").rpartition(".")
        name = "getitem" if "getitem" in name else name
    wanted = name.lower().replace("_", "")
    wanted = _RENAMED.get(wanted, _OLD_OPERATORS.get(wanted, wanted))
    by_module: dict[bool, list[Entry]] = {True: [], False: []}
    for entry in catalog.entries(Kind.OP):
        parts = entry.name.split(".")
        if parts[-1].replace("_", "") == wanted:
            by_module[parts[-2] in module.split(".")].append(entry)
    return next(iter(by_module[True] + by_module[False]), None)


def bound(
    entry: Entry, positional: Sequence[object], named: Mapping[str, object], settings: Mapping[str, object]
) -> dict[str, object]:
    """What each argument of the function gets, from the call and from the operation's own settings.

    Args:
        entry: the function.
        positional: what the operation was called with, in order.
        named: what it was called with by name.
        settings: the operation's own config.
    """
    given = {key: value for key, value in settings.items() if key != "name"}
    renamed = {
        key if _knows(entry, key) else _OLD_ARGUMENTS.get(key, key): value for key, value in named.items()
    }
    given |= renamed
    order = [tensor.name for tensor in entry.tensors]
    order += [argument.name for argument in entry.arguments if argument.name not in order]
    free = [name for name in order if name not in given]
    given |= dict(zip(free, positional, strict=False))
    return {name: given[name] for name in (*order, *given) if name in given}


def _knows(entry: Entry, name: str) -> bool:
    return entry.argument(name) is not None or any(tensor.name == name for tensor in entry.tensors)
