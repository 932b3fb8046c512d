"""Whose turn it is: the queue held against the runs at work, and what is due started."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from kflab.errors import KflabError, UnusableInputError
from kflab.runs import launch, queue
from kflab.runs.gpus import Driver
from kflab.runs.info import INFO, RunInfo, read_info
from kflab.runs.lock import AlreadyTrainingError
from kflab.runs.queue import Queue, Waiting
from kflab.runs.queue_file import change, read_queue
from kflab.runs.slots import Machine, Turn, Wish, turns


class Roll:
    """The runs of a folder, read again only where something has changed: cheap enough for every second.

    Args:
        runs_dir: the folder of all runs.
    """

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._read: dict[str, tuple[tuple[int, int], RunInfo]] = {}
        self._ended: set[str] = set()

    def call(self) -> dict[str, RunInfo]:
        """What is known of each run that can be read, by its name.

        Raises:
            UnusableInputError: the folder cannot be read.
        """
        before, self._read = self._read, {}
        try:
            with os.scandir(self._runs_dir) as folders:
                names = [folder.name for folder in folders]
        except OSError as error:
            raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(self._runs_dir)) from error
        for name in names:
            path = self._runs_dir / name
            try:
                about = (path / INFO).stat()
                signature = about.st_mtime_ns, about.st_ino
                known = before.get(name)
                if known is None or known[0] != signature:
                    self._ended.discard(name)
                    known = signature, read_info(path)
            except (OSError, KflabError):
                continue  # Other files are no runs, and what is damaged has no trainer.
            self._read[name] = known
        return {name: info for name, (_, info) in self._read.items()}

    def at_work(self, runs: Mapping[str, RunInfo]) -> dict[str, RunInfo]:
        """The runs whose trainer lives on this machine, by name."""
        found = {}
        for name, info in runs.items():
            if info.process is None or name in self._ended:
                continue
            if info.process.is_alive():
                found[name] = info
            else:
                # A process that has ended never lives again; another one makes another record.
                self._ended.add(name)
        return found


class Seen(NamedTuple):
    """The queue as it is on this machine.

    Attributes:
        queue: what waits, without what does no longer.
        turns: what each of the waiting runs of this machine waits for, by name.
        at_work: the runs at work on this machine, by name.
        runs: everything that is known of runs, by name.
    """

    queue: Queue
    turns: Mapping[str, Turn]
    at_work: Mapping[str, RunInfo]
    runs: Mapping[str, RunInfo]


def look(runs_dir: Path, roll: Roll | None = None, machine: Callable[[], Machine] | None = None) -> Seen:
    """Holds the queue against the runs at work; changes nothing.

    Args:
        runs_dir: the folder of all runs.
        roll: what has been read of the runs before.
        machine: tells what can be trained on.

    Raises:
        UnusableInputError: the queue or the folder cannot be read.
    """
    found = read_queue(runs_dir)
    if not found.waiting:
        return Seen(found, {}, {}, {})
    roll = roll or Roll(runs_dir)
    runs = roll.call()
    left = queue.without(found, _started(found, runs))
    at_work = roll.at_work(runs)
    here = socket.gethostname()
    waiting = [run for run in left.waiting if run.host == here]
    wishes = [Wish(run.name, runs[run.name], run.environment) for run in waiting]
    told = turns(wishes, at_work, (machine or this_machine)()) if waiting else []
    by_name = {run.name: turn for run, turn in zip(waiting, told, strict=True)}
    return Seen(left, by_name, at_work, runs)


def this_machine() -> Machine:
    """The GPUs of this machine, as they are now."""
    with Driver() as driver:
        return Machine(driver.gpus(), driver.problem)


def start_due(
    runs_dir: Path,
    roll: Roll | None = None,
    machine: Callable[[], Machine] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Starts every run of the queue whose turn it is, and takes it out of the queue.

    Only one process may do so at a time, see `kflab.runs.queue_keeper`. One that is killed in between leaves
    a run that was started in the queue; its trainer is seen by the next, and it is not started again.

    Args:
        runs_dir: the folder of all runs.
        roll: what has been read of the runs before.
        machine: tells what can be trained on.
        say: is told what was done.

    Returns:
        The names of the runs that were started.

    Raises:
        KflabError: the queue cannot be used.
    """
    seen = look(runs_dir, roll, machine)
    if seen.queue != read_queue(runs_dir):
        change(runs_dir, lambda now: queue.without(now, _started(now, seen.runs)))
    started = []
    for waiting in seen.queue.waiting:
        turn = seen.turns.get(waiting.name)
        if turn is None:
            continue
        problem = turn.problem
        if turn.is_due and not seen.queue.held:
            # Somebody may have taken it out or held the queue meanwhile.
            now = read_queue(runs_dir)
            if now.held or now.find(waiting.name) is None:
                continue
            try:
                launch.launch(runs_dir / waiting.name, waiting.environment)
            except AlreadyTrainingError:
                continue  # Its record comes with the trainer that has it.
            except KflabError as error:
                problem = str(error)
            else:
                _drop(runs_dir, waiting.name)
                started.append(waiting.name)
                say(f"started {waiting.name}")
                continue
        if problem != waiting.problem:
            say(f"{waiting.name}: {problem or 'the problem is gone'}")
            _note(runs_dir, waiting.name, problem)
    return started


def _drop(runs_dir: Path, name: str) -> None:
    """Takes a run out that was started."""
    change(runs_dir, lambda now: queue.without(now, (name,)))


def _note(runs_dir: Path, name: str, problem: str) -> None:
    """Notes why a run cannot be started."""

    def edit(now: Queue) -> Queue:
        run = now.find(name)
        return queue.replaced(now, msgspec.structs.replace(run, problem=problem)) if run else now

    change(runs_dir, edit)


def _started(found: Queue, runs: Mapping[str, RunInfo]) -> set[str]:
    """The runs of the queue that no longer wait: a trainer was started on them, or their folder is gone."""

    def is_waiting(run: Waiting) -> bool:
        info = runs.get(run.name)
        return info is not None and info.process == run.process

    return {run.name for run in found.waiting if not is_waiting(run)}
