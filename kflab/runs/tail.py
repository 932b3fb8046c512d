"""Reading a growing file of JSON lines bit by bit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kflab.runs.events import Event
from kflab.runs.lines import text_of

READ = 1 << 17
"""Bytes a call reads at most: about 1,000 events, which a screen can take in between two keys."""

_LONGEST = 1 << 20  # bytes of one line; none of ours comes near

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


class Tail:
    """Follows `events.jsonl`: each `read` gives the events that came since the last one.

    A last line without its end is not there yet. A line that is no event is left out and counted. A file
    that was replaced or cut off is read again from its start.

    Args:
        path: the file; it need not be there yet.
        from_end: leave out what is there now.

    Attributes:
        skipped: how many lines were no events.
        restarts: how often the file was found replaced or cut off: what was read before is void then.
        at_end: nothing was left to read when `read` last returned.
    """

    def __init__(self, path: Path, *, from_end: bool = False) -> None:
        self.path = path
        self.skipped = 0
        self.restarts = 0
        self.at_end = True
        self._offset = 0
        self._file: tuple[int, int] | None = None
        self._part = b""
        self._too_long = False
        if from_end and path.exists():
            self._offset = path.stat().st_size

    @property
    def offset(self) -> int:
        """How many bytes were read."""
        return self._offset

    def read(self, most: int = READ) -> list[Event]:
        """The events that are new, from at most so many bytes: call again when `at_end` is false.

        Raises:
            OSError: the file is there but cannot be read.
        """
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self.at_end = True
            return []
        try:
            found = os.fstat(handle)
            self._notice_restart((found.st_dev, found.st_ino), found.st_size)
            chunk = os.pread(handle, min(most, max(found.st_size - self._offset, 0)), self._offset)
            self._offset += len(chunk)
            self.at_end = self._offset >= found.st_size
        finally:
            os.close(handle)
        return list(self._events(chunk)) if chunk else []

    def _notice_restart(self, file: tuple[int, int], size: int) -> None:
        if self._file is not None and (file != self._file or size < self._offset):
            self.restarts += 1
            self._offset, self._part, self._too_long = 0, b"", False
        self._file = file

    def _events(self, chunk: bytes) -> Iterator[Event]:
        *lines, rest = (self._part + chunk).split(b"\n")
        for line in lines:
            if self._too_long:
                self._too_long = False
                self.skipped += 1
                continue
            try:
                event = decode_event(line)
            except ValueError:
                self.skipped += 1
                continue
            if event is not None:
                yield event
        if self._too_long or len(rest) > _LONGEST:
            self._too_long, rest = True, b""
        self._part = rest


def decode_event(line: bytes) -> Event | None:
    """The event that a line holds; None for an empty line.

    Raises:
        ValueError: it holds something else.
    """
    text = text_of(line)
    if not text:
        return None
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
