"""The installed lab gives a run to the trainer that it has kept ready, and is killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from kflab.runs.control import kill
from kflab.runs.info import read_info
from kflab.runs.listing import list_runs
from kflab.runs.status import Status, status
from kflab.settings import change_settings

from .pseudo_terminal import KFLAB, PseudoTerminal
from .test_lab import LONG


@pytest.fixture(autouse=True)
def no_trainer_is_left(runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("KFLAB_CONFIG_DIR", str(tmp_path / "config"))
    change_settings({"warm_trainer": True})
    yield
    for run in list_runs(runs_dir):
        kill(Path(run.path))


def waiting(lab: int) -> list[psutil.Process]:
    """The trainers that a lab keeps."""
    return [one for one in psutil.Process(lab).children() if "--wait" in one.cmdline()]


def wait_until(told: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


@pytest.mark.slow
def test_the_run_goes_on_and_nobody_waits_any_more(tmp_path: Path, runs_dir: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(LONG)
    with PseudoTerminal([KFLAB, str(path)]) as terminal:
        terminal.wait_for("trainer ready", 200)
        (kept,) = waiting(terminal.pid)
        terminal.press("t")
        terminal.wait_for(r"epoch \d+/", 100)
        (run,) = list_runs(runs_dir)
        run_dir = Path(run.path)
        trainer = read_info(run_dir).process
        assert trainer is not None
        assert trainer.pid == kept.pid
        # Another one is started, now that the run trains.
        wait_until(lambda: any(one.pid != kept.pid for one in waiting(terminal.pid)))
        (second,) = (one for one in waiting(terminal.pid) if one.pid != kept.pid)
        terminal.hang_up(9)
        terminal.ended()
    wait_until(lambda: not second.is_running())
    assert status(run_dir) is Status.RUNNING
