"""Checks and scales arrays for the model they feed."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from kflab.data.arrays import Array, Samples
from kflab.data.rows import Checked, Rows
from kflab.errors import KflabError

_ROWS = 4096


def checked(samples: Samples, split: str, with_gaps: Collection[str] = ()) -> Samples:
    """Samples none of which is a NaN or an infinity: looked at now where they are in memory, else when read.

    Args:
        samples: the samples.
        split: what they are for, in errors.
        with_gaps: the inputs whose NaNs will be filled in.

    Raises:
        KflabError: one is; the text names the array and the sample.
    """

    def look(part: str, name: str, rows: Rows) -> Rows:
        if rows.dtype.kind != "f":
            return rows
        fills = part == "input" and name in with_gaps

        def refuse(read: Array, numbers: Array) -> None:
            row = _first_unusable(read, gaps=fills)
            if row is not None:
                raise KflabError(_refusal(part, name, read[row], int(numbers[row]), split))

        if isinstance(rows, np.ndarray):
            refuse(rows, np.arange(len(rows)))
            return rows
        return Checked(rows, refuse)

    return Samples(
        {name: look("input", name, rows) for name, rows in samples.inputs.items()},
        {name: look("target", name, rows) for name, rows in samples.targets.items()},
    )


def _refusal(part: str, name: str, sample: Array, row: int, split: str) -> str:
    value = "NaN" if np.isnan(sample).any() else "infinity"
    return (
        f"the {part} {name!r} holds {value} in sample {row:,} (counted from 0) of the {split} "
        "samples; expected finite numbers: drop that sample or fill it in"
    )


def _first_unusable(array: Array, *, gaps: bool) -> int | None:
    for start in range(0, len(array), _ROWS):
        # In blocks: a mask of the whole array would cost a quarter of its memory.
        block = array[start : start + _ROWS]
        good = ~np.isinf(block) if gaps else np.isfinite(block)
        if not good.all():
            flat = good.reshape(len(good), -1).all(axis=1)
            return start + int(np.flatnonzero(~flat)[0])
    return None
