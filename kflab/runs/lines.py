"""Writing JSON lines so that a kill tears no more than the last one."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

_encoder = msgspec.json.Encoder()


class LineWriter:
    """Appends one message a line to a file; each line is written at once, and NaN and infinity as null.

    Args:
        path: the file; made where it is missing, readable by its owner only.
    """

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._end_torn_line()

    def write(self, message: msgspec.Struct) -> None:
        """Appends one message.

        Raises:
            OSError: the disk is full, or the file cannot be written any more.
        """
        line = _encoder.encode(message) + b"\n"
        written = os.write(self._handle, line)
        if written != len(line):
            # A full disk takes a part of a line; what is torn must not swallow the next one.
            os.write(self._handle, b"\n")

    def close(self) -> None:
        """Closes the file."""
        os.close(self._handle)

    def _end_torn_line(self) -> None:
        size = os.fstat(self._handle).st_size
        if size and os.pread(self._handle, 1, size - 1) != b"\n":
            os.write(self._handle, b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
