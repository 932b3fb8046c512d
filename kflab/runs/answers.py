"""Waiting for what a trainer answers to a request."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kflab.runs.control import AnyRequest, Request, ask
from kflab.runs.events import Event, Finished, Steered
from kflab.runs.info import EVENTS
from kflab.runs.status import Status, status
from kflab.runs.tail import Tail

LOOK_SECONDS = 0.05
_STATUS_SECONDS = 1.0


class Silence(enum.StrEnum):
    """Why there is no answer."""

    LATE = "late"  # it may still come
    ENDED = "ended"  # the run ended before
    CRASHED = "crashed"


class Answer(NamedTuple):
    """What became of a request.

    Attributes:
        asked: the request as it was written.
        steered: the answer; None where none came.
        silence: why none came.
        status: what the run does, as far as it was looked at.
    """

    asked: Request
    steered: Steered | None = None
    silence: Silence | None = None
    status: Status = Status.RUNNING


def ask_and_wait(
    run_dir: Path,
    request: AnyRequest,
    seconds: float,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Asks something of a trainer and waits for its answer.

    Args:
        run_dir: the run folder.
        request: what is asked.
        seconds: how long to wait at most.
        sleep: waits between two looks.

    Raises:
        UnusableInputError: this is no run folder, or the request can not be meant.
        OSError: the request cannot be written, or the events not be read.
    """
    # Only what is written from now on can be the answer.
    tail = Tail(run_dir / EVENTS, from_end=True)
    asked = ask(run_dir, request)
    deadline = time.monotonic() + seconds
    looked, over = time.monotonic(), False
    while True:
        ended = False
        for event in _rest(tail):
            if isinstance(event, Steered) and event.id == asked.id:
                return Answer(asked, event)
            ended = ended or isinstance(event, Finished)
        now = time.monotonic()
        if ended or over:
            seen = status(run_dir)
            crashed = seen is Status.CRASHED
            return Answer(asked, silence=Silence.CRASHED if crashed else Silence.ENDED, status=seen)
        if now >= deadline:
            return Answer(asked, silence=Silence.LATE, status=status(run_dir))
        if now - looked >= _STATUS_SECONDS:
            looked = now
            # What it wrote before it ended is read once more.
            over = status(run_dir).is_over
            continue
        sleep(LOOK_SECONDS)


def _rest(tail: Tail) -> list[Event]:
    events = tail.read()
    while not tail.at_end:
        events += tail.read()
    return events
