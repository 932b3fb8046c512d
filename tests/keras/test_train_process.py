"""The trainer as a process: how runs end, and what is left of them."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import pytest

from kflab.runs.control import ask_stop, kill
from kflab.runs.folder import create
from kflab.runs.follow import Follow
from kflab.runs.info import BEST, CONSOLE, EVENTS, FINAL, read_info
from kflab.runs.launch import launch
from kflab.runs.listing import summarize
from kflab.runs.resuming import resume
from kflab.runs.status import Status, status

DIGITS = """
kflab: 1
data: {{source: digits}}
model:
  nodes:
    image: {{Input: {{shape: [64]}}}}
    digit: {{Dense: {{units: 10, activation: softmax}}, from: image}}
  outputs: [digit]
training:
  loss: {loss}
  metrics: [accuracy]
  epochs: {epochs}
  callbacks: {callbacks}
"""
ENDLESS = 100_000
LOSS = "SparseCategoricalCrossentropy"


@dataclasses.dataclass(frozen=True)
class Runs:
    """Runs that were launched together, so that their imports of Keras overlap."""

    done: Path
    failed: Path
    asked: Path
    terminated: Path
    killed: Path


def wait_until(told: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def trains(run_dir: Path) -> bool:
    follow = Follow(run_dir)
    follow.poll()
    assert not status(run_dir).is_over, (run_dir / CONSOLE).read_text()
    return follow.state.epochs_done >= 2


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    runs_dir = tmp_path_factory.mktemp("runs")

    def start(title: str, epochs: int = ENDLESS, loss: str = LOSS, callbacks: str = "{}") -> Path:
        text = DIGITS.format(epochs=epochs, loss=loss, callbacks=callbacks)
        run_dir = create(text, title, runs_dir, seed=3, backend="tensorflow")
        launch(run_dir)
        return run_dir

    made = Runs(
        done=start("done", epochs=3),
        failed=start("failed", loss="CTC"),
        asked=start("asked"),
        terminated=start("terminated"),
        killed=start("killed", callbacks="{BackupAndRestore: {backup_dir: backup}}"),
    )
    yield made
    for field in dataclasses.fields(made):
        kill(getattr(made, field.name))


def test_done(runs: Runs) -> None:
    wait_until(lambda: status(runs.done).is_over)
    row = summarize(runs.done)
    assert (row.status, row.epoch, row.epochs, row.cause) == (Status.DONE, 3, 3, "")
    assert row.test.keys() == {"loss", "accuracy"}
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= row.logs.keys()
    for name in (BEST, FINAL):
        assert keras.saving.load_model(runs.done / name).count_params() == 650


def test_done_records_what_it_ran_with(runs: Runs) -> None:
    wait_until(lambda: status(runs.done).is_over)
    info = read_info(runs.done)
    assert (info.keras, info.backend, info.seed) == (keras.__version__, "tensorflow", 3)
    assert info.backend_version
    assert info.devices


def test_a_run_that_is_over_is_not_trained_again(runs: Runs) -> None:
    wait_until(lambda: status(runs.done).is_over)
    before = (runs.done / EVENTS).read_bytes()
    again = train(runs.done)
    assert again.returncode == 2
    assert "this run is over (done)" in again.stderr
    assert (runs.done / EVENTS).read_bytes() == before


def test_failed_with_one_line_and_the_traceback_in_the_console(runs: Runs) -> None:
    wait_until(lambda: status(runs.failed).is_over)
    row = summarize(runs.failed)
    assert row.status is Status.FAILED
    assert "\n" not in row.cause
    assert "max_length" in row.cause
    assert "Traceback (most recent call last)" in (runs.failed / CONSOLE).read_text()


def test_stopped_when_asked_keeps_the_model(runs: Runs) -> None:
    wait_until(lambda: trains(runs.asked))
    ask_stop(runs.asked)
    wait_until(lambda: status(runs.asked).is_over)
    row = summarize(runs.asked)
    assert (row.status, row.cause) == (Status.STOPPED, "stopped on request")
    assert row.epoch >= 2
    assert row.test["accuracy"] is not None
    assert keras.saving.load_model(runs.asked / FINAL).count_params() == 650


def test_a_hangup_changes_nothing_and_sigterm_stops(runs: Runs) -> None:
    wait_until(lambda: trains(runs.terminated))
    process = read_info(runs.terminated).process
    assert process is not None
    os.kill(process.pid, signal.SIGHUP)
    second = train(runs.terminated)
    assert second.returncode == 2
    assert "another trainer is at work" in second.stderr
    assert status(runs.terminated) is Status.RUNNING
    os.kill(process.pid, signal.SIGTERM)
    wait_until(lambda: status(runs.terminated).is_over)
    assert status(runs.terminated) is Status.STOPPED
    assert (runs.terminated / FINAL).exists()


def test_killed_is_crashed_readable_and_can_go_on(runs: Runs) -> None:
    wait_until(lambda: trains(runs.killed))
    assert kill(runs.killed)
    wait_until(lambda: status(runs.killed) is Status.CRASHED, 5.0)
    epochs = summarize(runs.killed).epoch
    assert epochs >= 2
    assert keras.saving.load_model(runs.killed / BEST).count_params() == 650

    resume(runs.killed)
    follow = Follow(runs.killed)

    def went_on() -> bool:
        follow.poll()
        return follow.state.pid != 0 and follow.state.epochs_done > epochs

    wait_until(went_on)
    assert follow.state.resumed[-1].epoch >= 1
    ask_stop(runs.killed)
    wait_until(lambda: status(runs.killed).is_over)
    assert status(runs.killed) is Status.STOPPED


def test_a_stop_before_keras_is_loaded_is_heeded(tmp_path: Path) -> None:
    text = DIGITS.format(epochs=1, loss=LOSS, callbacks="{}")
    run_dir = create(text, "early", tmp_path, seed=3, backend="tensorflow")
    ask_stop(run_dir)
    assert train(run_dir).returncode == 0
    row = summarize(run_dir)
    assert (row.status, row.cause) == (Status.STOPPED, "stopped on request before the first step")


def test_an_unusable_experiment_fails_with_the_place(tmp_path: Path) -> None:
    run_dir = create("kflab: 1\nmodel: 3\n", "bad", tmp_path, seed=3, backend="tensorflow")
    assert train(run_dir).returncode == 1
    assert summarize(run_dir).status is Status.FAILED
    assert "experiment.yaml" in summarize(run_dir).cause


def test_no_run_folder(tmp_path: Path) -> None:
    refused = train(tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: ")
    assert "not a run folder" in refused.stderr


def train(run_dir: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kflab.train", str(run_dir)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
