"""All runs of a folder, and finding one by what a person types."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kflab.errors import UnusableInputError, did_you_mean
from kflab.runs.ending import Ending, ending_of
from kflab.runs.events import Fault, Logs
from kflab.runs.info import INFO, RunInfo, read_info
from kflab.runs.status import Outline, Status, judge, outline

LAST = "last"
"""What a person types for the newest run."""


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in one row.

    Attributes:
        name: the folder's name.
        path: the folder.
        title: what is trained.
        created: when it was made, in seconds since the epoch.
        started: when its trainer was started first; 0 before.
        status: what became of it.
        epoch: the epochs done.
        epochs: the epochs planned; 0 where that is not known.
        seconds: how long it took; 0 as long as it is not over.
        logs: the values of the last epoch.
        test: loss and metrics on the test split.
        cause: why it failed, stopped or crashed.
        advice: what to do next where it is not done.
        fault: what kind of thing went wrong.
        source: the file its experiment came from.
        backend: the name of Keras' backend.
    """

    name: str
    path: str
    title: str
    created: float
    status: Status
    started: float = 0.0
    epoch: int = 0
    epochs: int = 0
    seconds: float = 0.0
    logs: Logs = {}
    test: Logs = {}
    cause: str = ""
    advice: str = ""
    fault: Fault = Fault.NONE
    source: str = ""
    backend: str = ""


def list_runs(runs_dir: Path) -> list[RunSummary]:
    """Every run of the folder, the newest first; one that cannot be read is listed as crashed."""
    summaries = [summarize(path) for path in _run_dirs(runs_dir)]
    return sorted(summaries, key=lambda summary: (summary.created, summary.name), reverse=True)


def summarize(run_dir: Path) -> RunSummary:
    """One run in one row."""
    try:
        info = read_info(run_dir)
        seen = outline(run_dir)
        status = judge(run_dir, info, seen)
        ending = ending_of(run_dir, info, status, seen)
    except UnusableInputError as error:
        info, seen = RunInfo(name=run_dir.name, created=_made(run_dir)), Outline()
        status = Status.CRASHED
        ending = Ending(status, error.message)
    return RunSummary(
        name=run_dir.name,
        path=str(run_dir),
        title=info.title,
        created=info.created,
        status=status,
        started=seen.started,
        epoch=seen.epoch.epoch if seen.epoch else 0,
        epochs=seen.prepared.epochs if seen.prepared else 0,
        seconds=seen.finished.seconds if seen.finished else 0.0,
        logs=seen.epoch.logs if seen.epoch else {},
        test=seen.finished.test if seen.finished else {},
        cause=ending.cause if ending else "",
        advice=ending.advice if ending else "",
        fault=ending.fault if ending else Fault.NONE,
        source=info.source,
        backend=info.backend,
    )


def find_run(text: str, runs_dir: Path) -> Path:
    """The run folder that a person means.

    Args:
        text: a run's name, the start or end of exactly one, `last` for the newest, or a run folder's path.
        runs_dir: the folder of all runs.

    Raises:
        UnusableInputError: it means none, or several.
    """
    paths = {path.name: path for path in _run_dirs(runs_dir)}
    if text in paths:
        return paths[text]
    if text == LAST:
        if not paths:
            raise UnusableInputError(f"there are no runs in {runs_dir} yet")
        return Path(list_runs(runs_dir)[0].path)
    given = Path(text).expanduser()
    if (given / INFO).is_file():
        return given.resolve()
    matches = sorted(name for name in paths if text and (name.startswith(text) or name.endswith(text)))
    if len(matches) == 1:
        return paths[matches[0]]
    if matches:
        shown = ", ".join(matches[-3:])
        raise UnusableInputError(
            f"{text!r} means {len(matches)} runs, among them {shown}; type more of the name"
        )
    raise UnusableInputError(f"no run is called {text!r} in {runs_dir}{did_you_mean(text, [LAST, *paths])}")


def _run_dirs(runs_dir: Path) -> list[Path]:
    try:
        return [path for path in runs_dir.iterdir() if (path / INFO).is_file()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(runs_dir)) from error


def _made(run_dir: Path) -> float:
    return run_dir.stat().st_mtime
