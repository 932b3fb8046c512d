from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from kflab.errors import UnusableInputError
from kflab.runs.control import ask_stop
from kflab.runs.events import Batch, End, Epoch, Finished, Noted, Prepared, Started
from kflab.runs.folder import create
from kflab.runs.info import EVENTS, amend_info
from kflab.runs.lines import LineWriter
from kflab.runs.process import identify
from kflab.runs.status import SILENCE_SECONDS, Status, outline, status

T = TypeVar("T")


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return create("kflab: 1\n", "a run", tmp_path / "runs", seed=1, backend="tensorflow")


def write(run_dir: Path, *events: msgspec.Struct) -> None:
    with LineWriter(run_dir / EVENTS) as writer:
        for event in events:
            writer.write(event)


def wait_for(run_dir: Path, *wanted: Status) -> Status:
    return wait_until(lambda: found if (found := status(run_dir)) in wanted else None)


def wait_until(told: Callable[[], T | None], seconds: float = 20.0) -> T:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = told()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come")


SIZES = Prepared(2.0, 4, 10, 32, 320, 32, 64, 1234)


def test_created_until_a_trainer_is_started(run_dir: Path) -> None:
    assert status(run_dir) is Status.CREATED


def test_starting_until_data_and_model_are_ready(run_dir: Path) -> None:
    amend_info(run_dir, process=identify())
    assert status(run_dir) is Status.STARTING
    write(run_dir, Started(1.0, os.getpid()), Noted(1.0, "a word"))
    assert status(run_dir) is Status.STARTING
    write(run_dir, SIZES)
    assert status(run_dir) is Status.RUNNING
    ask_stop(run_dir)
    assert status(run_dir) is Status.STOPPING


@pytest.mark.parametrize("end", list(End))
def test_its_own_last_word_counts(run_dir: Path, end: End) -> None:
    amend_info(run_dir, process=identify())
    write(run_dir, Started(1.0, 1), SIZES, Finished(3.0, end))
    assert status(run_dir) == Status(str(end))
    assert status(run_dir).is_over


def test_started_again_is_not_over(run_dir: Path) -> None:
    amend_info(run_dir, process=identify())
    write(run_dir, Started(1.0, 1), SIZES, Finished(3.0, End.STOPPED), Started(4.0, 2))
    assert status(run_dir) is Status.STARTING


def test_a_later_process_of_the_same_number_is_not_the_trainer(run_dir: Path) -> None:
    mine = identify()
    amend_info(run_dir, process=msgspec.structs.replace(mine, start=mine.start - 100))
    assert status(run_dir) is Status.CRASHED


def test_a_process_from_before_the_machine_started_anew_is_dead(run_dir: Path) -> None:
    amend_info(run_dir, process=msgspec.structs.replace(identify(), boot="another"))
    assert status(run_dir) is Status.CRASHED


def test_an_ended_child_that_nobody_waited_for_is_dead(run_dir: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    amend_info(run_dir, process=identify(child.pid))
    assert child.stdout is not None
    child.stdout.read()  # its end closes the pipe
    wait_for(run_dir, Status.CRASHED)
    child.stdout.close()
    child.wait()


def test_another_machine_is_judged_by_the_age_of_the_last_event(run_dir: Path) -> None:
    amend_info(run_dir, process=msgspec.structs.replace(identify(), host="elsewhere", pid=1))
    write(run_dir, Started(1.0, 1), SIZES)
    assert status(run_dir) is Status.RUNNING
    old = time.time() - SILENCE_SECONDS - 10
    os.utime(run_dir / EVENTS, (old, old))
    assert status(run_dir) is Status.CRASHED


def test_outline_of_a_long_run_comes_from_its_ends(run_dir: Path) -> None:
    write(run_dir, Started(1.0, 1), SIZES)
    write(run_dir, *(Batch(3.0, 1, step, 9999, {"loss": 1.0}) for step in range(3000)))
    write(run_dir, Epoch(4.0, 1, 2.0, {"loss": 0.5}), Batch(5.0, 2, 1, 9999, {"loss": 1.0}))
    seen = outline(run_dir)
    assert seen.prepared == SIZES
    assert seen.epoch is not None
    assert seen.epoch.logs == {"loss": 0.5}
    assert (seen.updated, seen.is_training, seen.finished) == (5.0, True, None)


def test_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(UnusableInputError, match="not a run folder"):
        status(tmp_path)
