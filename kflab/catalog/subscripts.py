"""What stands between the brackets of `x[...]`, as text: `:, 0`, `..., :3`, `::2, None`.

It is how a document writes the `key` of `ops.get_item`, since neither YAML nor JSON has slices.
"""

from __future__ import annotations

import re
from types import EllipsisType
from typing import TypeAlias

Part: TypeAlias = int | slice | EllipsisType | None
"""One axis: an index, a slice, `...`, or None for a new axis."""

_INT = re.compile(r"[-+]?\d{1,18}")
_EVERY = "..."
_NEW = frozenset({"None", "none", "null", "newaxis"})


def parse(text: str) -> Part | tuple[Part, ...]:
    """The key that a text stands for, as Python would hand it to `__getitem__`.

    Raises:
        ValueError: it is no subscript; the text says which part is not.
    """
    inside = text.strip().removeprefix("[").removesuffix("]").strip()
    parts = [part.strip() for part in inside.split(",")]
    several = len(parts) > 1
    if several and not parts[-1]:
        parts.pop()
    read = tuple(_part(part) for part in parts)
    return read if several else read[0]


def _part(text: str) -> Part:
    if text == _EVERY:
        return ...
    if text in _NEW:
        return None
    bounds = [bound.strip() for bound in text.split(":")]
    if len(bounds) > 3 or not all(_INT.fullmatch(bound) or (not bound and ":" in text) for bound in bounds):
        raise ValueError(f"expected a subscript such as ':, 0' or '..., :3', got {text!r}")
    numbers = [int(bound) if bound else None for bound in bounds]
    if len(numbers) == 1:
        return numbers[0]
    return slice(*numbers)


def write(key: Part | tuple[Part, ...]) -> str:
    """A key as text: what `parse` reads back to the same key."""
    if isinstance(key, tuple):
        return ", ".join(map(_written, key)) + ("," if len(key) == 1 else "")
    return _written(key)


def _written(part: Part) -> str:
    if part is ...:
        return _EVERY
    if not isinstance(part, slice):
        return str(part)
    start, stop = ("" if bound is None else str(bound) for bound in (part.start, part.stop))
    return f"{start}:{stop}" if part.step is None else f"{start}:{stop}:{part.step}"
