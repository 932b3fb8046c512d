"""A dataset as it comes from its source: raw arrays, in the source's order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from kflab.data.gaps import Gaps
    from kflab.data.rows import Rows

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
"""An array of any shape and dtype, samples along the first axis."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told the source, the bytes that are done, and the bytes in all (0 where that is not known)."""


@dataclass(frozen=True)
class Samples:
    """Arrays of equal length, in memory or not.

    Attributes:
        inputs: the dataset's inputs by name.
        targets: the dataset's targets by name.
    """

    inputs: Mapping[str, Rows]
    targets: Mapping[str, Rows] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def take(self, rows: Array | slice) -> Samples:
        """The samples at `rows`, in that order; of those that are not in memory, none is read."""
        from kflab.data.rows import take

        return Samples(
            {name: take(array, rows) for name, array in self.inputs.items()},
            {name: take(array, rows) for name, array in self.targets.items()},
        )


@dataclass(frozen=True)
class Raw:
    """A dataset as its source gives it.

    Attributes:
        train: the training samples.
        validation: a validation split of its own, where it brings one.
        test: a test split of its own, where it brings one.
        ordered: the samples follow each other in time, so that splits must not be shuffled.
        gap: samples to leave out between two splits in time, because they share values to be predicted.
        gaps: how the missing values of an input are to be filled in, by the input's name; they are NaN until
            then.
        sampled_from: how many training samples there are, about, where these are a sample of them, as for
            those who only look; 0 where they are all.
    """

    train: Samples
    validation: Samples | None = None
    test: Samples | None = None
    ordered: bool = False
    gap: int = 0
    gaps: Mapping[str, Gaps] = field(default_factory=dict)
    sampled_from: int = 0
