from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from kflab.errors import UnusableInputError
from kflab.runs.control import Requests, ask_stop, stop_asked
from kflab.runs.folder import create
from kflab.runs.info import LOCK
from kflab.runs.lock import AlreadyTrainingError, hold

T = TypeVar("T")


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return create("kflab: 1\n", "a run", tmp_path / "runs", seed=1, backend="tensorflow")


def wait_until(told: Callable[[], T | None], seconds: float = 20.0) -> T:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = told()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come")


def test_holds_others_off_until_the_block_ends(run_dir: Path) -> None:
    with hold(run_dir), pytest.raises(AlreadyTrainingError, match="another trainer"), hold(run_dir):
        pass
    with hold(run_dir):
        assert (run_dir / LOCK).exists()


def test_nothing_is_asked_of_a_fresh_run(run_dir: Path) -> None:
    assert not stop_asked(run_dir)
    assert not Requests(run_dir).stop_asked()


def test_a_request_reaches_the_trainer(run_dir: Path) -> None:
    requests = Requests(run_dir)
    assert not requests.stop_asked()
    ask_stop(run_dir)
    assert wait_until(requests.stop_asked)


def test_junk_is_no_request(run_dir: Path) -> None:
    (run_dir / "control.jsonl").write_bytes(b'\0\0{"request":"dance"}\n{"request":"st')
    assert not stop_asked(run_dir)
    ask_stop(run_dir)
    assert stop_asked(run_dir)


def test_only_runs_can_be_stopped(tmp_path: Path) -> None:
    with pytest.raises(UnusableInputError):
        ask_stop(tmp_path)
    assert list(tmp_path.iterdir()) == []
