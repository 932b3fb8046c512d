"""The values a document may hold: what YAML and JSON have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import msgspec

if TYPE_CHECKING:
    Value: TypeAlias = Union[bool, int, float, str, Sequence["Value"], Mapping[str, "Value"], None]  # noqa: UP007
else:
    # msgspec decodes no alias that holds itself; what JSON and YAML can hold is a Value anyway.
    Value = Any
"""None, a boolean, a number, a string, a list of values or a mapping from strings to values."""

Arguments: TypeAlias = Mapping[str, Value]
"""The arguments of a layer, an optimizer, a loss... by name. Never changed in place."""

_encoder = msgspec.json.Encoder(order="deterministic")


def canonical(value: Value) -> bytes:
    """One spelling for equal values, fit for a key of a cache: JSON with sorted keys."""
    return _encoder.encode(value)
