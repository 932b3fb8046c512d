"""Loads a dataset from an `.npz` file of the user's own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from kflab.catalog.dataset_types import TargetKind
from kflab.catalog.files import TEST, TRAIN, VALIDATION, contents, describe_target
from kflab.catalog.npz import ZIP_ERRORS
from kflab.data.arrays import Array, Raw, Samples
from kflab.errors import UnusableInputError


def load_file(path: Path, wanted_inputs: Iterable[str], wanted_targets: Iterable[str]) -> Raw:
    """The wanted arrays of an `.npz` file; pickled objects are refused.

    Raises:
        UnusableInputError: the file cannot be used, with the reason.
    """
    held = contents(path)
    inputs = [stored for stored in held.inputs if stored.name in set(wanted_inputs)]
    targets = [stored for stored in held.targets if stored.name in set(wanted_targets)]
    kinds = {stored.name: describe_target(path, stored).kind for stored in targets}
    splits: dict[str, Samples] = {}
    try:
        with np.load(path, allow_pickle=False) as file:
            for split in held.splits:
                splits[split] = Samples(
                    {stored.name: _input(file[stored.parts[split].key]) for stored in inputs},
                    {
                        stored.name: _target(file[stored.parts[split].key], kinds[stored.name])
                        for stored in targets
                    },
                )
    except (*ZIP_ERRORS, ValueError) as error:
        raise UnusableInputError(
            f"not an .npz file, or a damaged one: {error or type(error).__name__}", file=str(path)
        ) from None
    except MemoryError:
        raise UnusableInputError("its arrays do not fit into memory", file=str(path)) from None
    return Raw(splits[TRAIN], splits.get(VALIDATION), splits.get(TEST))


def _input(array: Array) -> Array:
    if array.dtype.kind in "fb":
        return array.astype("float32", copy=False)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _target(array: Array, kind: TargetKind) -> Array:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    return array.astype("int32" if kind in (TargetKind.CLASSES, TargetKind.BINARY) else "float32", copy=False)
