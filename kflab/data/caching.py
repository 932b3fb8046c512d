"""Samples that are read and prepared once and kept in memory from then on."""

from __future__ import annotations

import math

import numpy as np

from kflab.data.arrays import Array
from kflab.data.parts import Part
from kflab.data.rows import Over, Rows


class Kept(Over):
    """Others, each of which is read the first time that it is asked for and kept.

    Memory is taken as samples come in, so nothing waits for all of them to be read. Threads may ask for
    samples at the same time; at the worst two of them read the same one.

    Args:
        source: the rows; each has to be the same whenever it is read.
    """

    def __init__(self, source: Rows) -> None:
        super().__init__(source)
        self._held = np.empty(source.shape, source.dtype)
        self._is_there = np.zeros(len(source), dtype=bool)

    def __getitem__(self, rows: Array | slice, /) -> Array:
        numbers = np.arange(len(self))[rows]
        missing = numbers[~self._is_there[numbers]]
        if len(missing):
            self._held[missing] = self._source[missing]
            # Only now: another thread that sees it there reads it.
            self._is_there[missing] = True
        return self._held[numbers]


def bytes_to_keep(part: Part) -> int:
    """The bytes of all samples of a part that are not in memory, once they are read."""
    rows = {id(one): one for one in part.sources() if _can_be_kept(one)}
    return sum(math.prod(one.shape) * one.dtype.itemsize for one in rows.values())


def kept(part: Part) -> Part:
    """The part with its samples kept once they are read, as they are before augmentation."""
    made: dict[int, Rows] = {}

    def keep(rows: Rows) -> Rows:
        if not _can_be_kept(rows):
            return rows
        # An autoencoder is held against what it is fed with: that is kept once.
        if id(rows) not in made:
            made[id(rows)] = Kept(rows)
        return made[id(rows)]

    return part.each(keep)


def _can_be_kept(rows: Rows) -> bool:
    # The size of texts is not known before they are read; they are turned into numbers as they come.
    return not isinstance(rows, np.ndarray | Kept) and rows.dtype.kind not in "OUS"
