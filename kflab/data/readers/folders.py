"""Folders of images and of texts by class, read file by file as they are asked for."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from kflab.catalog.offers import Settings
from kflab.catalog.sources.folders import (
    CHANNELS,
    IMAGE,
    LABEL,
    TEXT,
    classes_of,
    count,
    empty,
    endings_of,
    files_of,
)
from kflab.catalog.sources.kinds import SourceKind
from kflab.catalog.sources.settings import image_size
from kflab.data.arrays import Array, Raw, Samples
from kflab.data.readers.regular_files import open_regular
from kflab.errors import UnusableInputError

_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP")
_MODES = {"rgb": "RGB", "grayscale": "L", "rgba": "RGBA"}
_INTERPOLATIONS = {
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
    "bicubic": Image.Resampling.BICUBIC,
    "area": Image.Resampling.BOX,
    "lanczos3": Image.Resampling.LANCZOS,
}
_MOST_PIXELS = 89_478_485  # Pillow's own limit, from which on it warns
_MOST_TEXT = 32 << 20
_FEW = 8
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    IndexError,
    KeyError,
    TypeError,
)

# Larger ones are refused, and a warning would be printed among what is told.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)

_WORKERS = min(8, os.cpu_count() or 1)
_threads = ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="decode")


class FileRows:
    """Samples that are files of their own.

    Args:
        files: their paths.
        read: makes a sample of one.
        shape: the shape of a sample.
        dtype: the dtype of its values.
    """

    def __init__(
        self, files: Sequence[str], read: Callable[[str], object], shape: tuple[int, ...], dtype: str
    ) -> None:
        self.files = files
        self._read, self._shape, self._dtype = read, shape, np.dtype(dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are, then the shape of a sample."""
        return (len(self.files), *self._shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self._dtype

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, rows: Array | slice, /) -> Array:
        chosen = [self.files[row] for row in np.arange(len(self.files))[rows]]
        made = np.empty((len(chosen), *self._shape), self._dtype)

        def fill(first: int, end: int) -> None:
            for index in range(first, end):
                made[index] = self._read(chosen[index])

        if len(chosen) <= _FEW:
            fill(0, len(chosen))
            return made
        size = max(_FEW, -(-len(chosen) // (4 * _WORKERS)))
        parts = [
            _threads.submit(fill, first, min(first + size, len(chosen)))
            for first in range(0, len(chosen), size)
        ]
        wait(parts)
        for part in parts:  # the first error in the order of the rows
            part.result()
        return made


def open_folder(path: Path, kind: SourceKind, settings: Settings) -> Raw:
    """The samples of a folder, by split; none is read.

    Raises:
        UnusableInputError: a class has no samples.
    """
    make = _images(settings) if kind is SourceKind.IMAGES else _texts(settings.text("encoding"))
    name = IMAGE if kind is SourceKind.IMAGES else TEXT
    classes = classes_of(path)
    count(path, kind)
    endings = endings_of(kind)
    splits: dict[str, Samples] = {}
    for split, folders in classes.splits.items():
        files: list[str] = []
        labels: list[Array] = []
        for number, folder in enumerate(folders):
            found = sorted(files_of(folder, endings)) if folder is not None else []
            if folder is not None and not found:
                raise empty(folder, kind)
            files += found
            labels.append(np.full(len(found), number, "int32"))
        splits[split] = Samples({name: make(files)}, {LABEL: np.concatenate(labels)})
    return Raw(splits["train"], splits.get("val"), splits.get("test"))


def _images(settings: Settings) -> Callable[[Sequence[str]], FileRows]:
    mode = settings.text("color_mode")
    height, width = image_size(settings.value("image_size")) or (1, 1)
    crops = settings.flag("crop_to_aspect_ratio")
    resampling = _INTERPOLATIONS[settings.text("interpolation")]

    def read(file: str) -> Array:
        return read_image(file, (height, width), _MODES[mode], crops=crops, resampling=resampling)

    shape = (height, width, CHANNELS[mode])
    return lambda files: FileRows(files, read, shape, "uint8")


def read_image(
    file: str,
    size: tuple[int, int],
    mode: str = "RGB",
    *,
    crops: bool = False,
    resampling: Image.Resampling = Image.Resampling.BILINEAR,
) -> Array:
    """An image of the given height and width, `uint8`, channels last; of a moving one the first.

    Raises:
        UnusableInputError: it cannot be decoded, or is too large to be an honest one.
    """
    height, width = size
    try:
        with open_regular(file) as stream, Image.open(stream, formats=_FORMATS) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise UnusableInputError(
                    f"has {opened.width:,}×{opened.height:,} pixels; expected at most {_MOST_PIXELS:,}: "
                    "a file that unpacks to more may be meant to fill the memory",
                    file=file,
                )
            opened.draft(mode, (width, height))
            image = _in_mode(opened, mode)
            if crops:
                image = ImageOps.fit(image, (width, height), resampling)
            elif image.size != (width, height):
                image = image.resize((width, height), resampling)
            pixels = np.asarray(image, "uint8")
    except UnusableInputError:
        raise
    except (Image.DecompressionBombError, MemoryError):
        raise UnusableInputError(
            f"unpacks to more than {2 * _MOST_PIXELS:,} pixels; expected an image that fits into memory",
            file=file,
        ) from None
    except _DAMAGED as error:
        reason = "" if isinstance(error, Image.UnidentifiedImageError) else f" ({error})"
        raise UnusableInputError(
            f"cannot be decoded: damaged, or no {', '.join(_FORMATS)} image{reason}", file=file
        ) from None
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    if image.mode.startswith("I"):
        # Pillow would clip 16 bits to 8 instead of scaling them.
        wide = np.asarray(image)
        image = Image.fromarray((np.clip(wide, 0, 65_535) // 257).astype("uint8"))
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image if image.mode == mode else image.convert(mode)


def _texts(encoding: str) -> Callable[[Sequence[str]], FileRows]:
    def read(file: str) -> str:
        with open_regular(file) as stream:
            found = stream.read(_MOST_TEXT + 1)
        if len(found) > _MOST_TEXT:
            raise UnusableInputError(f"is larger than {_MOST_TEXT >> 20} MB; expected one text", file=file)
        try:
            return found.decode(encoding)
        except UnicodeError as error:
            where = getattr(error, "start", 0)
            raise UnusableInputError(
                f"not {encoding} text at byte {where:,}; data.arguments.encoding says which encoding it has, "
                "such as latin-1",
                file=file,
                line=found.count(b"\n", 0, where) + 1,
            ) from None

    return lambda files: FileRows(files, read, (), "object")
