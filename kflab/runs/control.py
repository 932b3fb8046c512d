"""What is asked of a running trainer: one request a line in `control.jsonl`."""

from __future__ import annotations

import contextlib
import getpass
import math
import os
import secrets
import signal
import time
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import msgspec

from kflab.errors import UnusableInputError
from kflab.runs.info import CONTROL, EVENTS, note_end, read_info
from kflab.runs.lines import LineWriter

_MOST_EPOCHS = 10**9


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


class StartedAgain(_Request, frozen=True, tag="started_again"):
    """Another trainer takes the run up: what was asked before this line is past."""


Request: TypeAlias = Stop | Pause | GoOn | TakeSnapshot | SetRate | SetEpochs | Evaluate

AnyRequest = TypeVar("AnyRequest", bound=Request)


def kind_of(request: Request) -> str:
    """The word for a request in `control.jsonl` and in its answer: `pause`, `rate`."""
    return str(request.__struct_config__.tag)


def refusal(request: Request) -> str:
    """Why a request can not be meant, whatever the run; "" where it can."""
    match request:
        case SetRate(value=None, factor=None) | SetRate(value=float(), factor=float()):
            return "expected either a learning rate or a factor for it"
        case SetRate(value=float(number)) if not (math.isfinite(number) and number > 0):
            return f"expected a learning rate above 0, got {number:g}"
        case SetRate(factor=float(number)) if not (math.isfinite(number) and number > 0):
            return f"expected a factor above 0, got {number:g}"
        case SetEpochs(total=None, more=None) | SetEpochs(total=int(), more=int()):
            return "expected either a number of epochs or how many more"
        case SetEpochs(total=int(number)) if number < 1:
            return f"expected at least 1 epoch, got {number:,}"
        case SetEpochs() if max(abs(request.total or 0), abs(request.more or 0)) > _MOST_EPOCHS:
            return f"expected at most {_MOST_EPOCHS:,} epochs"
        case _:
            return ""


def rate_request(text: str) -> SetRate:
    """What a person means who types a learning rate: `1e-4`, or `x0.5` and `/2` for a part of the one before.

    Raises:
        UnusableInputError: it is neither.
    """
    typed = text.strip()
    divides, scales = typed.startswith("/"), typed[:1] in {"x", "×", "*"}
    try:
        number = float(typed[1:] if divides or scales else typed)
        factor = 1 / number if divides else number
    except (ValueError, ZeroDivisionError):
        raise UnusableInputError(f"expected a learning rate such as 1e-4, x0.5 or /2; got {text!r}") from None
    request = SetRate(factor=factor) if divides or scales else SetRate(value=number)
    if reason := refusal(request):
        raise UnusableInputError(reason)
    return request


def epochs_request(text: str) -> SetEpochs:
    """What a person means who types epochs: `30` in all, `+5` more, `-2` fewer.

    Raises:
        UnusableInputError: it is no whole number.
    """
    typed = text.strip().replace("−", "-")
    try:
        number = int(typed)
    except ValueError:
        raise UnusableInputError(f"expected epochs such as 30, +5 or -2; got {text!r}") from None
    if abs(number) > _MOST_EPOCHS:
        raise UnusableInputError(f"expected at most {_MOST_EPOCHS:,} epochs, got {number:,}")
    request = SetEpochs(more=number) if typed[:1] in {"+", "-"} else SetEpochs(total=number)
    if reason := refusal(request):
        raise UnusableInputError(reason)
    return request


def new_id() -> str:
    """An id for a request, by which its answer is known."""
    return secrets.token_hex(6)


def ask(run_dir: Path, request: AnyRequest) -> AnyRequest:
    """Asks something of the trainer of a run.

    Args:
        run_dir: the run folder.
        request: what is asked; what it leaves out of time, asker and id is filled in.

    Returns:
        The request as it was written; its answer has its id.

    Raises:
        UnusableInputError: this is no run folder, or the request can not be meant.
        OSError: the request cannot be written.
    """
    if reason := refusal(request):
        raise UnusableInputError(reason)
    read_info(run_dir)
    asked = msgspec.structs.replace(
        request,
        time=request.time or time.time(),
        by=request.by or _who(),
        id=request.id or new_id(),
    )
    with LineWriter(run_dir / CONTROL) as requests:
        requests.write(asked)
    return asked


def ask_stop(run_dir: Path, by: str = "") -> None:
    """Asks the trainer to stop after the step at hand, and to keep the model.

    Args:
        run_dir: the run folder.
        by: who asks; nothing given: the user and process that call this.

    Raises:
        UnusableInputError: this is no run folder.
        OSError: the request cannot be written.
    """
    ask(run_dir, Stop(by=by))


def start_requests_over(run_dir: Path) -> None:
    """Says, before a trainer takes the run up again, that what was asked of the one before is past.

    Of a run that no trainer was at yet, what was asked so far holds.

    Raises:
        OSError: it cannot be written.
    """
    if (run_dir / CONTROL).exists() and (run_dir / EVENTS).exists():
        with LineWriter(run_dir / CONTROL) as requests:
            requests.write(StartedAgain(time=time.time(), by=_who()))


def kill(run_dir: Path) -> bool:
    """Ends the trainer at once, for one that does not answer; the model at hand is lost.

    Returns:
        Whether there was a trainer on this machine to end.
    """
    process = read_info(run_dir).process
    if process is None or not process.is_alive():
        return False
    # What is told of it afterwards is worth less than that it ends.
    with contextlib.suppress(OSError):
        note_end(run_dir, process.pid, _who())
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False  # It has ended by itself meanwhile.
    return True


def _who() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"{name}, process {os.getpid()}"
