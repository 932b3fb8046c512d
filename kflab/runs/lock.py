"""One trainer a folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from kflab.errors import UnusableInputError
from kflab.runs.info import LOCK


class AlreadyTrainingError(UnusableInputError):
    """Another trainer holds the folder."""


@contextlib.contextmanager
def hold(run_dir: Path) -> Iterator[None]:
    """Keeps every other trainer away from the folder until the block, or this process, ends.

    Raises:
        AlreadyTrainingError: another trainer is at it.
    """
    handle = os.open(run_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyTrainingError(
                "another trainer is at work in this folder; stop it first, or start a new run",
                file=str(run_dir),
            ) from error
        yield
    finally:
        os.close(handle)
