"""The file of a snapshot: arrays and what they are, checked by a digest, written whole or not at all.

The format is NumPy's `.npz`, uncompressed and without pickle: a zip archive of `.npy` files, which any NumPy
reads and which NumPy promises to read for good. So a snapshot can be looked at without kflab, and needs no
further package. What it does not know (`bfloat16`, floats of 8 bits) is kept as bytes beside its name.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import msgspec
import numpy as np

from kflab.catalog.npz import ZIP_ERRORS
from kflab.data.arrays import Array
from kflab.errors import KflabError
from kflab.runs.position import Position
from kflab.train.plain_state import Packed

SUFFIX = ".npz"

_ABOUT = "about"
_DIGITS = 16  # of the digest, in the file's name: 64 bits tell a damaged file from a whole one
_WRITING = ".writing-"


class Kept(msgspec.Struct, frozen=True):
    """An array of a snapshot.

    Attributes:
        dtype: its dtype by its name.
        shape: its shape.
        name: what it is the value of, as far as that has a name.
    """

    dtype: str
    shape: tuple[int, ...]
    name: str = ""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot is of, beside its arrays.

    Attributes:
        format: the number of this format.
        epoch: the epochs that are done.
        step: the steps that are done of the next one.
        epochs: the epochs to train in all, as far as that was decided then.
        has_ended: a callback has ended the training here.
        experiment: the digest of what the experiment says of model, data and training.
        data: the digest of the training samples.
        seed: what all random numbers follow from.
        backend: the backend of Keras.
        groups: how many of the arrays, in their order, are variables of the model, of metrics, and so on.
        arrays: what each array is.
        state: the state of what is no variable, packed.
        files: the files of the run that belong to this state, by their path in the run folder: each is kept
            beside the snapshot under this ending.
        steered: the ids of the requests that were answered so far.
    """

    format: int = 1
    epoch: int
    step: int
    epochs: int
    has_ended: bool = False
    experiment: str = ""
    data: str = ""
    seed: int = 0
    backend: str = ""
    groups: Mapping[str, int] = {}
    arrays: tuple[Kept, ...] = ()
    state: Packed = None
    files: Mapping[str, str] = {}
    steered: tuple[str, ...] = ()

    @property
    def position(self) -> Position:
        """How far the training had come."""
        return Position(self.epoch, self.step)


@dataclass(frozen=True)
class Snapshot:
    """A snapshot in memory."""

    about: About
    arrays: Sequence[Array]

    @property
    def bytes(self) -> int:
        """The size of its arrays."""
        return sum(array.nbytes for array in self.arrays)


class RefusedSnapshotError(KflabError):
    """A snapshot can not be gone on from; the text says why, in one line."""


def kept(array: Array, name: str = "") -> Kept:
    """What is said of an array."""
    return Kept(array.dtype.name, array.shape, name)


def write_snapshot(folder: Path, snapshot: Snapshot, stem: str) -> Path:
    """Writes a snapshot: on the disk when this returns, or not there.

    Args:
        folder: the folder of the snapshots.
        snapshot: what is written.
        stem: what the file's name begins with; the digest is appended.

    Raises:
        OSError: it can not be written.
    """
    temporary = folder / f"{_WRITING}{stem}{SUFFIX}"
    try:
        with temporary.open("w+b") as file:
            os.fchmod(file.fileno(), 0o600)
            about = np.frombuffer(msgspec.json.encode(snapshot.about), dtype="uint8")
            named = {f"array{number}": _storable(array) for number, array in enumerate(snapshot.arrays)}
            np.savez(file, allow_pickle=False, **{_ABOUT: about}, **named)
            file.flush()
            os.fsync(file.fileno())
            digest = _digest_of(file.fileno())
        path = folder / f"{stem}-{digest}{SUFFIX}"
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    return path


def read_snapshot(path: Path) -> Snapshot:
    """Reads a snapshot.

    Raises:
        RefusedSnapshotError: it is damaged, or of a later kflab.
    """
    try:
        with path.open("rb") as file:
            if _digest_of(file.fileno()) != path.stem.rpartition("-")[2]:
                raise RefusedSnapshotError("it is damaged: it does not hold what was written")
            with np.load(file, allow_pickle=False) as archive:
                about = msgspec.json.decode(archive[_ABOUT].tobytes(), type=About)
                if about.format != About.__struct_defaults__[0]:
                    raise RefusedSnapshotError("it is of another version of kflab")
                arrays = [
                    _restored(archive[f"array{number}"], one) for number, one in enumerate(about.arrays)
                ]
    except OSError as error:
        raise RefusedSnapshotError(f"it cannot be read: {error.strerror or error}") from error
    except (*ZIP_ERRORS, ValueError, KeyError, AttributeError, TypeError, msgspec.MsgspecError) as error:
        raise RefusedSnapshotError(f"it is damaged: {error}") from error
    return Snapshot(about, arrays)


def remove_unfinished(folder: Path) -> None:
    """Removes what a trainer left that was killed while it wrote; no trainer may be at work."""
    for path in folder.glob(".*"):
        with contextlib.suppress(OSError):
            path.unlink()


def sync_folder(folder: Path) -> None:
    """Waits until the names of a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems sync no folders, and need not.
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def _digest_of(handle: int) -> str:
    with os.fdopen(os.dup(handle), "rb") as file:
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]
        file.seek(0)
    return digest


def _storable(array: Array) -> Array:
    """An array of a dtype that the format knows, or its bytes."""
    is_added = array.dtype.isbuiltin == 2  # by a package, as NumPy calls it
    return np.frombuffer(array.tobytes(), dtype="uint8") if is_added else array


def _restored(array: Array, about: Kept) -> Array:
    if array.dtype.name != about.dtype:
        array = np.frombuffer(array.tobytes(), dtype=getattr(ml_dtypes, about.dtype))
    return array.reshape(about.shape)
