"""What each dataset holds, told before anything of it is loaded."""

from __future__ import annotations

import enum

import msgspec

from kflab.catalog.entries import Argument


class Origin(enum.StrEnum):
    """Where a dataset comes from."""

    BUNDLED = "bundled"      # real data that came with an installed package
    GENERATED = "generated"  # made from a seed
    DOWNLOAD = "download"    # fetched at first use
    FILE = "file"            # the user's own


class TargetKind(enum.StrEnum):
    """What a target means, and so which losses fit it."""

    CLASSES = "classes"      # one whole number a sample, 0 to classes - 1
    BINARY = "binary"        # 0 or 1
    ONE_HOT = "one-hot"      # one row of 0s and a single 1
    MULTI = "multi-label"    # a row of 0s and 1s
    VALUES = "values"        # numbers to be predicted


class ArrayInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One input array. `shape` leaves the batch axis out; `ids` is the number of token ids it may hold, 0 for
    measured values; `low` and `high` bound the values where that is known."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    ids: int = 0
    low: float | None = None
    high: float | None = None


class TargetInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One target array. `shape` leaves the batch axis out: () for one number a sample."""

    name: str
    kind: TargetKind
    shape: tuple[int | None, ...] = ()
    dtype: str = "float32"
    classes: int = 0
    labels: tuple[str, ...] = ()


class DatasetInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dataset as it would load with given arguments.

    Attributes:
        name: what `data.source` calls it.
        origin: where it comes from.
        summary: one line about it.
        inputs: the arrays a model is fed with.
        targets: the arrays its outputs are held against.
        train: training samples; 0 where it is not known before loading.
        test: samples of its own test split; 0 where a part of the training samples is held back instead.
        arguments: what can be chosen about it.
        download_bytes: what the first use downloads.
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
