"""One trainer a folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from kflab.errors import UnusableInputError
from kflab.runs.info import LOCK

LOCK_HANDLE = "KFLAB_LOCK_HANDLE"
"""The variable that tells a trainer which of the files that it inherits is the lock of its folder."""


class AlreadyTrainingError(UnusableInputError):
    """Another trainer holds the folder."""


@contextlib.contextmanager
def hold(run_dir: Path) -> Iterator[int]:
    """Keeps every other trainer away from the folder until the block, or this process, ends.

    A process that was given the lock by the one that started it, see `LOCK_HANDLE`, has it already.

    Args:
        run_dir: the run folder.

    Yields:
        The lock as an open file: a process that inherits it holds the lock as well.

    Raises:
        AlreadyTrainingError: another trainer is at it.
        OSError: the folder cannot be used.
    """
    handle = _inherited(run_dir)
    if handle is None:
        handle = os.open(run_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyTrainingError(
                "another trainer is at work in this folder; stop it first, or start a new run",
                file=str(run_dir),
            ) from error
        yield handle
    finally:
        os.close(handle)


def _inherited(run_dir: Path) -> int | None:
    """The lock, where this process was started with it; none of its own children is."""
    try:
        handle = int(os.environ.pop(LOCK_HANDLE, ""))
        if os.path.samestat(os.fstat(handle), (run_dir / LOCK).stat()):
            os.set_inheritable(handle, False)
            return handle
    except (ValueError, OSError, OverflowError):
        pass
    return None
