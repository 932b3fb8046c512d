"""What a tensor is without its values, and what it takes in memory."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import keras
import numpy as np

from kflab.engine.protocol import Shape


class Spec(NamedTuple):
    """What a tensor is, without its values; its batch axis comes first."""

    shape: Shape
    dtype: str
    sparse: bool = False
    ragged: bool = False


def item_bytes(dtype: str) -> int:
    """Bytes of one number of a dtype; a string counts as a pointer."""
    name = keras.backend.standardize_dtype(dtype)
    return 8 if name == "string" else np.dtype(name).itemsize


def numbers(spec: Spec) -> int:
    """Numbers in one sample of a tensor; axes of unknown size count as 1."""
    return math.prod(size or 1 for size in spec.shape[1:])


def sample_bytes(*specs: Spec) -> int:
    """Bytes of one sample of each of these tensors."""
    return sum(numbers(spec) * item_bytes(spec.dtype) for spec in specs)


def all_numbers(specs: Iterable[Spec]) -> int:
    """Numbers in one sample of all these tensors."""
    return sum(numbers(spec) for spec in specs)
