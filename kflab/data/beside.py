"""Puts arrays side by side, as one Input that is fed with several takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kflab.catalog.dataset_types import ArrayInfo
from kflab.data.arrays import Array, Raw, Samples
from kflab.data.rows import Rows
from kflab.errors import KflabError


class Beside:
    """Arrays side by side, each sample of each laid out flat.

    Args:
        arrays: the arrays, equally long.
    """

    def __init__(self, arrays: Sequence[Rows]) -> None:
        self._arrays = arrays
        widths = [int(np.prod(array.shape[1:])) for array in arrays]
        self._shape = (len(arrays[0]), sum(widths))
        self._dtype = np.result_type(*(array.dtype for array in arrays))

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are, then the shape of a sample."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self._dtype

    def __len__(self) -> int:
        return self._shape[0]

    def __getitem__(self, rows: Array | slice, /) -> Array:
        found = [array[rows] for array in self._arrays]
        return np.concatenate([one.reshape(len(one), -1) for one in found], axis=1)


def beside(arrays: Sequence[Rows], names: Sequence[str]) -> Rows:
    """Arrays side by side: in memory where all of them are.

    Raises:
        KflabError: one holds text, or samples of varying size.
    """
    for array, name in zip(arrays, names, strict=True):
        if array.dtype == object:
            raise KflabError(f"{name!r} cannot be put beside other arrays: expected numbers of a fixed shape")
    joined = Beside(arrays)
    return joined[:] if all(isinstance(array, np.ndarray) for array in arrays) else joined


def put_beside(raw: Raw, wanted: Iterable[ArrayInfo]) -> Raw:
    """The samples, and those arrays of them that are wanted side by side.

    Raises:
        KflabError: they cannot be put side by side.
    """
    for array in wanted:
        if array.columns and array.name not in raw.train.inputs:
            raw = replace(
                raw,
                train=_with(raw.train, array),
                validation=None if raw.validation is None else _with(raw.validation, array),
                test=None if raw.test is None else _with(raw.test, array),
            )
    return raw


def _with(samples: Samples, array: ArrayInfo) -> Samples:
    joined = beside([samples.inputs[name] for name in array.columns], array.columns)
    return replace(samples, inputs={**samples.inputs, array.name: joined})
