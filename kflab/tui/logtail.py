"""The last lines of a log that grows, made safe to show."""

from __future__ import annotations

import codecs
import re
from collections import deque
from pathlib import Path

LAST_BYTES = 256 * 1024
"""How much of the end of an existing log is read at first, and at most in one later read."""

MOST_LINES = 5000
MOST_COLUMNS = 2000

# CSI, OSC and other string sequences, and two-character escapes: what would move, colour or name a terminal.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]).*?(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]?"
)
# C0 and C1 controls, and the marks that turn the direction of text around.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def printable(line: str) -> str:
    """A line of output as a terminal would be left with it, without anything that acts on a terminal.

    Escape sequences go, of what carriage returns overwrote only the last stays, and tabs become spaces.
    """
    line = _ESCAPES.sub("", line).rstrip("\r\n")
    line = line.rpartition("\r")[2]
    return _CONTROLS.sub("", line.expandtabs(8))[:MOST_COLUMNS]


def one_line(text: str) -> str:
    """Any text in one line, without anything that acts on a terminal."""
    return printable(" ".join(text.split()))


class LogTail:
    """Follows the end of a log; memory stays bounded however much is written.

    Args:
        path: the file; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: deque[str] = deque(maxlen=MOST_LINES)
        self.rest = ""
        self.skipped = False
        self._offset = -1
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self) -> bool:
        """Takes in what was written since the last call; tells whether there was anything.

        At most `LAST_BYTES` are read; what came before them is skipped, and `skipped` says so.

        Raises:
            OSError: the file is there and cannot be read.
        """
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return False
        if size < self._offset:  # the file was replaced or cut: it starts over
            self._offset = -1
            self.lines.clear()
            self.rest = ""
        if size == self._offset or (size == 0 and self._offset <= 0):
            return False
        start = max(self._offset, size - LAST_BYTES, 0)
        jumped = start > max(self._offset, 0)
        with self.path.open("rb") as file:
            file.seek(start)
            data = file.read(LAST_BYTES)
        self._offset = start + len(data)
        if jumped:
            # The line that the jump landed in is torn at its front; what stood before is out of reach.
            self.skipped = True
            self.lines.clear()
            self.rest = ""
            self._decoder.reset()
            data = data.partition(b"\n")[2]
        *whole, self.rest = (self.rest + self._decoder.decode(data)).split("\n")
        self.rest = self.rest[-4 * MOST_COLUMNS :]
        self.lines.extend(printable(line) for line in whole)
        return True

    def text(self) -> list[str]:
        """The lines, the last one even where its end has not been written yet."""
        last = printable(self.rest)
        return [*self.lines, last] if last else list(self.lines)
