"""The queue as people use it: runs put in and taken out, and what each of them waits for."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from kflab.errors import KflabError
from kflab.runs import queue_file
from kflab.runs.follow import Follow
from kflab.runs.info import amend_info, read_info
from kflab.runs.queue import Queue, Waiting
from kflab.runs.queue_keeper import keep
from kflab.runs.queue_turns import Roll, Seen, look
from kflab.runs.resuming import refusal
from kflab.runs.slots import Turn
from kflab.runs.status import Status, judge, outline


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A run that waits.

    Attributes:
        place: its place in the queue, counted from 1.
        run: the name of its folder.
        path: its folder.
        title: what is trained.
        host: the machine that it waits for.
        added: when it was put in the queue, in seconds since the epoch.
        device: what it was asked to run on.
        waits_for: what is not free: `cpu`, or names of GPUs.
        behind: the runs that have it, or get it first.
        expected: when its turn comes, in seconds since the epoch; None where that cannot be told.
        held: the queue is held.
        problem: why it cannot be started as things are.
    """

    place: int
    run: str
    path: str
    title: str
    host: str
    added: float
    device: str = ""
    waits_for: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    expected: float | None = None
    held: bool = False
    problem: str = ""

    def why(self, call: Callable[[str], str] = str) -> str:
        """What it waits for, in a few words; `call` says what to call a run instead of its name."""
        if self.held:
            return "the queue is held"
        if self.host != socket.gethostname():
            return f"waits on {self.host}"
        if self.problem:
            return self.problem
        if not self.waits_for:
            return "is about to start"
        places = ", ".join(self.waits_for)
        if not self.behind:
            return f"{places}: in use by a process that is none of these runs"
        more = f" and {len(self.behind) - 1} more" if len(self.behind) > 1 else ""
        return f"{places}: after {call(self.behind[0])}{more}"


class Board:
    """The rows of a queue, worked out again and again at little cost.

    Args:
        runs_dir: the folder of all runs.
    """

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        self.held = False
        self._roll = Roll(runs_dir)
        self._followed: dict[str, Follow] = {}

    def rows(self) -> list[Row]:
        """The runs that wait, the next one first.

        Raises:
            UnusableInputError: the queue or the folder cannot be read.
        """
        seen = look(self.runs_dir, self._roll)
        self.held = seen.queue.held
        ends = {name: self._end(name) for name in seen.at_work} if seen.turns else {}
        self._followed = {name: follow for name, follow in self._followed.items() if name in ends}
        return [self._row(place, run, seen, ends) for place, run in enumerate(seen.queue.waiting, 1)]

    def _row(self, place: int, run: Waiting, seen: Seen, ends: dict[str, float | None]) -> Row:
        turn = seen.turns.get(run.name, Turn())
        known = [ends.get(name) for name in turn.behind]
        told = [end for end in known if end is not None]
        info = seen.runs[run.name]
        return Row(
            place=place,
            run=run.name,
            path=str(self.runs_dir / run.name),
            title=info.title,
            host=run.host,
            added=run.added,
            device=info.device,
            waits_for=turn.waits_for,
            behind=turn.behind,
            expected=max(told) if told and len(told) == len(known) and not seen.queue.held else None,
            held=seen.queue.held,
            problem=turn.problem or run.problem,
        )

    def _end(self, name: str) -> float | None:
        """When a run at work is expected to end."""
        follow = self._followed.setdefault(name, Follow(self.runs_dir / name))
        try:
            while follow.poll() and follow.is_behind:
                pass
        except OSError:
            return None
        now = time.time()
        left = follow.state.seconds_left(now)
        return None if left is None else now + left


def can_wait(found: Status) -> bool:
    """Whether a run of that status can be put in the queue: it was not started yet, or ended early."""
    return not found.is_alive and found not in {Status.QUEUED, Status.DONE}


def submit(run_dir: Path) -> int:
    """Puts a run in the queue, to be trained in the environment of this process when its turn comes.

    Args:
        run_dir: a run folder that no trainer was started on, or one that can be gone on with.

    Returns:
        Its place, counted from 1.

    Raises:
        KflabError: it is in the queue already, at work, or done; or the queue cannot be used.
    """
    seen = outline(run_dir)
    found = judge(run_dir, read_info(run_dir), seen)
    if found not in {Status.CREATED, Status.QUEUED}:
        if reason := refusal(run_dir, found, seen):
            raise KflabError(reason)
        try:
            amend_info(run_dir, goes_on=True, epochs=0)
        except OSError as error:
            raise KflabError(f"{run_dir.name} cannot be gone on with: {error.strerror or error}") from error
    place = queue_file.put(run_dir, os.environ)
    keep(run_dir.parent)
    return place


def take_out(run_dir: Path) -> None:
    """Takes a run out of the queue; its folder stays, and can be put there again.

    Raises:
        KflabError: it does not wait, or the queue cannot be used.
    """
    queue_file.take_out(run_dir)


def move(run_dir: Path, where: str) -> int:
    """Moves a waiting run; returns its new place.

    Args:
        run_dir: the run folder.
        where: `up`, `down`, `first`, `last`, or a place counted from 1.

    Raises:
        KflabError: it does not wait, or there is no such place.
    """
    place = queue_file.move(run_dir, where)
    keep(run_dir.parent)
    return place


def hold(runs_dir: Path) -> Queue:
    """Starts nothing new for now; what is at work goes on.

    Raises:
        KflabError: the queue cannot be used.
    """
    return queue_file.set_held(runs_dir, True)


def release(runs_dir: Path) -> Queue:
    """Starts runs again when their turn comes.

    Raises:
        KflabError: the queue cannot be used.
    """
    queue = queue_file.set_held(runs_dir, False)
    keep(runs_dir)
    return queue
