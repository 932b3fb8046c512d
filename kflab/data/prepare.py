"""Checks, scales and reshapes arrays for the model they feed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kflab.catalog.datasets import STANDARD
from kflab.catalog.matching import fitted, shape_text
from kflab.data.arrays import Array, Samples
from kflab.data.recipes import standardizer
from kflab.errors import KflabError

_ROWS = 4096


def check_finite(samples: Samples, split: str) -> None:
    """Refuse samples with a NaN or an infinity among them.

    Raises:
        KflabError: there is one; the text names the array and the sample.
    """
    for part, arrays in (("input", samples.inputs), ("target", samples.targets)):
        for name, array in arrays.items():
            row = _first_unusable(array)
            if row is not None:
                value = "NaN" if np.isnan(array[row]).any() else "infinity"
                raise KflabError(
                    f"the {part} {name!r} holds {value} in sample {row:,} (counted from 0) of the {split} "
                    "samples; expected finite numbers: drop that sample or fill it in"
                )


def _first_unusable(array: Array) -> int | None:
    if array.dtype.kind != "f":
        return None
    for start in range(0, len(array), _ROWS):
        # In blocks: a mask of the whole array would cost a quarter of its memory.
        good = np.isfinite(array[start : start + _ROWS])
        if not good.all():
            flat = good.reshape(len(good), -1).all(axis=1)
            return start + int(np.flatnonzero(~flat)[0])
    return None


def scaler(scale: float | str | None, train: Array) -> Callable[[Array], Array]:
    """What scales an input; `STANDARD` is fitted on the training samples.

    The features are along the last axis: the columns of a table, the channels of an image.
    """
    if scale is None:
        return _single
    if scale == STANDARD:
        return standardizer(train)
    divisor = np.float32(scale)
    return lambda array: np.divide(array, divisor, dtype="float32")


def _single(array: Array) -> Array:
    """Numbers as Keras trains on them."""
    return array.astype("float32") if array.dtype == "float64" else array


def fit_shape(array: Array, wanted: tuple[int | None, ...] | None, name: str) -> Array:
    """Reshape samples for the Input `name`.

    Raises:
        KflabError: they cannot be, with both shapes.
    """
    if wanted is None:
        return array
    shape = fitted(array.shape[1:], wanted)
    if shape is None:
        raise KflabError(
            f"Input {name!r} expects samples of shape {shape_text(wanted)}, the data has "
            f"{shape_text(array.shape[1:])}"
        )
    return array.reshape(len(array), *[axis or 0 for axis in shape])
