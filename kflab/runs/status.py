"""What became of a run, told from its events and from whether its process is alive."""

from __future__ import annotations

import enum
import os
import time
from pathlib import Path
from typing import BinaryIO

import msgspec

from kflab.errors import UnusableInputError
from kflab.runs.events import (
    Batch,
    Costed,
    End,
    Epoch,
    Evaluated,
    Event,
    Finished,
    Prepared,
    Resumed,
    Started,
    Steered,
)
from kflab.runs.info import EVENTS, RunInfo, read_info
from kflab.runs.queue_file import is_waiting
from kflab.runs.requests import stop_asked
from kflab.runs.tail import decode_event

SILENCE_SECONDS = 300.0
"""A trainer on another machine cannot be asked for; without an event for so long it counts as crashed."""

_END = 1 << 16  # bytes at the end of the events that are looked at
_START = 1 << 14
_MOST = 1 << 24  # bytes at the end that are looked at where nothing but how busy the machine is was told

_TELLING = tuple(
    f'"event":"{word}"'.encode() for word in ("batch", "epoch", "started", "resumed", "steered", "finished")
)
_BUSY = b'{"event":"usage"'
_BETWEEN = 1 << 22  # bytes before the end that are looked through for what sums a run up
_SUMMING_UP = tuple(f'{{"event":"{word}"'.encode() for word in ("prepared", "resumed", "epoch"))


class Status(enum.StrEnum):
    """What became of a run."""

    CREATED = "created"  # the folder is there, no trainer was started yet
    QUEUED = "queued"  # it waits for a place on the machine
    STARTING = "starting"  # the trainer loads Keras, the data and the model
    RUNNING = "running"
    PAUSED = "paused"  # it was asked to make no more steps until it is told to go on
    STOPPING = "stopping"  # it was asked to stop
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    CRASHED = "crashed"  # it ended without a word

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self in _OVER

    @property
    def is_alive(self) -> bool:
        """Whether a trainer is at work."""
        return self in {Status.STARTING, Status.RUNNING, Status.PAUSED, Status.STOPPING}


_OVER = frozenset({Status.DONE, Status.STOPPED, Status.FAILED, Status.CRASHED})
_ENDS = {End.DONE: Status.DONE, End.STOPPED: Status.STOPPED, End.FAILED: Status.FAILED}


class Outline(msgspec.Struct, frozen=True):
    """The events that sum a run up, from the start and the end of its file: cheap however long it is.

    Attributes:
        prepared: the sizes of the run.
        epoch: the last epoch that was done.
        finished: its last event, unless it was started again since.
        is_training: the first step was reached.
        updated: the time of the last event; 0 without any.
        is_paused: it makes no steps until it is told to go on.
        costed: the memory that training was expected to take.
        started: when its trainer was started first; 0 before.
    """

    prepared: Prepared | None = None
    epoch: Epoch | None = None
    finished: Finished | None = None
    is_training: bool = False
    updated: float = 0.0
    is_paused: bool = False
    costed: Costed | None = None
    started: float = 0.0


def outline(run_dir: Path) -> Outline:
    """Sums the run up without reading all of its events."""
    prepared: Prepared | None = None
    epoch: Epoch | None = None
    finished: Finished | None = None
    costed: Costed | None = None
    is_training, is_paused, updated, started = False, False, 0.0, 0.0
    for event in _first_and_last_events(run_dir / EVENTS):
        updated = event.time
        is_paused = paused_after(event, was=is_paused)
        if isinstance(event, Started):
            finished, is_training, started = None, False, started or event.time
        elif isinstance(event, Finished):
            finished = event
        elif isinstance(event, Costed):
            costed = event
        else:
            is_training = is_training or isinstance(event, Prepared | Batch | Epoch | Evaluated)
            prepared = _prepared_after(event, prepared)
            epoch = _epoch_after(event, epoch)
    return Outline(prepared, epoch, finished, is_training, updated, is_paused, costed, started)


def _prepared_after(event: Event, was: Prepared | None) -> Prepared | None:
    """The sizes of a run after an event: how many epochs it trains may change while it does."""
    match event:
        case Prepared():
            return event
        case Steered(request="epochs", value=float(epochs)) | Resumed(epochs=int(epochs)) if was and epochs:
            return msgspec.structs.replace(was, epochs=int(epochs))
        case Epoch(epoch=int(done)) if was and done > was.epochs:
            return msgspec.structs.replace(was, epochs=done)
        case _:
            return was


