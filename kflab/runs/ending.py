"""How a run ended, why, and what to do about it: one line each, the same wherever it is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from kflab.runs.crash import crash_of
from kflab.runs.events import Fault
from kflab.runs.info import RunInfo, read_info
from kflab.runs.position import Position
from kflab.runs.snapshots import numbered, position_of
from kflab.runs.status import Outline, Status, judge, outline

_FIRST: Mapping[Fault, str] = {
    Fault.MEMORY: "free memory or take a smaller training.batch_size; ",
    Fault.DISK: "make room on the disk; ",
    Fault.FOLDER: "make the folder writable again; ",
    Fault.DATA: "mend the file; ",
    Fault.DEVICE: "see whether the GPU is well; ",
}
"""What comes before going on."""

_ANEW: Mapping[Fault, str] = {
    Fault.NOT_FINITE: "to go on would end the same; change what `kflab show {name}` names and train it anew",
    Fault.EXPERIMENT: "correct the experiment and train it anew",
}
"""What is done instead of going on."""


class Ending(msgspec.Struct, frozen=True):
    """How a run ended.

    Attributes:
        status: what became of it.
        cause: why, in one line; "" for one that is done.
        advice: what to do next, in one line; "" where nothing is to be done.
        fault: what kind of thing went wrong.
    """

    status: Status
    cause: str = ""
    advice: str = ""
    fault: Fault = Fault.NONE


def ending_of(
    run_dir: Path,
    info: RunInfo,
    status: Status,
    seen: Outline,
) -> Ending | None:
    """How a run ended; None for one that is not over.

    Args:
        run_dir: the run folder.
        info: its `run.json`.
        status: what became of it.
        seen: its outline.
    """
    if not status.is_over:
        return None
    if status is Status.CRASHED:
        crash = crash_of(run_dir, info, seen.costed)
        fault, cause = crash.fault, crash.cause
    else:
        # It may have finished after its outline was read.
        finished = seen.finished or outline(run_dir).finished
        fault, cause = (finished.fault, finished.cause) if finished else (Fault.NONE, "")
    return Ending(status, cause, advice(run_dir.name, status, fault, _snapshot(run_dir)), fault)


def _snapshot(run_dir: Path) -> Position | None:
    """Where the newest snapshot was taken; None where there is none."""
    found = numbered(run_dir)
    return position_of(found[-1][1]) if found else None


def how_it_ended(run_dir: Path) -> Ending | None:
    """How the run in a folder ended; None for one that is not over.

    Raises:
        UnusableInputError: this is no run folder.
    """
    info, seen = read_info(run_dir), outline(run_dir)
    return ending_of(run_dir, info, judge(run_dir, info, seen), seen)


def advice(name: str, status: Status, fault: Fault, snapshot: Position | None = None) -> str:
    """What a person does about a run that ended so; "" where there is nothing to do.

    Args:
        name: the name of the run.
        status: what became of it.
        fault: what kind of thing went wrong.
        snapshot: where it would go on; None where it would start anew.
    """
    if status is Status.DONE or not status.is_over:
        return ""
    if fault in _ANEW:
        return _ANEW[fault].format(name=name)
    where = " from its start"
    if snapshot is not None:
        where = f" from epoch {snapshot.epoch + 1}" + (f", step {snapshot.step:,}" if snapshot.step else "")
    first = _FIRST.get(fault, "")
    if status is Status.FAILED and fault is Fault.NONE:
        first = "see its console.log and mend the cause; "
    if snapshot is None and status is not Status.CRASHED:
        return f"{first}train it anew: it ended before its first snapshot"
    return f"{first}`kflab resume {name}` goes on{where}"
