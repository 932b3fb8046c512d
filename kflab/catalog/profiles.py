"""What was seen in the data itself: counts, ranges, classes, what is missing. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kflab.catalog.dataset_types import DatasetInfo


class Bin(msgspec.Struct, frozen=True):
    """One bar of a histogram: how many values are in `[low, high)`."""

    low: float
    high: float
    count: int


class ClassCount(msgspec.Struct, frozen=True):
    """How many samples a class has; `label` is its name where it has one, else its number as text."""

    label: str
    count: int


class ArrayProfile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was seen in one array.

    Attributes:
        name: what the dataset calls it.
        dtype: the dtype of its values.
        shape: the shape of a sample; an axis of varying size is None.
        samples: how many samples were looked at.
        low: the least finite number; None where there is no number.
        high: the greatest finite number.
        mean: the mean of the finite numbers.
        deviation: their standard deviation.
        missing: samples with a missing value or a NaN in them.
        infinite: samples with an infinity in them.
        first_unusable: the first sample with one of both, counted from 0; None where there is none.
        zeros: the fraction of the values that are 0.
        trailing_zeros: the fraction of the samples that end in a 0, for whole numbers in sequences.
        distinct: how many different values there are, where there are few enough to count.
        classes: how many samples each class has, in the order of the classes, where there are any.
        histogram: the distribution of the numbers.
        columns: each column of a table on its own.
        lengths: how many words a sample has, for texts and for ids of words; what fills up is left out.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] = ()
    samples: int = 0
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    deviation: float | None = None
    missing: int = 0
    infinite: int = 0
    first_unusable: int | None = None
    zeros: float = 0.0
    trailing_zeros: float = 0.0
    distinct: int | None = None
    classes: tuple[ClassCount, ...] = ()
    histogram: tuple[Bin, ...] = ()
    columns: tuple[ArrayProfile, ...] = ()
    lengths: tuple[Bin, ...] = ()


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was seen in the data of an experiment.

    Attributes:
        info: what the dataset is said to hold, as it would load.
        raw: the arrays as the source has them, inputs and targets, by name.
        fed: the arrays as the model gets them: those of the training split, prepared and scaled, by the
            dataset's name of the array.
        train: training samples after the split; 0 where it was not made, and where nobody has counted them.
        validation: samples to validate on.
        test: samples to test on.
        validation_classes: how many validation samples each class has, by the target's name.
        is_sampled: not all samples were looked at.
        seconds: what it took.
        problem: why the arrays can not be prepared or split as the experiment says, so that `fed` is empty.
    """

    info: DatasetInfo
    raw: Mapping[str, ArrayProfile] = {}
    fed: Mapping[str, ArrayProfile] = {}
    train: int = 0
    validation: int = 0
    test: int = 0
    validation_classes: Mapping[str, tuple[ClassCount, ...]] = {}
    is_sampled: bool = False
    seconds: float = 0.0
    problem: str = ""
