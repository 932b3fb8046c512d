"""A set of `.npy` files, one array each: which are inputs and which targets."""

from __future__ import annotations

from pathlib import Path

from kflab.catalog.npz import Header, read_npy_header
from kflab.catalog.sources.kinds import entries
from kflab.errors import UnusableInputError

_MOST_FILES = 1_000


def npy_headers(path: Path, targets: str) -> dict[str, Header]:
    """The header of each array, by what an `.npz` file would call it.

    Args:
        path: a folder of `.npy` files, or the file with the inputs.
        targets: the file with the targets beside that one; "" where it is to be found by its name.

    Raises:
        UnusableInputError: there is none, or one cannot be used.
    """
    return {key: read_npy_header(file, key) for key, file in npy_files(path, targets).items()}


def npy_files(path: Path, targets: str) -> dict[str, Path]:
    """The file of each array, by what an `.npz` file would call it.

    Raises:
        UnusableInputError: there is no file with targets.
    """
    if path.is_dir():
        files = sorted(Path(entry.path) for entry in entries(path) if entry.name.lower().endswith(".npy"))
        if len(files) > _MOST_FILES:
            raise UnusableInputError(
                f"has {len(files):,} .npy files; expected one for each array, not one for each sample",
                file=str(path),
            )
        return {file.stem: file for file in files}
    if targets:
        beside = path.parent / targets
        if beside.suffix.lower() != ".npy" or not beside.is_file():
            raise UnusableInputError(
                f"there is no .npy file {targets!r} beside it", file=str(path), path="data.arguments.targets"
            )
        return {"x": path, "y": beside}
    for ours, theirs in (("x", "y"), ("X", "y"), ("X", "Y"), ("inputs", "targets"), ("images", "labels")):
        if path.stem == ours or path.stem.startswith(f"{ours}_"):
            beside = path.with_name(f"{theirs}{path.stem.removeprefix(ours)}.npy")
            if beside.is_file():
                return {"x": path, "y": beside}
    raise UnusableInputError(
        "one array, and no targets to it; data.arguments.targets names the file with the targets, and the "
        "folder of both will do as data.source, too",
        file=str(path),
        path="data.arguments.targets",
    )
