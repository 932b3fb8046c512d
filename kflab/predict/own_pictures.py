"""Image files of somebody's own, brought to the size and the shades that a model's images have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kflab.catalog.dataset_types import ArrayInfo, TargetInfo, TargetKind
from kflab.catalog.sources.kinds import IMAGES
from kflab.data.arrays import Array
from kflab.data.fitted import prepare_samples
from kflab.data.parts import Part
from kflab.data.pipelines import Fitted
from kflab.data.readers.folders import read_image
from kflab.errors import UnusableInputError

_SIDE = 256  # of an image where the dataset's own are of any size


class Found(NamedTuple):
    """Image files.

    Attributes:
        files: where they are.
        folders: the name of the folder of each, where it is in one below the one that was named; else "".
    """

    files: tuple[Path, ...] = ()
    folders: tuple[str, ...] = ()


def find(source: Path) -> Found:
    """The image that a path is, or those in a folder and the folders in it; none for anything else."""
    if source.is_file():
        return Found((source,), ("",)) if source.suffix.lower() in IMAGES else Found()
    if not source.is_dir():
        return Found()
    own = _images_in(source)
    if own:
        return Found(tuple(own), ("",) * len(own))
    pairs = [
        (file, folder.name)
        for folder in sorted(source.iterdir())
        if folder.is_dir() and not folder.name.startswith(".")
        for file in _images_in(folder)
    ]
    return Found(tuple(file for file, _ in pairs), tuple(name for _, name in pairs))


def _images_in(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in IMAGES and not path.name.startswith(".")
    )


class Pictures:
    """Images as a model takes them, each read when it is asked for.

    Args:
        files: where they are.
        raw: what the images of the dataset are like.
        fitted: how they are prepared.
        name: the Input that they feed.
    """

    def __init__(self, files: Sequence[Path], raw: ArrayInfo, fitted: Fitted, name: str) -> None:
        self._files, self._raw, self._fitted, self._name = tuple(files), raw, fitted, name
        first = self[slice(0, 1)]
        self._shape, self._dtype = first.shape[1:], first.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are, then the shape of a sample."""
        return (len(self._files), *self._shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self._dtype

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, rows: Array | slice, /) -> Array:
        chosen = np.arange(len(self._files))[rows]
        read = np.stack([read_picture(self._files[int(row)], self._raw) for row in chosen])
        return prepare_samples({self._fitted.feeds[self._name].name: read}, self._fitted)[self._name]


def read_picture(path: Path, raw: ArrayInfo) -> Array:
    """An image in the size, with the channels and in the range of a dataset's own.

    Raises:
        UnusableInputError: it is no image that can be read.
    """
    height, width = (size or _SIDE for size in raw.shape[:2])
    channels = raw.shape[2] if len(raw.shape) == 3 else None
    mode = {3: "RGB", 4: "RGBA"}.get(channels or 1, "L")
    pixels = read_image(str(path), (height, width), mode)
    shaped = pixels if channels is not None else pixels[..., 0]
    is_byte = raw.dtype == "uint8" or (raw.high is not None and raw.high > 1)
    if is_byte:
        return shaped.astype(raw.dtype)
    return (shaped / np.float32(255)).astype(raw.dtype if raw.dtype.startswith("float") else "float32")


def part_of(found: Found, raw_inputs: Sequence[ArrayInfo], fitted: Fitted) -> Part:
    """Image files as the samples of a model with one image for its input.

    Where the files are in folders that are called as the classes are, that is what they are held against.

    Raises:
        UnusableInputError: the model is not fed with one image, or a file is none.
    """
    if len(fitted.feeds) != 1:
        raise UnusableInputError(
            f"the model has the Inputs {', '.join(fitted.feeds)}, and image files feed one; expected an .npz "
            "file with an array for each"
        )
    ((name, feed),) = fitted.feeds.items()
    raw = next((array for array in raw_inputs if array.name == feed.name), None)
    if raw is None or len(raw.shape) not in {2, 3} or raw.ids:
        raise UnusableInputError(f"Input {name!r} is not fed with images, so no image file can be")
    return Part({name: Pictures(found.files, raw, fitted, name)}, _targets(found, fitted))


def _targets(found: Found, fitted: Fitted) -> dict[str, Array]:
    if len(fitted.held) != 1:
        return {}
    ((name, target),) = fitted.held.items()
    if not isinstance(target, TargetInfo) or target.kind not in {TargetKind.CLASSES, TargetKind.BINARY}:
        return {}
    numbers = {label: number for number, label in enumerate(target.labels)}
    if not all(folder in numbers for folder in found.folders):
        return {}
    return {name: np.asarray([numbers[folder] for folder in found.folders], dtype="int32")}
