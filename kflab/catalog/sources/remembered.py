"""What was found out about sources, kept in the user's cache until the source changes."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TypeVar

import msgspec

from kflab import paths
from kflab.whole_files import write_whole

FORMAT = 1
"""The number of the layout of what is kept; another one is never read."""

T = TypeVar("T", bound=msgspec.Struct)

_here: dict[tuple[Path, str], msgspec.Struct] = {}


def folder_of(path: Path, options: object = None) -> Path:
    """Where what is known of a file with these options is kept: another place as soon as the file changes.

    Raises:
        OSError: the file is not there.
    """
    status = path.stat()
    known = (FORMAT, os.path.realpath(path), status.st_size, status.st_mtime_ns, options)
    digest = hashlib.sha256(msgspec.json.encode(known, order="deterministic")).hexdigest()[:32]
    return paths.cache_dir() / "tables" / digest


def recall(folder: Path, name: str, kind: type[T]) -> T | None:
    """What was kept under a name, if anything was."""
    found = _here.get((folder, name))
    if isinstance(found, kind):
        return found
    try:
        kept = msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None
    _keep_here(folder, name, kept)
    return kept


def remember(folder: Path, name: str, known: msgspec.Struct, *, only_here: bool = False) -> None:
    """Keep something under a name; for this process alone, if so or where the cache cannot be written."""
    _keep_here(folder, name, known)
    if only_here:
        return
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(folder / f"{name}.json", msgspec.json.encode(known), mode=0o600)


def _keep_here(folder: Path, name: str, known: msgspec.Struct) -> None:
    if len(_here) >= 64:
        _here.pop(next(iter(_here)))
    _here[folder, name] = known
