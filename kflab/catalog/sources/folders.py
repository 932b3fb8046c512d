"""Folders of images or of texts, a subfolder for each class, and what they hold for a model."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.offers import Settings
from kflab.catalog.sources import remembered
from kflab.catalog.sources.kinds import IMAGES, SPLITS, TEXTS, SourceKind, entries
from kflab.catalog.sources.settings import SETTINGS, image_size
from kflab.errors import UnusableInputError, did_you_mean

IMAGE, TEXT, LABEL = "image", "text", "label"
"""What the arrays of a folder are called."""

CHANNELS = {"rgb": 3, "grayscale": 1, "rgba": 4}
"""The channels of each color mode."""

_COUNTED_AT_ONCE = 8_000
_MOST_CLASSES = 10_000
_COUNTS = "counts"


class Counts(msgspec.Struct, frozen=True):
    """How many samples each split has of each class, in the order of the labels."""

    labels: tuple[str, ...]
    splits: Mapping[str, tuple[int, ...]]


class Classes(msgspec.Struct, frozen=True):
    """The folders of the classes.

    Attributes:
        labels: the names of the classes, in order.
        splits: the folder of each class in each split; nothing where the split has none of it.
    """

    labels: tuple[str, ...]
    splits: Mapping[str, tuple[Path | None, ...]]


def classes_of(path: Path) -> Classes:
    """The classes that a folder has, and where they are.

    Raises:
        UnusableInputError: it cannot be read, or the test has a class that the training samples lack.
    """
    top = _subfolders(path)
    parts = {SPLITS[name.lower()]: folder for name, folder in top.items() if name.lower() in SPLITS}
    if "train" not in parts or len(parts) < len(top):
        parts = {}
    by_split = {split: _subfolders(folder) for split, folder in parts.items()} or {"train": top}
    labels = tuple(sorted(by_split["train"]))
    if not labels:
        raise UnusableInputError("has no subfolder for any class", file=str(parts.get("train", path)))
    if len(labels) > _MOST_CLASSES:
        raise UnusableInputError(
            f"has {len(labels):,} subfolders; expected one for each class, {_MOST_CLASSES:,} at most",
            file=str(path),
        )
    for folders in by_split.values():
        for name, folder in folders.items():
            if name not in labels:
                hint = did_you_mean(name, labels) or f"; they have {', '.join(labels[:8])}"
                raise UnusableInputError(
                    f"the class {name!r} of {folder.parent.name} is none of the training samples{hint}",
                    file=str(folder),
                )
    order = ("train", "val", "test")
    return Classes(
        labels,
        {split: tuple(by_split[split].get(name) for name in labels) for split in order if split in by_split},
    )


def _subfolders(path: Path) -> dict[str, Path]:
    try:
        return {entry.name: Path(entry.path) for entry in entries(path) if entry.is_dir()}
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(path)) from None


def files_of(folder: Path, endings: frozenset[str]) -> Iterator[str]:
    """The paths of the samples of a class, those in folders below it included.

    Links to folders are not followed, as they may lead round in circles.

    Raises:
        UnusableInputError: a folder cannot be read.
    """
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as found:
                for entry in found:
                    if entry.name.startswith("."):
                        continue
                    dot = entry.name.rfind(".")
                    if dot > 0 and entry.name[dot:].lower() in endings:
                        yield entry.path
                    elif dot < 0 and entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError as error:
            raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(folder)) from None


def endings_of(kind: SourceKind) -> frozenset[str]:
    """The endings of the samples of a kind of folder."""
    return IMAGES if kind is SourceKind.IMAGES else TEXTS


def count(path: Path, kind: SourceKind, most: int | None = None) -> Counts | None:
    """How many samples there are of each class; nothing where there are more than `most`.

    Raises:
        UnusableInputError: a class has none.
    """
    classes = classes_of(path)
    kept = remembered.folder_of(path, (kind, _changes(classes)))
    known = remembered.recall(kept, _COUNTS, Counts)
    if known is not None:
        return known
    endings, seen = endings_of(kind), 0
    counted: dict[str, tuple[int, ...]] = {}
    for split, folders in classes.splits.items():
        numbers = []
        for folder in folders:
            number = 0
            for _ in files_of(folder, endings) if folder else ():
                number += 1
                if most is not None and seen + number > most:
                    return None
            if folder is not None and not number:
                raise empty(folder, kind)
            numbers.append(number)
            seen += number
        counted[split] = tuple(numbers)
    counts = Counts(classes.labels, counted)
    remembered.remember(kept, _COUNTS, counts)
    return counts


def empty(folder: Path, kind: SourceKind) -> UnusableInputError:
    """The error of a class without samples."""
    endings = ", ".join(sorted(endings_of(kind)))
    return UnusableInputError(f"the class {folder.name!r} has no files ({endings})", file=str(folder))


def _changes(classes: Classes) -> Sequence[int]:
    """When each folder of a class changed last: a file that comes or goes changes its folder."""
    try:
        return [
            folder.stat().st_mtime_ns
            for folders in classes.splits.values()
            for folder in folders
            if folder is not None
        ]
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(error.filename)) from None


def describe_folder(path: Path, kind: SourceKind, settings: Settings, source: str) -> DatasetInfo:
    """What a folder holds; how many samples, where they are few or were counted before.

    Raises:
        UnusableInputError: it cannot be used, with the reason.
    """
    classes = classes_of(path)
    counts = count(path, kind, _COUNTED_AT_ONCE)
    if kind is SourceKind.IMAGES:
        size = image_size(settings.value("image_size")) or (0, 0)
        array = ArrayInfo(
            IMAGE, (*size, CHANNELS[settings.text("color_mode")]), dtype="uint8", low=0, high=255
        )
    else:
        array = ArrayInfo(TEXT, (), dtype="string")
    number = len(classes.labels)
    meaning = TargetKind.BINARY if number == 2 else TargetKind.CLASSES
    numbers = {split: sum(numbers) for split, numbers in counts.splits.items()} if counts else {}
    listed = ", ".join(f"{found:,} {split}" for split, found in numbers.items()) or "not counted yet"
    what = "images" if kind is SourceKind.IMAGES else "texts"
    return DatasetInfo(
        name=source,
        origin=Origin.FILE,
        summary=f"your own: {what} of {number:,} {'class' if number == 1 else 'classes'}, {listed}",
        inputs=(array,),
        targets=(TargetInfo(LABEL, meaning, (), "int32", number, classes.labels),),
        train=numbers.get("train", 0),
        test=numbers.get("test", 0),
        arguments=tuple(setting.argument for setting in SETTINGS[kind]),
        is_estimate=counts is None,
    )
