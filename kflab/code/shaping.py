"""What brings samples to another shape or range, as code behind their variable."""

from __future__ import annotations

from typing import TypeAlias

from kflab.catalog.dataset_types import ArrayInfo
from kflab.code.layout import number

Shape: TypeAlias = tuple[int | None, ...]


def reshape(shape: Shape) -> str:
    """What brings samples to a shape."""
    return f".reshape({', '.join(('-1', *(str(axis or 0) for axis in shape)))})"


def flattened(variable: str, array: ArrayInfo | None) -> str:
    """The samples of an array as rows."""
    axes = 1 if array is None else len(array.shape)
    return {0: f"{variable}[:, None]", 1: variable}.get(axes, f"{variable}.reshape(len({variable}), -1)")


def divided(scale: float | str) -> str:
    """What divides samples by a number."""
    return f'.astype("float32") / {plain(float(scale))}'


def plain(value: float) -> str:
    """A number, whole ones without a point."""
    return number(int(value) if value.is_integer() else value)