def _epoch_after(event: Event, was: Epoch | None) -> Epoch | None:
    """The last epoch that is done after an event: a trainer that goes on may go back some."""
    match event:
        case Epoch():
            return event
        case Resumed(epoch=0):
            return None
        case Resumed():
            return Epoch(event.time, event.epoch, 0.0, event.logs)
        case _:
            return was


def paused_after(event: Event, *, was: bool) -> bool:
    """Whether a run is paused after an event.

    Args:
        event: the event.
        was: whether it was paused before.
    """
    match event:
        case Steered(request="pause", refused=""):
            return True
        case (
            Steered(request="go_on" | "stop", refused="")
            | Started()
            | Resumed()
            | Batch()
            | Epoch()
            | Finished()
        ):
            return False
        case _:
            return was


def status(run_dir: Path) -> Status:
    """What became of the run in this folder.

    A run on another machine (a shared file system) that has not finished is judged by the age of its last
    sign of life: after `SILENCE_SECONDS` it counts as crashed, and as alive again with its next event.

    Raises:
        UnusableInputError: this is no run folder.
    """
    return judge(run_dir, read_info(run_dir), outline(run_dir))


def judge(run_dir: Path, info: RunInfo, seen: Outline) -> Status:
    """The status of a run whose `run.json` and outline are known already."""
    if is_waiting(run_dir, info):
        return Status.QUEUED
    # Of a run that is gone on with, the last event is of the trainer before for a moment.
    if seen.finished is not None and not (info.goes_on and info.process and info.process.is_alive()):
        return _ENDS[seen.finished.status]
    if info.process is None:
        # Only a broken record has events and no trainer.
        return Status.CREATED if not seen.updated else Status.CRASHED
    if info.process.is_here:
        alive = info.process.is_alive()
    else:
        alive = time.time() - _last_sign(run_dir, info) < SILENCE_SECONDS
    if not alive:
        # It may have finished between the two looks.
        finished = outline(run_dir).finished
        return _ENDS[finished.status] if finished else Status.CRASHED
    if seen.is_paused:
        return Status.PAUSED
    if stop_asked(run_dir):
        return Status.STOPPING
    return Status.RUNNING if seen.is_training else Status.STARTING


def _last_sign(run_dir: Path, info: RunInfo) -> float:
    try:
        return (run_dir / EVENTS).stat().st_mtime
    except FileNotFoundError:
        return info.created


def _first_and_last_events(path: Path) -> list[Event]:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size <= _START + _END:
                return _events(file.read())
            start = file.read(_START)
            end = _telling_end(file, size)
            between = _last_between(file, _START, size - len(end) + end.find(b"\n") + 1, end)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(path)) from error
    return _events(start.rpartition(b"\n")[0]) + between + _events(end.partition(b"\n")[2])


def _last_between(file: BinaryIO, begin: int, end: int, known: bytes) -> list[Event]:
    """The last of the events that sum a run up, of those before its end that its end does not have."""
    length = min(_BETWEEN, end - begin)
    file.seek(end - length)
    text = file.read(length)
    found = []
    for start in _SUMMING_UP:
        place = text.rfind(start) if start not in known else -1
        if place >= 0:
            found.append((place, text[place:].partition(b"\n")[0]))
    return _events(b"\n".join(line for _, line in sorted(found)))


def _telling_end(file: BinaryIO, size: int) -> bytes:
    """As much of the end as tells what the run does: while it is paused, only the machine is told of."""
    length = _END
    while True:
        length = min(length, size - _START)
        file.seek(size - length)
        end = file.read(length)
        if length >= min(size - _START, _MOST) or any(word in end for word in _TELLING):
            return end
        length *= 4


def _events(text: bytes) -> list[Event]:
    events: list[Event] = []
    for line in text.split(b"\n"):
        if line.startswith(_BUSY):
            continue
        try:
            event = decode_event(line)
        except ValueError:
            continue
        if event is not None:
            events.append(event)
    return events
