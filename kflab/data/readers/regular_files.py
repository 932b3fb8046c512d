"""Opens files that surely end: no pipe, no device."""

from __future__ import annotations

import os
import stat
from typing import IO

from kflab.errors import UnusableInputError


def open_regular(path: str) -> IO[bytes]:
    """A file for reading.

    Raises:
        UnusableInputError: it cannot be read, or is none: opening a pipe would wait for ever.
    """
    try:
        # Not to wait: a pipe without a writer would keep whoever opens it.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror}", file=path) from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise UnusableInputError("no plain file; expected data on the disk", file=path)
    return os.fdopen(number, "rb")
