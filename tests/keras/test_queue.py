"""The queue with real trainers: two runs from the command line to their ends, one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kflab.runs.events import Finished, Started
from kflab.runs.folder import create
from kflab.runs.follow import Follow
from kflab.runs.info import CONSOLE, EVENTS
from kflab.runs.listing import list_runs
from kflab.runs.queue_file import FOLDER, put, read_queue
from kflab.runs.queue_keeper import LOG
from kflab.runs.status import Status
from kflab.runs.tail import Tail

pytestmark = pytest.mark.slow  # two trainers one after the other; the stub trainer shows the same every day

TINY = ("run", "digits_mlp", "--set", "training.epochs=1", "--set", "data.limit=64", "--queue")


def kflab(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kflab", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_two_runs_are_queued_and_trained_one_after_the_other(runs_dir: Path) -> None:
    assert kflab(*TINY, "--detach").returncode == 0
    second = kflab(*TINY)
    assert second.returncode == 0, second.stderr
    assert "waits at place 1: cpu: after" in second.stdout
    later, earlier = (Path(run.path) for run in list_runs(runs_dir))
    for run in (earlier, later):
        follow = Follow(run)
        follow.poll()
        assert follow.status() is Status.DONE, (run / CONSOLE).read_text()
    ended = next(event for event in Tail(earlier / EVENTS).read() if isinstance(event, Finished))
    began = next(event for event in Tail(later / EVENTS).read() if isinstance(event, Started))
    assert ended.time <= began.time
    assert read_queue(runs_dir).waiting == ()
    assert [line.split()[2:] for line in (runs_dir / FOLDER / LOG).read_text().splitlines()] == [
        ["started", earlier.name],
        ["started", later.name],
    ]


def test_a_trainer_that_ends_starts_the_keeper_that_was_killed(runs_dir: Path) -> None:
    first = kflab("run", "digits_mlp", "--set", "training.epochs=1", "--set", "data.limit=64", "--detach")
    assert first.returncode == 0
    text = (Path(first.stdout.strip()) / "experiment.yaml").read_text()
    waits = create(text, "waits", runs_dir, seed=1, backend="tensorflow")
    put(waits, os.environ)  # and nobody looks at the queue but the trainer
    end = time.monotonic() + 120
    while not Follow(waits).status().is_over:
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)
    assert Follow(waits).status() is Status.DONE, (waits / CONSOLE).read_text()
