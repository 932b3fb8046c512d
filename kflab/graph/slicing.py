"""What stands between the brackets of `x[:, 1:3]`, as the text that a document holds it in.

`ops.get_item` takes parts of a tensor. Its `key` is written as Python writes it, without the brackets:
`":, 1:3"`, `"..., 0"`, `":, None"`; a single whole number may stand as a number.
"""

from __future__ import annotations

import re
from types import EllipsisType
from typing import TypeAlias

from kflab.values import Value

OPERATION, ARGUMENT = "ops.get_item", "key"
"""The operation that takes parts of a tensor, and its argument that says which."""

Part: TypeAlias = int | slice | EllipsisType | None
"""What is taken along one axis: one index, a range, all axes that are left, or a new axis."""

_PART = re.compile(
    r"\s*(?:(?P<index>[-+]?\d{1,18})|(?P<rest>\.\.\.)|(?P<new>None|newaxis)|(?P<range>[-+\d\s]*:[-+\d:\s]*))\s*"
)
_BOUND = re.compile(r"\s*([-+]?\d{1,18})?\s*")


def parse_key(value: Value) -> Part | tuple[Part, ...]:
    """The key that a document's value stands for; a tuple where it speaks of several axes.

    Raises:
        ValueError: it is no key; the text says what was expected.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise ValueError(_expected(value))
    text = value.strip().removeprefix("[").removesuffix("]")
    parts = tuple(_part(part, value) for part in text.removesuffix(",").split(","))
    if sum(part is ... for part in parts) > 1:
        raise ValueError(f"{value!r} has more than one '...'")
    return parts[0] if len(parts) == 1 and not text.endswith(",") else parts


def _expected(value: Value) -> str:
    return (
        f"expected what stands between the brackets of a slice, such as ':, 1:3' or '..., 0', got {value!r}"
    )


def _part(text: str, whole: str) -> Part:
    match = _PART.fullmatch(text)
    if match is None:
        raise ValueError(_expected(whole))
    if match["index"]:
        return int(match["index"])
    if match["rest"]:
        return ...
    if match["new"]:
        return None
    bounds = [_BOUND.fullmatch(bound) for bound in match["range"].split(":")]
    if len(bounds) > 3 or None in bounds:
        raise ValueError(_expected(whole))
    numbers = [int(bound[1]) if bound and bound[1] else None for bound in bounds]
    if len(numbers) == 3 and numbers[2] == 0:
        raise ValueError(f"{whole!r}: the step of a range cannot be 0")
    return slice(*numbers)


def write_key(key: Part | tuple[Part, ...]) -> Value:
    """A key as a document holds it: the opposite of `parse_key`."""
    if isinstance(key, tuple):
        return ", ".join(map(_written, key)) if len(key) > 1 else f"{_written(key[0])},"
    return key if isinstance(key, int) else _written(key)


def _written(part: Part) -> str:
    if isinstance(part, slice):
        start, stop, step = (
            "" if bound is None else str(bound) for bound in (part.start, part.stop, part.step)
        )
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
    return "..." if part is ... else str(part)
