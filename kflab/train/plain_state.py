"""State of plain values and arrays as JSON beside a list of arrays, exact to the last bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

from kflab.data.arrays import Array

Packed: TypeAlias = Any
"""What JSON can say: None, booleans, whole numbers, finite numbers, text, and lists and objects of these. An
object has one key, which says what it stands for."""

COMPARISONS: Mapping[str, Callable[..., Any]] = {"less": keras.ops.less, "greater": keras.ops.greater}
"""The functions that a state may hold: what callbacks compare a monitored value by."""


class NotPlainError(TypeError):
    """A value is neither plain nor an array, so no file can hold it."""


def pack(value: object, arrays: list[Array]) -> Packed:
    """A value as JSON; the arrays in it are appended to a list.

    Raises:
        NotPlainError: it is, or has in it, something else than plain values and arrays.
    """
    match value:
        case None | bool() | str():
            return value
        case np.ndarray() | np.generic() if value.dtype != object:
            arrays.append(np.asarray(value))
            return {"array" if isinstance(value, np.ndarray) else "scalar": len(arrays) - 1}
        case int():
            return value if -(2**63) <= value < 2**63 else {"int": str(value)}
        case float():
            return value if math.isfinite(value) else {"float": str(value)}
        case list():
            return [pack(one, arrays) for one in value]
        case tuple():
            return {"tuple": [pack(one, arrays) for one in value]}
        case dict():
            return {"dict": [[pack(key, arrays), pack(one, arrays)] for key, one in value.items()]}
        case _:
            for name, function in COMPARISONS.items():
                if value is function:
                    return {"comparison": name}
            raise NotPlainError(type(value).__name__)


def unpack(packed: Packed, arrays: Sequence[Array]) -> Any:
    """The value that was packed.

    Raises:
        ValueError: this was never packed.
    """
    if isinstance(packed, list):
        return [unpack(one, arrays) for one in packed]
    if not isinstance(packed, dict):
        return packed
    try:
        (kind,) = packed
        inner = packed[kind]
        return _UNPACK[kind](inner, arrays)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"a value of no known kind: {error}") from None


_UNPACK: Mapping[str, Callable[[Any, Sequence[Array]], Any]] = {
    "array": lambda inner, arrays: arrays[inner],
    "scalar": lambda inner, arrays: arrays[inner][()],
    "int": lambda inner, _: int(inner),
    "float": lambda inner, _: float(inner),
    "tuple": lambda inner, arrays: tuple(unpack(one, arrays) for one in inner),
    "dict": lambda inner, arrays: {unpack(key, arrays): unpack(one, arrays) for key, one in inner},
    "comparison": lambda inner, _: COMPARISONS[inner],
}
