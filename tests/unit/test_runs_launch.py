from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from kflab.runs import launch as launching
from kflab.runs.control import ask_stop, kill
from kflab.runs.folder import create
from kflab.runs.follow import Follow
from kflab.runs.info import CONSOLE, EVENTS, read_info
from kflab.runs.launch import launch
from kflab.runs.listing import summarize
from kflab.runs.lock import AlreadyTrainingError
from kflab.runs.process import identify
from kflab.runs.status import Status, status

T = TypeVar("T")
STUB = Path(__file__).parents[1] / "stubs" / "trainer.py"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return create("kflab: 1\n", "a run", tmp_path / "runs", seed=1, backend="tensorflow")


@pytest.fixture
def start(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Launches the stub trainer on the run folder; it is dead when the test ends."""

    def launch_stub(*options: str) -> int:
        monkeypatch.setattr(launching, "TRAINER", (sys.executable, str(STUB), *options))
        return launch(run_dir)

    yield launch_stub
    kill(run_dir)


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


def test_a_run_from_start_to_end(run_dir: Path, start: Callable[..., int]) -> None:
    pid = start("--epochs", "3", "--steps", "5")
    assert read_info(run_dir).process == identify(pid) or status(run_dir).is_over
    assert wait_for(run_dir, Status.DONE, Status.CRASHED) is Status.DONE
    follow = Follow(run_dir)
    assert follow.poll()
    assert follow.state.epochs_done == 3
    assert follow.state.metric_names == ("loss", "accuracy")
    assert "stub trainer at work" in (run_dir / CONSOLE).read_text()


def test_it_has_a_session_of_its_own(run_dir: Path, start: Callable[..., int]) -> None:
    pid = start("--epochs", "50", "--steps", "100")
    assert os.getsid(pid) == pid != os.getsid(0)


def test_killed_it_is_crashed_at_once_and_readable(run_dir: Path, start: Callable[..., int]) -> None:
    start("--epochs", "9", "--die-at", "2")
    assert wait_for(run_dir, Status.DONE, Status.CRASHED) is Status.CRASHED
    follow = Follow(run_dir)
    follow.poll()
    assert follow.state.epochs_done == 1
    assert summarize(run_dir).epoch == 1


def test_no_zombie_stays_behind(start: Callable[..., int]) -> None:
    pid = start("--epochs", "1", "--steps", "1")

    def is_gone() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    assert wait_until(is_gone)


def test_it_stops_when_asked(run_dir: Path, start: Callable[..., int]) -> None:
    start("--epochs", "1000", "--steps", "100")
    wait_for(run_dir, Status.RUNNING)
    ask_stop(run_dir)
    assert wait_for(run_dir, Status.STOPPED, Status.CRASHED) is Status.STOPPED
    assert summarize(run_dir).cause == "stopped on request"


def test_failed_with_its_cause(run_dir: Path, start: Callable[..., int]) -> None:
    start("--fail-at", "2", "--cause", "out of memory")
    assert wait_for(run_dir, Status.FAILED, Status.CRASHED) is Status.FAILED
    assert summarize(run_dir).cause == "out of memory"


def test_a_deaf_one_can_be_killed(run_dir: Path, start: Callable[..., int]) -> None:
    start("--epochs", "1000", "--steps", "100", "--deaf")
    wait_for(run_dir, Status.RUNNING)
    ask_stop(run_dir)
    wait_for(run_dir, Status.STOPPING)
    assert kill(run_dir)
    wait_for(run_dir, Status.CRASHED)
    assert not kill(run_dir)


def test_a_second_trainer_is_refused(run_dir: Path, start: Callable[..., int]) -> None:
    start("--epochs", "1000", "--steps", "100")
    with pytest.raises(AlreadyTrainingError):
        launch(run_dir)
    wait_for(run_dir, Status.RUNNING)
    second = subprocess.run([sys.executable, str(STUB), str(run_dir)], capture_output=True, check=False)
    assert second.returncode == 2
    assert b"another trainer is at work" in second.stderr
    assert (run_dir / EVENTS).read_bytes().count(b'"started"') == 1


def test_a_broken_command_is_crashed(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "TRAINER", (sys.executable, "-c", "raise SystemExit(3)"))
    launch(run_dir)
    wait_for(run_dir, Status.CRASHED)
