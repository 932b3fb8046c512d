"""A program on a pseudo-terminal of its own, and the screen that it has drawn so far."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyte

KFLAB = str(Path(sys.executable).with_name("kflab"))
"""The installed command."""

KEYS = {
    "enter": "\r",
    "esc": "\x1b",
    "tab": "\t",
    "space": " ",
    "backspace": "\x7f",
    "delete": "\x1b[3~",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
}


class PseudoTerminal:
    """Runs a program as a terminal would.

    Args:
        argv: the program and its arguments.
        size: columns and rows.
        term: the terminal's name.
        environment: variables besides those of this process.
    """

    def __init__(
        self,
        argv: Sequence[str],
        size: tuple[int, int] = (120, 40),
        term: str = "xterm-256color",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.argv, self.size = list(argv), size
        self._environment = {**os.environ, "TERM": term, **(environment or {})}
        # Of the terminal that the tests run in, its size would win over that of this one.
        for name in ("NO_COLOR", "COLUMNS", "LINES"):
            self._environment.pop(name, None)
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.exit_code: int | None = None

    def __enter__(self) -> PseudoTerminal:
        self.pid, self._handle = pty.fork()
        if self.pid == 0:
            os.execvpe(self.argv[0], self.argv, self._environment)
        self._set_size()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up(signal.SIGKILL)
        self.ended(10)
        os.close(self._handle)

    def _set_size(self) -> None:
        columns, rows = self.size
        fcntl.ioctl(self._handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, as a person who drags its corner."""
        self.size = (columns, rows)
        self.screen.resize(rows, columns)
        self._set_size()
        os.kill(self.pid, signal.SIGWINCH)

    def hang_up(self, number: int = signal.SIGHUP) -> None:
        """Send the program a signal: SIGHUP is what a closed terminal sends."""
        if self.exit_code is None:
            os.kill(self.pid, number)

    def press(self, *keys: str) -> None:
        """Press keys by name (`enter`, `ctrl+p`) or letter."""
        for key in keys:
            text = KEYS.get(key, key)
            if key.startswith("ctrl+"):
                text = chr(ord(key[-1]) & 0x1F)
            os.write(self._handle, text.encode())

    def type(self, text: str) -> None:
        """Type a text letter by letter."""
        self.press(*text)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    @property
    def lit(self) -> str:
        """The text under the cursor of a list or form: what has a background of its own, some places wide."""
        rows = (self.screen.buffer[number] for number in range(self.screen.lines))
        for row in rows:
            cells = [row[column] for column in range(self.screen.columns)]
            places = [cell.data for cell in cells if cell.bg not in {"default", "000000"}]
            if len(places) >= 20:
                return "".join(places)
        return ""

    def wait_until(self, condition: Callable[[], object], timeout: float = 40) -> None:
        """Wait until something is so on the screen."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"it never came:\n{self.text}"
            self._read(0.05)

    def wait_for(self, pattern: str, timeout: float = 40) -> str:
        """Wait until a regular expression is on the screen; returns the screen."""
        wanted = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + timeout
        while not wanted.search(self.text):
            assert time.monotonic() < deadline, f"{pattern!r} never showed:\n{self.text}"
            assert self._read(0.05) or self.exit_code is None, f"ended before {pattern!r}:\n{self.text}"
        return self.text

    def wait_until_gone(self, pattern: str, timeout: float = 40) -> str:
        """Wait until a regular expression is no longer on the screen; returns the screen."""
        wanted = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + timeout
        while wanted.search(self.text):
            assert time.monotonic() < deadline, f"{pattern!r} never went:\n{self.text}"
            self._read(0.05)
        return self.text

    def ended(self, timeout: float = 30) -> int:
        """Wait for the program's end; returns its exit code."""
        deadline = time.monotonic() + timeout
        while self.exit_code is None:
            assert time.monotonic() < deadline, f"still running:\n{self.text}"
            self._read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
        return self.exit_code

    def _read(self, seconds: float) -> bool:
        if not select.select([self._handle], [], [], seconds)[0]:
            if self.exit_code is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self.exit_code = os.waitstatus_to_exitcode(status) if pid else None
            return False
        try:
            data = os.read(self._handle, 1 << 16)
        except OSError as error:
            if error.errno == errno.EIO:  # the other side has closed
                return False
            raise
        self._stream.feed(data)
        return bool(data)
