"""What a trainer prints: it goes on training where that can not be written."""

from __future__ import annotations

import faulthandler
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer


def keep_printing() -> None:
    """Lets prints and tracebacks fail in silence, as on a full disk or when nobody reads a pipe any more.

    What breaks the process itself, as a fault in a library, is printed with the place it came from.
    """
    sys.stdout, sys.stderr = _stream(1), _stream(2)
    # Where there is no standard error at all, nothing can be printed there.
    try:
        faulthandler.enable(file=2, all_threads=False)
    except (OSError, ValueError, RuntimeError):
        faulthandler.disable()


def _stream(number: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(_Forgiving(number)),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
        write_through=True,
    )


class _Forgiving(io.RawIOBase):
    """An open file that takes everything, and drops what finds no room or no reader."""

    def __init__(self, number: int) -> None:
        self._number = number

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, data: Buffer) -> int:
        view = memoryview(data).cast("B")
        rest = view
        try:
            while rest:
                rest = rest[os.write(self._number, rest) :]
        except OSError:
            return len(view)
        return len(view)
