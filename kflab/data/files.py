"""Loads arrays from `.npz` and `.npy` files of the user's own; large ones stay on the disk."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kflab.catalog.dataset_types import TargetKind
from kflab.catalog.files import TEST, TRAIN, VALIDATION, StoredArray, contents, describe_target
from kflab.catalog.npz import ZIP_ERRORS, Header
from kflab.data.arrays import Array, Raw, Samples
from kflab.data.rows import Rows
from kflab.errors import UnusableInputError

IN_MEMORY = 256 << 20
"""An array of more bytes is left on the disk, where it can be."""

_LOCAL_HEADER = 30


class FileRows:
    """An array that stays on the disk.

    Args:
        mapped: the array, mapped from its file.
        change: what makes samples of some rows of it.
    """

    def __init__(self, mapped: Array, change: Callable[[Array], Array]) -> None:
        self._mapped, self._change = mapped, change
        first = change(np.array(mapped[:1]))
        self._count, self._inner, self._dtype = len(mapped), first.shape[1:], first.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are, then the shape of a sample."""
        return (self._count, *self._inner)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self._dtype

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, rows: Array | slice, /) -> Array:
        return self._change(np.array(self._mapped[rows]))


def load_file(
    path: Path, wanted_inputs: Iterable[str], wanted_targets: Iterable[str], targets: str = ""
) -> Raw:
    """The wanted arrays of an `.npz` file or of a set of `.npy` files; pickled objects are refused.

    Args:
        path: the file, or the folder of `.npy` files.
        wanted_inputs: the inputs.
        wanted_targets: the targets.
        targets: the file with the targets beside a single `.npy` file.

    Raises:
        UnusableInputError: the file cannot be used, with the reason.
    """
    held = contents(path, targets)
    inputs = [stored for stored in held.inputs if stored.name in set(wanted_inputs)]
    outputs = [stored for stored in held.targets if stored.name in set(wanted_targets)]
    kinds = {stored.name: describe_target(path, stored).kind for stored in outputs}
    try:
        splits = {split: _split(path, split, inputs, outputs, kinds) for split in held.splits}
    except (*ZIP_ERRORS, ValueError) as error:
        raise UnusableInputError(
            f"not an .npz file, or a damaged one: {error or type(error).__name__}", file=str(path)
        ) from None
    except MemoryError:
        raise UnusableInputError("its arrays do not fit into memory", file=str(path)) from None
    return Raw(splits[TRAIN], splits.get(VALIDATION), splits.get(TEST))


def _split(
    path: Path,
    split: str,
    inputs: Iterable[StoredArray],
    targets: Iterable[StoredArray],
    kinds: Mapping[str, TargetKind],
) -> Samples:
    return Samples(
        {stored.name: _rows(path, stored.parts[split], _input) for stored in inputs},
        {
            stored.name: _rows(path, stored.parts[split], partial(_target, kind=kinds[stored.name]))
            for stored in targets
        },
    )


def _rows(path: Path, header: Header, change: Callable[[Array], Array]) -> Rows:
    """An array, in memory where it is small."""
    size = math.prod(header.shape) * _dtype(header).itemsize
    offset = _offset(path, header) if size > IN_MEMORY else None
    if offset is not None:
        mapped = np.memmap(
            header.file or path,
            _dtype(header),
            mode="r",
            offset=offset,
            shape=header.shape,
            order="F" if header.fortran else "C",
        )
        return FileRows(mapped, change)
    if header.file:
        return change(np.load(header.file, allow_pickle=False))
    with np.load(path, allow_pickle=False) as file:
        return change(file[header.key])


def _dtype(header: Header) -> np.dtype[Any]:
    dtype = np.dtype(header.dtype)
    return dtype.newbyteorder() if header.swapped else dtype


def _offset(path: Path, header: Header) -> int | None:
    """Where the values of an array begin in its file; nothing where they are compressed."""
    if header.file:
        return header.offset
    with zipfile.ZipFile(path) as stored:
        member = stored.getinfo(f"{header.key}.npy")
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
        return None
    with path.open("rb") as stream:
        stream.seek(member.header_offset)
        local = stream.read(_LOCAL_HEADER)
    if len(local) < _LOCAL_HEADER:
        return None
    # The lengths of the name and of what is extra, which may differ from those in the directory.
    lengths = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
    return member.header_offset + _LOCAL_HEADER + lengths + header.offset


def _input(array: Array) -> Array:
    if array.dtype.kind in "fb":
        with np.errstate(over="ignore"):  # a number too large for the dtype is infinite in it
            return array.astype("float32", copy=False)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _target(array: Array, kind: TargetKind) -> Array:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    return array.astype("int32" if kind in (TargetKind.CLASSES, TargetKind.BINARY) else "float32", copy=False)
