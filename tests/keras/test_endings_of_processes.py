"""What ends or disturbs the process of a trainer: signals, a limit of memory, pipes that nobody reads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kflab.runs import launch as launching
from kflab.runs.control import kill
from kflab.runs.ending import Ending, how_it_ended
from kflab.runs.events import Fault
from kflab.runs.folder import create
from kflab.runs.follow import Follow
from kflab.runs.info import CONTROL, EVENTS, read_info
from kflab.runs.launch import launch
from kflab.runs.listing import list_runs
from kflab.runs.status import Status, status

KFLAB = str(Path(sys.executable).with_name("kflab"))

DIGITS = """
kflab: 1
data: {{source: digits}}
model:
  nodes:
    image: {{Input: {{shape: [64]}}}}
    wide: {{Dense: {{units: {units}}}, from: image}}
    digit: {{Dense: {{units: 10, activation: softmax}}, from: wide}}
  outputs: [digit]
training:
  loss: SparseCategoricalCrossentropy
  metrics: [accuracy]
  epochs: {epochs}
  plan: {{steps_per_execution: 45, data: memory, jit_compile: false}}
"""


def wait_until(told: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def ended(run_dir: Path) -> Ending:
    wait_until(lambda: status(run_dir).is_over)
    found = how_it_ended(run_dir)
    assert found is not None
    return found


DEAF = """
import sys, time, types
from pathlib import Path
from kflab.train.__main__ import main

def train(run_dir, *_):
    Path(run_dir, "at-work").touch()
    while True:
        time.sleep(60)

sys.modules["kflab.train.run"] = module = types.ModuleType("kflab.train.run")
module.train = train
sys.exit(main(sys.argv[1:]))
"""
"""A trainer that never looks for requests, as in a step that does not end."""


def test_a_second_sigterm_ends_it_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "TRAINER", (sys.executable, "-c", DEAF))
    run_dir = create(DIGITS.format(units=8, epochs=9), "a run", tmp_path, seed=1, backend="tensorflow")
    pid = launch(run_dir)
    try:
        wait_until((run_dir / "at-work").exists)
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: (run_dir / CONTROL).exists() and "SIGTERM" in (run_dir / CONTROL).read_text())
        assert status(run_dir) is Status.STOPPING
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: read_info(run_dir).ended, 10)
    finally:
        kill(run_dir)
    found = ended(run_dir)
    assert (found.status, found.fault) == (Status.CRASHED, Fault.KILLED)
    assert found.cause == "the trainer was ended at once by SIGTERM"


@pytest.mark.slow
def test_a_limit_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f'ulimit -v 6000000; exec {sys.executable} -m kflab.train "$0"'
    monkeypatch.setattr(launching, "TRAINER", ("sh", "-c", script))
    text = DIGITS.format(units=40_000_000, epochs=1)
    run_dir = create(text, "a run", tmp_path, seed=1, backend="tensorflow")
    launch(run_dir)
    try:
        found = ended(run_dir)
    finally:
        kill(run_dir)
    assert found.fault is Fault.MEMORY
    assert found.cause.startswith("out of memory")
    assert found.advice.startswith("free memory or take a smaller training.batch_size; ")


@pytest.mark.slow
def test_pipes_that_nobody_reads_hold_no_training_up(tmp_path: Path, runs_dir: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(DIGITS.format(units=8, epochs=300))
    run_dir = create(path.read_text(), "closed", tmp_path / "closed", seed=1, backend="tensorflow")
    trainer = [sys.executable, "-m", "kflab.train", str(run_dir)]
    with (
        subprocess.Popen([KFLAB, "run", str(path), "--json"], stdout=subprocess.PIPE) as full,
        subprocess.Popen(trainer, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as closed,
    ):
        assert full.stdout is not None
        assert closed.stdout is not None
        closed.stdout.close()
        wait_until(lambda: list_runs(runs_dir))
        (summary,) = list_runs(runs_dir)
        assert ended(Path(summary.path)).status is Status.DONE
        assert (Path(summary.path) / EVENTS).stat().st_size > 70_000
        assert full.poll() is None
        lines = full.stdout.read().splitlines()
        assert full.wait() == 0
        assert b'"finished"' in lines[-1]
        assert ended(run_dir).status is Status.DONE
        assert closed.wait() == 0
    follow = Follow(run_dir)
    while follow.poll():
        pass
    assert follow.state.epochs_done == 300
