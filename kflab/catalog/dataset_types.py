"""The words a dataset is described with."""

from __future__ import annotations

import enum

import msgspec

from kflab.catalog.entries import Argument


class Origin(enum.StrEnum):
    """Where a dataset comes from."""

    BUNDLED = "bundled"  # real data that came with an installed package
    GENERATED = "generated"  # made from a seed
    DOWNLOAD = "download"  # fetched at first use
    FILE = "file"  # the user's own


class TargetKind(enum.StrEnum):
    """What a target means, and so which losses fit it."""

    CLASSES = "classes"  # one whole number a sample, 0 to classes - 1
    BINARY = "binary"  # 0 or 1
    ONE_HOT = "one-hot"  # one row of 0s and a single 1
    MULTI = "multi-label"  # a row of 0s and 1s
    VALUES = "values"  # numbers to be predicted


class ArrayInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One input array.

    Attributes:
        name: what the dataset calls it.
        shape: its shape without the batch axis.
        dtype: the dtype of its values.
        ids: the number of token ids it may hold; 0 for measured values.
        low: the least value, where that is known.
        high: the greatest value, where that is known.
        features: what each entry along the last axis is, for a table: `age`, `city=Rome`.
        columns: the arrays of the dataset that are put side by side for this one, where it is no array of
            its own.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    ids: int = 0
    low: float | None = None
    high: float | None = None
    features: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


class TargetInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One target array.

    Attributes:
        name: what the dataset calls it.
        kind: what it means.
        shape: its shape without the batch axis: () for one number a sample.
        dtype: the dtype of its values.
        classes: the number of classes or labels; 0 for values, and where it is not known before loading.
        labels: the names of the classes, where they have any.
    """

    name: str
    kind: TargetKind
    shape: tuple[int | None, ...] = ()
    dtype: str = "float32"
    classes: int = 0
    labels: tuple[str, ...] = ()


class Misprepared(msgspec.Struct, frozen=True):
    """Something that can not work in how data is prepared: what, and where in the document."""

    path: str
    message: str


class DatasetInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dataset as it would load with given arguments.

    Attributes:
        name: what `data.source` calls it.
        origin: where it comes from.
        summary: one line about it.
        inputs: the arrays a model is fed with.
        targets: the arrays its outputs are held against.
        train: training samples, those for validation included; 0 where it is not known before loading.
        test: samples of its own test split; 0 where a part of the training samples is held back instead.
        arguments: what can be chosen about it.
        download_bytes: what the first use downloads.
        columns: arrays that feed an Input only where they are named: the columns of a table, which `features`
            holds side by side.
        unusable: why it can not be trained on as it is, with the row where there is one; "" where it can.
        unusable_path: the place in the document that this is about.
        is_estimate: what it holds was told from its beginning alone.
        misprepared: what can not work in how the document prepares it.
    """

    name: str
    origin: Origin
    summary: str
    inputs: tuple[ArrayInfo, ...]
    targets: tuple[TargetInfo, ...]
    train: int = 0
    test: int = 0
    arguments: tuple[Argument, ...] = ()
    download_bytes: int = 0
    columns: tuple[ArrayInfo, ...] = ()
    unusable: str = ""
    unusable_path: str = ""
    is_estimate: bool = False
    misprepared: tuple[Misprepared, ...] = ()

    def input(self, name: str) -> ArrayInfo | None:
        """The input array or the column called `name`, if there is one."""
        return next((array for array in (*self.inputs, *self.columns) if array.name == name), None)

    def target(self, name: str) -> TargetInfo | None:
        """The target array called `name`, if there is one."""
        return next((array for array in self.targets if array.name == name), None)
