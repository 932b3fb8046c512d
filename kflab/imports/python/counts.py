"""How many tensors a call gives: a recurrent layer its states, too, and some operations several results."""

from __future__ import annotations

from collections.abc import Mapping

from kflab.values import Value


def _wrapped(arguments: Mapping[str, Value], name: str) -> tuple[str, Mapping[str, Value]] | None:
    inner = arguments.get(name)
    if isinstance(inner, str):
        return inner, {}
    if isinstance(inner, Mapping) and len(inner) == 1:
        layer, settings = next(iter(inner.items()))
        return layer, settings if isinstance(settings, Mapping) else {}
    return None


def asks_for_states(arguments: Mapping[str, Value]) -> bool:
    """Whether a layer, or the one that it wraps, was told to return its states."""
    if arguments.get("return_state"):
        return True
    inner = _wrapped(arguments, "layer")
    return inner is not None and asks_for_states(inner[1])


def states(layer: str, arguments: Mapping[str, Value]) -> int | None:
    """How many states a recurrent layer returns; None where only Keras can tell."""
    inner = _wrapped(arguments, "layer")
    if layer == "Bidirectional" and inner is not None:
        within = states(*inner)
        return None if within is None else 2 * within
    cell = _wrapped(arguments, "cell")
    name = cell[0] if cell is not None else layer
    if name.startswith(("LSTM", "ConvLSTM")):
        return 2
    return 1 if name.startswith(("GRU", "SimpleRNN")) else None


def results_of(op: str, arguments: Mapping[str, Value]) -> int | None:
    """How many tensors an operation gives; None where only Keras can tell."""
    match op, arguments:
        case "ops.split" | "ops.array_split", {"indices_or_sections": int(sections)}:
            return sections
        case "ops.split" | "ops.array_split", {"indices_or_sections": list(places)}:
            return len(places) + 1
        case "ops.unstack", {"num": int(number)}:
            return number
        case "ops.top_k" | "ops.moments" | "ops.qr" | "ops.eigh" | "ops.slogdet", _:
            return 2
        case "ops.unstack" | "ops.svd" | "ops.nonzero" | "ops.hsplit" | "ops.vsplit" | "ops.dsplit", _:
            return None
    return 1
