"""Room on the disk: what is free, what a run will take and leave, and a little kept for its last words."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The error numbers of a disk that takes no more: full, over a quota, a file over its limit."""

_LARGEST_SHARE = 0.1
_LAST_WORDS = ".last-words"
_LAST_WORDS_SIZE = 1 << 16
_SNAPSHOTS = 3  # two are kept while the next one is written
_MODELS = 3  # the best, the last, and one that is being written
_LOGS = 50_000_000  # events and console of a day, with room to spare


class Room(msgspec.Struct, frozen=True):
    """The room of a disk, in bytes.

    Attributes:
        free: what this user may still take.
        total: the size of the disk.
    """

    free: int
    total: int

    def kept_free(self, reserve: float) -> int:
        """How much of it a run leaves free, of so many bytes asked for: a tenth of a small disk at most."""
        return int(min(reserve, self.total * _LARGEST_SHARE))


def room(folder: Path) -> Room:
    """The room of the disk that a folder is on; of the nearest folder above where it is not there yet.

    Raises:
        OSError: that cannot be told.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    found = os.statvfs(folder)
    return Room(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def needed(weights: int, slots: int) -> int:
    """Bytes that a run takes on the disk at most: its models, its snapshots and its logs.

    Args:
        weights: bytes of all weights.
        slots: bytes of what the optimizer keeps for them.
    """
    return (_MODELS + _SNAPSHOTS) * (weights + slots) + _LOGS


def size_text(count: float) -> str:
    """An amount of memory or disk, as `1.2 GB`."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB" if count < 1000 else f"{count / 1000:.1f} TB"


def too_little(found: Room, reserve: float) -> str:
    """Why a run ends on a disk with so little room; "" where there is enough.

    Args:
        found: the room.
        reserve: bytes that are to be left free.
    """
    least = found.kept_free(reserve)
    if found.free >= least:
        return ""
    return (
        f"the disk is nearly full: {size_text(found.free)} of {size_text(found.total)} are free, and "
        f"{size_text(least)} are left for others"
    )


def shortage(found: Room, needs: int, reserve: float) -> str:
    """What to tell of a run that takes more than there is room for; "" where there is enough.

    Args:
        found: the room.
        needs: bytes that the run takes at most, see `needed`.
        reserve: bytes that are to be left free.
    """
    least = found.kept_free(reserve)
    if found.free >= needs + least:
        return ""
    return (
        f"a run of this takes up to {size_text(needs)} on the disk for models, snapshots and logs; "
        f"{size_text(found.free)} are free and {size_text(least)} are left for others, so it may be stopped "
        "before it is done"
    )


class LastWords:
    """A little room on the disk that is given back when a run has to say why it ends.

    Args:
        folder: the run folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _LAST_WORDS
        # What cannot be compressed takes its room on every file system. Where there is none, none is kept.
        with contextlib.suppress(OSError):
            self._path.write_bytes(os.urandom(_LAST_WORDS_SIZE))

    def release(self) -> None:
        """Gives the room back."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def full_disk_cause(error: OSError) -> str:
    """What a full disk kept from being written, in one line; "" for another error."""
    if error.errno not in FULL:
        return ""
    words: Mapping[int, str] = {errno.EDQUOT: "the quota is used up", errno.EFBIG: "a file is at its limit"}
    name = Path(str(error.filename)).name if error.filename else ""
    what = f": {name} could not be written" if name else ""
    return f"{words.get(error.errno or 0, 'the disk is full')}{what}"
