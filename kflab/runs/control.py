"""What is asked of a running trainer: one request a line in `control.jsonl`."""

from __future__ import annotations

import getpass
import os
import signal
import time
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from kflab.runs.info import CONTROL, read_info
from kflab.runs.lines import LineWriter

_LOOK_SECONDS = 0.1
_LONGEST = 1 << 20


class _Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="request", omit_defaults=True):
    """Something that is asked of a trainer.

    Attributes:
        time: when.
        by: who asks.
        id: what the answer, a `Steered` event, is known by.
    """

    time: float = 0.0
    by: str = ""
    id: str = ""


class Stop(_Request, frozen=True, tag="stop"):
    """Stop and keep the model: after the `step` at hand, or after the `epoch` at hand."""

    after: Literal["step", "epoch"] = "step"


class Pause(_Request, frozen=True, tag="pause"):
    """Make no more steps until `GoOn` comes."""


class GoOn(_Request, frozen=True, tag="go_on"):
    """Go on after a pause."""


class TakeSnapshot(_Request, frozen=True, tag="snapshot"):
    """Take a snapshot now."""


class SetRate(_Request, frozen=True, tag="rate"):
    """Set the learning rate to `value`, or multiply it by `factor`."""

    value: float | None = None
    factor: float | None = None


class SetEpochs(_Request, frozen=True, tag="epochs"):
    """Train `total` epochs in all, or `more` than was said before (less, where it is negative)."""

    total: int | None = None
    more: int | None = None


class Evaluate(_Request, frozen=True, tag="evaluate"):
    """Hold the model as it is now against the validation split, or the test split where there is none."""


Request: TypeAlias = Stop | Pause | GoOn | TakeSnapshot | SetRate | SetEpochs | Evaluate

_decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)


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
        request = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(request, Stop)


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
