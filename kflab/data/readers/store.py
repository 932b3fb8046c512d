"""Columns that grow as a table is read: in memory, or in files that are mapped when all is there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import IO

import numpy as np

from kflab.data.arrays import Array
from kflab.errors import KflabError

_SPARE = 1 << 30


class Growing:
    """An array that grows along its first axis.

    Args:
        dtype: the dtype of its values.
        width: the values of a row; 0 for a flat array.
        file: where it is kept; nothing given: in memory.
    """

    def __init__(self, dtype: str, width: int = 0, file: Path | None = None) -> None:
        self._dtype, self._width, self._file = np.dtype(dtype), width, file
        self._blocks: list[Array] = []
        self._stream: IO[bytes] | None = file.open("xb") if file is not None else None

    def append(self, block: Array) -> None:
        """Put rows at the end."""
        with np.errstate(over="ignore"):  # a number too large for the dtype is infinite in it
            block = np.ascontiguousarray(block, self._dtype)
        if self._stream is None:
            self._blocks.append(block)
        else:
            self._stream.write(block.data if block.size else b"")

    def close(self) -> None:
        """Write what is left to be written."""
        if self._stream is not None:
            self._stream.close()

    def array(self) -> Array:
        """All of it: in memory, or mapped from its file."""
        if self._file is not None:
            self.close()
            return mapped(self._file, self._dtype.str, self._width)
        if not self._blocks:
            return np.zeros((0, self._width) if self._width else 0, self._dtype)
        return np.concatenate(self._blocks)


def mapped(file: Path, dtype: str, width: int = 0) -> Array:
    """The array of a file, which is read as it is asked for.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no whole rows.
    """
    count = file.stat().st_size // np.dtype(dtype).itemsize
    shape = (count // width, width) if width else (count,)
    if not count:
        return np.zeros(shape, dtype)
    return np.memmap(file, dtype, mode="r", shape=shape)


def check_space(folder: Path, needed: int, source: str) -> None:
    """Refuse to fill the disk.

    Raises:
        KflabError: there is too little room beside a spare gigabyte.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise KflabError(
            f"{source} is too large to be kept in memory, and {folder} has {free / 1e9:.1f} GB left where "
            f"{(needed + _SPARE) / 1e9:.1f} GB are needed; KFLAB_CACHE_DIR names another folder for the cache"
        )
