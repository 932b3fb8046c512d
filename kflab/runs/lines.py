"""JSON lines, written so that a kill tears no more than the last one."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

_encoder = msgspec.json.Encoder()


def text_of(line: bytes) -> bytes:
    """What a line holds.

    A crash of the machine can leave a stretch of zero bytes where the file was grown but not yet written.
    """
    return line.strip(b"\0 \t\r")


class LineWriter:
    """Appends one message a line to a file; each line is written at once, and NaN and infinity as null.

    Args:
        path: the file; made where it is missing, readable by its owner only.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._is_torn = False
        self._end_torn_line()

    def write(self, message: msgspec.Struct) -> None:
        """Appends one message.

        A line that finds no room is taken back, so that the next one that does stands for itself.

        Raises:
            OSError: the disk is full, or the file cannot be written any more.
        """
        line = _encoder.encode(message) + b"\n"
        if self._is_torn:
            self._end_torn_line()
        written = os.write(self._handle, line)
        if written != len(line):
            self._take_back(written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)

    def close(self) -> None:
        """Closes the file."""
        os.close(self._handle)

    def _take_back(self, written: int) -> None:
        """Cuts off the part of a line, unless somebody else has written after it."""
        end = os.lseek(self._handle, 0, os.SEEK_CUR)
        if os.fstat(self._handle).st_size == end:
            os.ftruncate(self._handle, end - written)
        else:
            self._is_torn = True

    def _end_torn_line(self) -> None:
        size = os.fstat(self._handle).st_size
        if size and os.pread(self._handle, 1, size - 1) != b"\n":
            os.write(self._handle, b"\n")
        self._is_torn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
