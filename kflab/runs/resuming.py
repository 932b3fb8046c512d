"""Having a trainer go on with a run that is over, or that died."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kflab.errors import KflabError
from kflab.runs.control import GoOn, ask
from kflab.runs.info import amend_info, read_info
from kflab.runs.launch import launch
from kflab.runs.lock import AlreadyTrainingError
from kflab.runs.snapshots import numbered, position_of
from kflab.runs.status import Outline, Status, judge, outline

if TYPE_CHECKING:
    from kflab.runs.process import ProcessInfo
    from kflab.runs.warm_keeping import WarmKeeper

_DYING_SECONDS = 5.0


def resume(
    run_dir: Path,
    epochs: int | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    warm: WarmKeeper | None = None,
) -> int:
    """Goes on with a run: starts a trainer where its newest snapshot was taken, or ends its pause.

    Args:
        run_dir: the run folder.
        epochs: the epochs to train in all; None leaves them as they were.
        environment: variables to set for the trainer, besides those of this process.
        warm: who may have a trainer waiting.

    Returns:
        The number of the trainer's process.

    Raises:
        KflabError: it can not be gone on with; the text says why.
    """
    info, seen = read_info(run_dir), outline(run_dir)
    status = judge(run_dir, info, seen)
    if status is Status.PAUSED and epochs is None and info.process is not None:
        ask(run_dir, GoOn())
        return info.process.pid
    if reason := refusal(run_dir, status, seen, epochs):
        raise KflabError(reason)
    try:
        amend_info(run_dir, goes_on=True, epochs=epochs or 0)
    except OSError as error:
        raise KflabError(f"{run_dir.name} can not be gone on with: {error.strerror or error}") from error
    return _launch(run_dir, environment, warm, before=info.process)


def _launch(
    run_dir: Path,
    environment: Mapping[str, str] | None,
    warm: WarmKeeper | None,
    before: ProcessInfo | None,
) -> int:
    """Starts the trainer; the one `before`, killed or done a moment ago, may hold the folder for a while."""
    deadline = time.monotonic() + _DYING_SECONDS
    while True:
        try:
            return launch(run_dir, environment, warm=warm)
        except AlreadyTrainingError:
            process = read_info(run_dir).process
            is_another = process is not None and process != before and process.is_alive()
            if is_another or time.monotonic() > deadline:
                raise
            time.sleep(_DYING_SECONDS / 100)


def refusal(run_dir: Path, status: Status, seen: Outline, epochs: int | None = None) -> str:
    """Why a run can not be gone on with; "" where it can.

    Args:
        run_dir: the run folder.
        status: what became of it.
        seen: its outline.
        epochs: the epochs to train in all; None leaves them as they were.
    """
    name = run_dir.name
    if status.is_alive:
        tail = "" if epochs is None else f"; `kflab epochs {name} {epochs}` changes how many epochs it trains"
        return f"{name} is {status} already{tail}"
    if status is Status.QUEUED:
        return f"{name} waits in the queue, and goes on when its turn comes"
    if status is Status.CREATED:
        return (
            f"{name} was never started, so there is nothing to go on with; "
            f"`kflab queue add {name}` has it wait for its turn"
        )
    snapshots = numbered(run_dir)
    if not snapshots:
        if status is Status.CRASHED:
            return ""  # It starts anew, which loses nothing.
        return f"{name} has no snapshot to go on from; `kflab run` trains it anew"
    done = position_of(snapshots[-1][1])
    planned = seen.prepared.epochs if seen.prepared else 0
    if epochs is not None and epochs <= done.epoch:
        return f"expected more epochs than the {done.epoch:,} that {name} has done, got {epochs:,}"
    if epochs is None and status is Status.DONE and planned and done.epoch >= planned:
        every = f"all of its {planned:,} epochs" if planned > 1 else "its only epoch"
        return f"{name} has done {every}; give it more: --epochs {planned * 2}"
    return ""
