"""What each dataset holds, told before anything of it is loaded."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kflab.catalog import bundled, downloads
from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.offers import Offer
from kflab.catalog.preparation import after_steps, described, prepared
from kflab.catalog.preparation_problems import preparation_problems
from kflab.catalog.sources.kinds import looks_like_path
from kflab.errors import UnusableInputError, did_you_mean
from kflab.experiment import Data

__all__ = [
    "STANDARD",
    "ArrayInfo",
    "DatasetInfo",
    "Origin",
    "TargetInfo",
    "TargetKind",
    "describe",
    "describe_raw",
    "file_of",
    "find",
    "names",
    "scale_after",
    "scale_of",
]

STANDARD = "standard"
"""The scale that brings each feature to mean 0 and standard deviation 1."""

NONE_CHOSEN = "no dataset is chosen; `kflab list datasets` shows all, and files of your own will do, too"
"""What is wrong where `data.source` is empty."""

_PIXEL = 255.0

_OFFERS = {offer.name: offer for offer in (*bundled.OFFERS, *downloads.OFFERS)}


def names() -> tuple[str, ...]:
    """The datasets that `data.source` can name, those that need no network first."""
    return tuple(_OFFERS)


def find(name: str) -> Offer | None:
    """The dataset called `name`, if there is one."""
    return _OFFERS.get(name)


def describe(data: Data, base: Path | None = None) -> DatasetInfo:
    """What the dataset holds as a model gets it: with its arguments, prepared, and scaled.

    Args:
        data: the source and how it is prepared.
        base: the folder that a relative path is relative to: the experiment file's; else the current one.

    Raises:
        UnusableInputError: there is no such dataset or file, none is chosen, or it does not take an argument.
    """
    raw = describe_raw(data, base)
    info = prepared(raw, data)

    def scaled(arrays: tuple[ArrayInfo, ...], own: tuple[ArrayInfo, ...]) -> tuple[ArrayInfo, ...]:
        return tuple(_scaled(array, scale_after(data, raw)) for array, raw in zip(arrays, own, strict=True))

    return msgspec.structs.replace(
        info,
        inputs=scaled(info.inputs, raw.inputs),
        columns=scaled(info.columns, raw.columns),
        misprepared=tuple(preparation_problems(data, raw)),
    )


def describe_raw(data: Data, base: Path | None = None) -> DatasetInfo:
    """What the dataset holds as its source has it: neither prepared nor scaled.

    Args:
        data: the source and its arguments.
        base: the folder that a relative path is relative to.

    Raises:
        UnusableInputError: there is no such dataset or file, none is chosen, or it does not take an argument.
    """
    if not data.source:
        raise UnusableInputError(NONE_CHOSEN, path="data.source")
    offer = find(data.source)
    if offer is not None:
        return offer.describe(data.arguments)
    path = file_of(data, base)
    from kflab.catalog.sources.describe import describe_source

    return describe_source(path, data)


def file_of(data: Data, base: Path | None) -> Path:
    """The file or folder that `data.source` names.

    Raises:
        UnusableInputError: it is neither a dataset's name nor the path of something that is there.
    """
    try:
        given = Path(data.source).expanduser()
        path = given if given.is_absolute() else (base or Path.cwd()) / given
        if path.is_dir() or (path.exists() and looks_like_path(data.source)):
            return path
    except (OSError, RuntimeError, ValueError) as error:
        raise UnusableInputError(f"cannot be read: {error}", file=data.source, path="data.source") from None
    if not looks_like_path(data.source):
        raise UnusableInputError(
            f"no dataset is called {data.source!r}{did_you_mean(data.source, names())}; "
            "`kflab list datasets` shows all, and a file or folder of your own will do, too",
            path="data.source",
        )
    raise UnusableInputError("no such file", file=str(path), path="data.source")


def scale_of(data: Data, dtype: str, rank: int, ids: int = 0) -> float | str | None:
    """What an input is scaled by: a number divides it, `STANDARD` standardises it, nothing leaves it.

    Args:
        data: what the experiment says.
        dtype: the dtype of the raw array.
        rank: the axes of one sample.
        ids: how many token ids it may hold; they are never scaled.

    Raises:
        UnusableInputError: `data.scale` is a word that is not known.
    """
    if isinstance(data.scale, str) and data.scale != STANDARD:
        raise UnusableInputError(f"expected a number or {STANDARD!r}, got {data.scale!r}", path="data.scale")
    if ids:
        return None
    if data.scale is None:
        return _PIXEL if dtype == "uint8" and rank >= 2 else None
    return data.scale


def scale_after(data: Data, array: ArrayInfo) -> float | str | None:
    """What an input is scaled by once its own steps are done, as `scale_of` tells it.

    Args:
        data: what the experiment says.
        array: the input as its source has it.

    Raises:
        UnusableInputError: `data.scale` is a word that is not known.
    """
    scale = scale_of(data, array.dtype, len(array.shape), array.ids)
    steps = data.prepare.get(array.name, ())
    before = described(array)
    if not steps:
        return None if before.is_text else scale
    after = after_steps(before, steps)
    if after.are_ids or after.is_text:
        return None
    # Pixels are divided only while they are what they were: a step may have scaled them already.
    same = (before.low, before.high) == (after.low, after.high)
    return scale if data.scale is not None or same else None


def _scaled(array: ArrayInfo, scale: float | str | None) -> ArrayInfo:
    if scale is None:
        return array
    if isinstance(scale, str):
        return msgspec.structs.replace(array, dtype="float32", low=None, high=None)
    return msgspec.structs.replace(
        array,
        dtype="float32",
        low=None if array.low is None else array.low / scale,
        high=None if array.high is None else array.high / scale,
    )
