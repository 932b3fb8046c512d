"""What each dataset holds, told before anything of it is loaded."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kflab.catalog import bundled, downloads
from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.offers import Offer
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
    "file_of",
    "find",
    "names",
    "scale_of",
]

STANDARD = "standard"
"""The scale that brings each feature to mean 0 and standard deviation 1."""

NONE_CHOSEN = "no dataset is chosen; `kflab list datasets` shows all, and an .npz file will do, too"
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
    """What the dataset holds as it would load: with its arguments, and scaled.

    Args:
        data: the source and how it is prepared.
        base: the folder that a relative path is relative to: the experiment file's; else the current one.

    Raises:
        UnusableInputError: there is no such dataset or file, none is chosen, or it does not take an argument.
    """
    if not data.source:
        raise UnusableInputError(NONE_CHOSEN, path="data.source")
    offer = find(data.source)
    if offer is not None:
        info = offer.describe(data.arguments)
    else:
        path = file_of(data, base)
        if data.arguments:
            raise UnusableInputError("a file takes no arguments", path="data.arguments")
        from kflab.catalog.files import describe_file

        info = describe_file(path, data.source)
    return msgspec.structs.replace(info, inputs=tuple(_scaled(array, data) for array in info.inputs))


def file_of(data: Data, base: Path | None) -> Path:
    """The file that `data.source` names.

    Raises:
        UnusableInputError: it is neither a dataset's name nor the path of an existing `.npz` file.
    """
    given = Path(data.source).expanduser()
    if given.suffix != ".npz":
        if len(given.parts) > 1 or given.suffix:
            raise UnusableInputError(
                f"cannot read {given.suffix or 'such'} files; expected a dataset's name or an .npz file",
                file=data.source,
                path="data.source",
            )
        raise UnusableInputError(
            f"no dataset is called {data.source!r}{did_you_mean(data.source, names())}; "
            "`kflab list datasets` shows all, and an .npz file will do, too",
            path="data.source",
        )
    path = given if given.is_absolute() else (base or Path.cwd()) / given
    if not path.exists():
        raise UnusableInputError("no such file", file=str(path), path="data.source")
    return path


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


def _scaled(array: ArrayInfo, data: Data) -> ArrayInfo:
    scale = scale_of(data, array.dtype, len(array.shape), array.ids)
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
