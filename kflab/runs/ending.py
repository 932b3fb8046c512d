"""How a run ended, why, and what to do about it: one line each, the same wherever it is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from kflab.runs.crash import crash_of
from kflab.runs.events import Costed, Fault, Finished
from kflab.runs.info import RunInfo
from kflab.runs.position import Position
from kflab.runs.status import Status

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
    finished: Finished | None,
    *,
    costed: Costed | None = None,
    snapshot: Position | None = None,
) -> Ending | None:
    """How a run ended; None for one that is not over.

    Args:
        run_dir: the run folder.
        info: its `run.json`.
        status: what became of it.
        finished: its last event, where there is one.
        costed: the memory that training was expected to take.
        snapshot: where its last snapshot was taken, as far as that is known.
    """
    if not status.is_over:
        return None
    if status is Status.CRASHED:
        crash = crash_of(run_dir, info, costed)
        fault, cause = crash.fault, crash.cause
    else:
        fault, cause = (finished.fault, finished.cause) if finished else (Fault.NONE, "")
    return Ending(status, cause, advice(run_dir.name, status, fault, snapshot), fault)


def advice(name: str, status: Status, fault: Fault, snapshot: Position | None = None) -> str:
    """What a person does about a run that ended so; "" where there is nothing to do.

    Args:
        name: the name of the run.
        status: what became of it.
        fault: what kind of thing went wrong.
        snapshot: where it would go on; None where that is not known.
    """
    if status is Status.DONE or not status.is_over:
        return ""
    if fault in _ANEW:
        return _ANEW[fault].format(name=name)
    where = ""
    if snapshot is not None:
        where = f" from epoch {snapshot.epoch + 1}, step {snapshot.step:,}"
    return f"{_FIRST.get(fault, '')}`kflab resume {name}` goes on{where}"
