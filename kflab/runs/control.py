"""What is asked of a running trainer: one request a line in `control.jsonl`."""

from __future__ import annotations

import getpass
import os
import signal
import time
from pathlib import Path

import msgspec

from kflab.runs.info import CONTROL, read_info
from kflab.runs.lines import LineWriter

_LOOK_SECONDS = 0.1
_LONGEST = 1 << 20


class Stop(msgspec.Struct, frozen=True, tag="stop", tag_field="request"):
    """Stop after the step at hand and keep the model."""

    time: float
    by: str = ""


_decoder: msgspec.json.Decoder[Stop] = msgspec.json.Decoder(Stop)


def ask_stop(run_dir: Path, by: str = "") -> None:
    """Asks the trainer to stop after the step at hand, and to keep the model.

    Args:
        run_dir: the run folder.
        by: who asks; nothing given: the user and process that call this.

    Raises:
        UnusableInputError: this is no run folder.
        OSError: the request cannot be written.
    """
    read_info(run_dir)
    with LineWriter(run_dir / CONTROL) as requests:
        requests.write(Stop(time=time.time(), by=by or _who()))


def kill(run_dir: Path) -> bool:
    """Ends the trainer at once, for one that does not answer; the model at hand is lost.

    Returns:
        Whether there was a trainer on this machine to end.
    """
    process = read_info(run_dir).process
    if process is None or not process.is_alive():
        return False
    os.kill(process.pid, signal.SIGKILL)
    return True


def stop_asked(run_dir: Path) -> bool:
    """Whether the trainer was asked to stop."""
    try:
        with (run_dir / CONTROL).open("rb") as file:
            lines = file.read(_LONGEST).split(b"\n")
    except FileNotFoundError:
        return False
    return any(_is_stop(line) for line in lines)


def _is_stop(line: bytes) -> bool:
    try:
        _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


class Requests:
    """The trainer's side: cheap enough to be looked at in every step."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._path = str(run_dir / CONTROL)
        self._size = -1
        self._next_look = 0.0
        self._stop = False

    def stop_asked(self) -> bool:
        """Whether a stop was asked for; the file is looked at 10 times a second at most."""
        now = time.monotonic()
        if self._stop or now < self._next_look:
            return self._stop
        self._next_look = now + _LOOK_SECONDS
        try:
            size = os.stat(self._path).st_size  # noqa: PTH116 - this runs between two training steps
        except FileNotFoundError:
            return False
        if size != self._size:
            self._size = size
            self._stop = stop_asked(self._run_dir)
        return self._stop


def _who() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"{name}, process {os.getpid()}"
