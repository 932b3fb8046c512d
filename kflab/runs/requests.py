"""Reading what is asked of a trainer as it is asked, at next to no cost between two steps."""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec

from kflab.runs.control import Request, StartedAgain, Stop
from kflab.runs.info import CONTROL
from kflab.runs.lines import text_of

LOOK_SECONDS = 0.1
"""How often the file is looked at, at most."""

_READ = 1 << 20  # bytes at a look at most: far more than anybody asks in a tenth of a second
_SHOWN = 60

_decoder: msgspec.json.Decoder[Request | StartedAgain] = msgspec.json.Decoder(Request | StartedAgain)


class NoRequest(NamedTuple):
    """A line that asks for nothing that is known.

    Attributes:
        reason: what is wrong with it.
        id: the id that it gives, "" where it has none.
    """

    reason: str
    id: str = ""


Asked: TypeAlias = Request | NoRequest
"""A line of `control.jsonl`."""


class Requests:
    """What is asked of a trainer, each line once.

    A line without its end is taken when nothing follows it. A file that was replaced or cut off is read
    again from its start, but for what was taken from it before.

    Args:
        run_dir: the run folder.
    """

    def __init__(self, run_dir: Path) -> None:
        self._path = str(run_dir / CONTROL)
        self._file: tuple[int, int] | None = None
        self._offset = 0
        self._part = b""
        self._taken: Counter[bytes] = Counter()
        self._again: Counter[bytes] = Counter()
        self._waiting: list[Asked] = []
        self._stop: Stop | None = None
        self._next_look = 0.0

    def take(self) -> list[Asked]:
        """What was asked since the last call, in its order; cheap enough for every step."""
        self._look()
        taken, self._waiting = self._waiting, []
        return taken

    def stop_asked(self) -> bool:
        """Whether a stop after the step at hand was asked for, taken or not; as cheap as `take`."""
        self._look()
        return self._stop is not None

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        try:
            found = os.stat(self._path)  # noqa: PTH116 - this runs between two training steps
        except OSError:
            return
        if not stat.S_ISREG(found.st_mode):
            return  # to open a pipe would wait for somebody to write to it
        file = (found.st_dev, found.st_ino)
        if file != self._file or found.st_size < self._offset:
            self._file, self._offset, self._part = file, 0, b""
            self._again = Counter(self._taken)
        if found.st_size > self._offset:
            self._read()
        elif self._part:
            self._take_the_rest()

    def _read(self) -> None:
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return
        try:
            chunk = os.pread(handle, _READ, self._offset)
        except OSError:
            return
        finally:
            os.close(handle)
        self._offset += len(chunk)
        *lines, self._part = (self._part + chunk).split(b"\n")
        for line in lines:
            self._take_up(line)
        if len(self._part) > _READ:
            self._take_up(self._part)
            self._part = b""

    def _take_the_rest(self) -> None:
        """A person who writes a line by hand may leave out its end."""
        if not isinstance(_decoded(self._part), NoRequest):
            self._take_up(self._part)
            self._part = b""

    def _take_up(self, line: bytes) -> None:
        if self._again[line]:
            self._again[line] -= 1
            return
        self._taken[line] += 1
        asked = _decoded(line)
        if isinstance(asked, StartedAgain):
            self._waiting, self._stop = [], None
            return
        if isinstance(asked, Stop) and asked.after == "step":
            self._stop = asked
        if asked is not None:
            self._waiting.append(asked)


def stop_asked(run_dir: Path) -> bool:
    """Whether the trainer at work in a run, or the one that is to start, was asked to stop."""
    stops = False
    for asked in _all(run_dir):
        stops = not isinstance(asked, StartedAgain) and (stops or isinstance(asked, Stop))
    return stops


def _all(run_dir: Path) -> Iterator[Asked | StartedAgain]:
    path = run_dir / CONTROL
    try:
        if not path.is_file():
            return
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _READ, 0))
            lines = file.read(_READ).split(b"\n")
    except FileNotFoundError:
        return
    for line in lines:
        if (asked := _decoded(line)) is not None:
            yield asked


def _decoded(line: bytes) -> Asked | StartedAgain | None:
    """What a line asks for; None for a line of nothing."""
    text = text_of(line)
    if not text:
        return None
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        shown = text[:_SHOWN].decode("utf-8", "replace")
        return NoRequest(f"{shown}{'…' if len(text) > _SHOWN else ''} is no request: {error}", _id_of(text))


class _WithId(msgspec.Struct):
    id: str = ""


def _id_of(text: bytes) -> str:
    try:
        return msgspec.json.decode(text, type=_WithId).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
