"""What kind of source a path is."""

from __future__ import annotations

import enum
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from kflab.errors import UnusableInputError

IMAGES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp"})
"""The endings of the images that are read."""

TEXTS = frozenset({".txt", ".text", ".md"})
"""The endings of the texts that are read from folders."""

SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "val",
    "valid": "val",
    "val": "val",
    "test": "test",
    "testing": "test",
}
"""What folders that hold a split are called, and the split."""

_PEEKED = 200


class SourceKind(enum.StrEnum):
    """The kinds of sources that are read."""

    NPZ = ".npz file"
    NPY = ".npy files"
    TABLE = "table"  # CSV, TSV
    PARQUET = "Parquet table"
    JSON_LINES = "JSON lines"
    IMAGES = "folder of images by class"
    TEXTS = "folder of texts by class"


TABLES = (SourceKind.TABLE, SourceKind.PARQUET, SourceKind.JSON_LINES)
"""The kinds whose samples are rows with columns."""

_ENDINGS = {
    ".npz": SourceKind.NPZ,
    ".npy": SourceKind.NPY,
    ".csv": SourceKind.TABLE,
    ".tsv": SourceKind.TABLE,
    ".tab": SourceKind.TABLE,
    ".parquet": SourceKind.PARQUET,
    ".pq": SourceKind.PARQUET,
    ".jsonl": SourceKind.JSON_LINES,
    ".ndjson": SourceKind.JSON_LINES,
}

READABLE = (
    ".npz, .npy, .csv, .tsv, .parquet and .jsonl files, and folders of images, of texts or of .npy files"
)
"""What is read, in words."""


def looks_like_path(source: str) -> bool:
    """Whether a source is meant as a path, not as the name of a dataset."""
    given = Path(source)
    return len(given.parts) > 1 or bool(given.suffix) or source.endswith(("/", os.sep))


def recognise(path: Path) -> SourceKind:
    """The kind of a source.

    Raises:
        UnusableInputError: there is none, it is neither a file nor a folder, or it is not one that is read.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(path)) from None
    except ValueError as error:
        raise UnusableInputError(f"no path: {error}", file=repr(str(path))) from None
    if stat.S_ISDIR(mode):
        return _folder(path)
    if not stat.S_ISREG(mode):
        raise UnusableInputError("neither a file nor a folder; expected data on the disk", file=str(path))
    kind = _ENDINGS.get(path.suffix.lower())
    if kind is None:
        raise UnusableInputError(
            f"cannot read {path.suffix or 'such'} files; expected {READABLE}", file=str(path)
        )
    return kind


def _folder(path: Path) -> SourceKind:
    folders: list[Path] = []
    try:
        for entry in entries(path):
            kind = _of_file(entry.name)
            if kind is SourceKind.NPY and entry.is_file():
                return kind
            if len(folders) < _PEEKED and entry.is_dir():
                folders.append(Path(entry.path))
        # Classes below the splits, or right here.
        for folder in sorted(folders):
            kind = _below(folder, deeper=folder.name.lower() in SPLITS)
            if kind is not None:
                return kind
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(path)) from None
    what = "expected a subfolder of images or of .txt files for each class, or .npy files"
    found = f"it has {len(folders)} subfolders without any" if folders else "it has no subfolders"
    raise UnusableInputError(f"a folder without data: {what}; {found}", file=str(path))


def _below(folder: Path, *, deeper: bool) -> SourceKind | None:
    for count, entry in enumerate(entries(folder)):
        if count >= _PEEKED:
            break
        kind = _of_file(entry.name)
        if kind in (SourceKind.IMAGES, SourceKind.TEXTS) and entry.is_file():
            return kind
        if deeper and entry.is_dir():
            found = _below(Path(entry.path), deeper=False)
            if found is not None:
                return found
    return None


def _of_file(name: str) -> SourceKind | None:
    ending = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path for each of 50,000 names takes long
    if ending in IMAGES:
        return SourceKind.IMAGES
    if ending in TEXTS:
        return SourceKind.TEXTS
    return SourceKind.NPY if ending == ".npy" else None


def entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What is in a folder; hidden files, which systems leave behind, are not."""
    with os.scandir(folder) as found:
        for entry in found:
            if not entry.name.startswith("."):
                yield entry
