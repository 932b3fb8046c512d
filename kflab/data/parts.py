"""The samples of an experiment's splits, as its model takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from kflab.data.arrays import Array
from kflab.data.rows import Rows, take

if TYPE_CHECKING:
    from kflab.data.pipelines import Fitted

Batch: TypeAlias = tuple[dict[str, Array], dict[str, Array]]
"""Samples in memory: inputs by the name of the model's input, targets by the name of its output."""


class Augment(Protocol):
    """Makes training samples of others at random."""

    def __call__(self, rows: Array, key: tuple[int, ...], /) -> Batch:
        """The samples at some rows after augmentation; the numbers tell which of all possible ones."""
        ...

    def sources(self) -> tuple[Rows, ...]:
        """The samples that it reads, as they are before augmentation."""
        ...

    def take(self, rows: Array) -> Augment:
        """What does the same to the samples at `rows` alone."""
        ...

    def each(self, change: Callable[[Rows], Rows]) -> Augment:
        """What does the same to its sources after a change."""
        ...


@dataclass(frozen=True)
class Part:
    """The samples of one split.

    Attributes:
        inputs: samples by the name of the model's input; in memory or not.
        targets: samples by the name of the model's output; empty where there is nothing to hold it against.
        augment: what makes training samples of them, where the experiment augments.
    """

    inputs: Mapping[str, Rows]
    targets: Mapping[str, Rows]
    augment: Augment | None = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    @property
    def in_memory(self) -> bool:
        """Whether all samples are, so that Keras can take them as they are."""
        every = (*self.inputs.values(), *self.targets.values())
        return self.augment is None and all(isinstance(rows, np.ndarray) for rows in every)

    def read(self, rows: Array | slice) -> Batch:
        """The samples at `rows`, in that order, in memory, without augmentation.

        Raises:
            KflabError: one can not be read, or holds what is no number.
        """
        return (
            {name: array[rows] for name, array in self.inputs.items()},
            {name: array[rows] for name, array in self.targets.items()},
        )

    def take(self, rows: Array | slice) -> Part:
        """The part that has the samples at `rows` alone, in that order; none is read."""
        chosen = np.arange(len(self))[rows]
        return Part(
            {name: take(array, rows) for name, array in self.inputs.items()},
            {name: take(array, rows) for name, array in self.targets.items()},
            None if self.augment is None else self.augment.take(chosen),
        )

    def sources(self) -> tuple[Rows, ...]:
        """The samples that training reads, as they are before augmentation."""
        if self.augment is not None:
            return self.augment.sources()
        return (*self.inputs.values(), *self.targets.values())

    def each(self, change: Callable[[Rows], Rows]) -> Part:
        """The part with each of its sources changed."""
        if self.augment is not None:
            return replace(self, augment=self.augment.each(change))
        inputs = {name: change(array) for name, array in self.inputs.items()}
        return Part(inputs, {name: change(array) for name, array in self.targets.items()})


@dataclass(frozen=True)
class Splits:
    """The samples of an experiment; validation or test may be missing.

    Attributes:
        train: the training samples.
        validation: those to validate each epoch on.
        test: those to test on at the end.
        fitted: how samples are prepared, with all that was learned of the training samples.
    """

    train: Part
    validation: Part | None
    test: Part | None
    fitted: Fitted
