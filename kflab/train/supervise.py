"""One run from start to end: takes the folder and records how it ends; Keras comes after the first event."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from kflab import document
from kflab.errors import UnusableInputError
from kflab.runs.control import ask_stop
from kflab.runs.crash import starts
from kflab.runs.devices import SHARING
from kflab.runs.events import End, Fault, Finished, Logs, Started
from kflab.runs.info import EXPERIMENT, RunInfo, amend_info, read_info
from kflab.runs.lock import hold
from kflab.runs.memory_kills import memory_kills
from kflab.runs.process import identify
from kflab.runs.status import outline
from kflab.train.causes import cause_of, fault_of
from kflab.train.console import keep_printing
from kflab.train.failure import TrainingFailedError
from kflab.train.journal import Journal, StopRequestedError
from kflab.train.usage import watch_usage

if TYPE_CHECKING:
    from kflab.train.run import Outcome

ON_REQUEST = "stopped on request"
"""The cause of a run that was asked to stop."""


def supervise(run_dir: Path) -> int:
    """Trains what is in the folder.

    Returns:
        What the process ends with: 0 when it was done or stopped on request, 1 when it failed.

    Raises:
        UnusableInputError: this is no run folder, its run is over, or another trainer is at it.
    """
    read_info(run_dir)
    with hold(run_dir):
        keep_printing()
        sys.stderr.write(f"{starts(os.getpid())}\n")
        finished = outline(run_dir).finished
        if finished is not None and not read_info(run_dir).goes_on:
            raise UnusableInputError(
                f"this run is over ({finished.status}); `kflab resume` goes on with it, `kflab run` starts "
                "a new one",
                file=str(run_dir),
            )
        info = amend_info(run_dir, process=identify(), ended="", memory_kills=memory_kills())
        _heed_signals(run_dir)
        journal = Journal(run_dir)
        try:
            return _record(run_dir, info, journal)
        finally:
            journal.close()


def _record(run_dir: Path, info: RunInfo, journal: Journal) -> int:
    start = time.monotonic()
    status, cause, epochs, fault = End.DONE, "", 0, Fault.NONE
    test: Logs = {}
    try:
        journal.write(Started(time=time.time(), pid=os.getpid()))
        if info.goes_on:
            amend_info(run_dir, goes_on=False)
        outcome = _train(run_dir, info, journal)
        status, test, epochs = outcome.status, outcome.test, outcome.epochs
        cause, fault = outcome.cause, outcome.fault
        if status is End.STOPPED:
            cause = cause or ON_REQUEST
    except StopRequestedError:
        status, cause = End.STOPPED, f"{ON_REQUEST} before the first step"
    except TrainingFailedError as error:
        status, cause, epochs, fault = End.FAILED, str(error), error.epochs, error.fault
    except (Exception, SystemExit) as error:  # noqa: BLE001 - however it fails, the folder must say so
        # Where memory ran out, or the folder is gone, that much may not be possible.
        with contextlib.suppress(MemoryError):
            traceback.print_exc()
        status, cause, fault = End.FAILED, cause_of(error), fault_of(error, run_dir)
        with contextlib.suppress(UnusableInputError, OSError):
            epochs = _epochs_done(run_dir)
    if status is End.FAILED:
        sys.stderr.write(f"failed: {cause}\n")
    seconds = journal.seconds_before + time.monotonic() - start
    finished = Finished(time.time(), status, test, seconds, cause, epochs, fault)
    # A full disk has room for the last event only.
    with contextlib.suppress(OSError):
        journal.refuse_rest("the training is over")
    try:
        journal.write_last(finished)
    except OSError as error:
        sys.stderr.write(f"this could not be written to the run folder: {error}\n")
        return 1
    return 1 if status is End.FAILED else 0


def _train(run_dir: Path, info: RunInfo, journal: Journal) -> Outcome:
    experiment = document.read(run_dir / EXPERIMENT)
    journal.check_stop()
    os.environ["KERAS_BACKEND"] = info.backend
    for name, value in SHARING.items():
        os.environ.setdefault(name, value)
    with watch_usage(journal.write, run_dir):
        from kflab.train.run import train

        return train(run_dir, info, experiment, journal)


def _epochs_done(run_dir: Path) -> int:
    epoch = outline(run_dir).epoch
    return epoch.epoch if epoch else 0


def _heed_signals(run_dir: Path) -> None:
    """The first SIGTERM or SIGINT asks for a stop, the next one ends it at once; SIGHUP is ignored."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, signal.SIG_DFL)
        name = signal.Signals(number).name
        try:
            ask_stop(run_dir, by=name)
        except (OSError, UnusableInputError) as error:
            raise SystemExit(f"ended by {name}; the folder could not be written: {error}") from error

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
