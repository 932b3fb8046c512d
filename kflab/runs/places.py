"""Where callbacks write: inside of the folder that they run in, and nowhere else."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

from kflab.errors import UnusableInputError
from kflab.runs import info
from kflab.values import Arguments, Value

WRITES: Mapping[str, str] = {
    "BackupAndRestore": "backup_dir",
    "CSVLogger": "filename",
    "ModelCheckpoint": "filepath",
    "OrbaxCheckpoint": "directory",
    "TensorBoard": "log_dir",
}
"""The argument of each callback that says where it writes."""

_SENDS = frozenset({"RemoteMonitor"})
_PLACES = {
    "BackupAndRestore": "backup",
    "CSVLogger": "history.csv",
    "OrbaxCheckpoint": "orbax",
    "TensorBoard": "tensorboard",
}
_RESERVED = frozenset(
    {info.EXPERIMENT, info.INFO, info.EVENTS, info.CONSOLE, info.CONTROL, info.LOCK, info.FINAL, "snapshots"}
)


def filled_in(callback: str, arguments: Arguments, path: str) -> dict[str, Value]:
    """The arguments of a callback, with what is meant where a document does not say it.

    It writes into the run folder. A `ModelCheckpoint` without a path writes the best model of the run.
    `BackupAndRestore` keeps the backup before the last one, since a trainer that is killed while it writes
    leaves half a file.

    Args:
        callback: the name of its class.
        arguments: what the document says.
        path: the place in the document, for errors.

    Raises:
        UnusableInputError: it would send values to another machine.
    """
    if callback in _SENDS:
        raise UnusableInputError(
            "it would send the run's values to another machine, which no run does", path=path
        )
    given = dict(arguments)
    if callback == "BackupAndRestore":
        given.setdefault("double_checkpoint", True)
    if callback == "ModelCheckpoint" and given.get("filepath") is None:
        given["filepath"] = "best.weights.h5" if given.get("save_weights_only") else info.BEST
        given.setdefault("save_best_only", True)
    if callback in _PLACES:
        given.setdefault(WRITES[callback], _PLACES[callback])
    return given


def place_in(run_dir: Path, given: Value, path: str) -> Path:
    """The place inside the run folder that a document means.

    Args:
        run_dir: the run folder.
        given: what the document says: a relative path, perhaps with fields such as `{epoch:02d}`.
        path: the place in the document, for errors.

    Raises:
        UnusableInputError: it leads out of the folder, or to one of the folder's own files.
    """
    if not isinstance(given, str) or not given.strip():
        raise UnusableInputError(f"expected a path inside the run folder, got {given!r}", path=path)
    root = run_dir.resolve()
    place = (root / given).resolve()
    if Path(given).is_absolute() or not place.is_relative_to(root) or place == root:
        raise UnusableInputError(
            f"expected a path inside the run folder, such as {Path(given).name or 'out'!r}; got {given!r}",
            path=path,
        )
    if place.relative_to(root).parts[0] in _RESERVED:
        raise UnusableInputError(
            f"{given!r} is a file of the run folder's own; choose another name", path=path
        )
    try:
        fields = _fields(given)
    except ValueError as error:
        raise UnusableInputError(f"{given!r} is no pattern of a path: {error}", path=path) from error
    if not all(field.isidentifier() for field in fields):
        raise UnusableInputError(
            f"expected fields such as {{epoch:02d}} or {{val_loss:.3f}}, got {given!r}", path=path
        )
    return place


def is_pattern(path: str) -> bool:
    """Whether a path has fields, so that each epoch may write to another file."""
    return bool(_fields(path))


def _fields(path: str) -> list[str]:
    return [field for _, field, _, _ in string.Formatter().parse(path) if field is not None]
