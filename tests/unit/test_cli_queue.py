"""`kflab queue` and `kflab run --queue`, with a keeper and a trainer that need no Keras."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kflab.cli import run as kflab
from kflab.runs import queueing
from kflab.runs.folder import create
from kflab.runs.launch import launch
from kflab.runs.listing import list_runs
from kflab.runs.status import Status, status
from tests.unit.test_queue_processes import QUICK, queued, wait_until


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = kflab(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def name(run: Path) -> str:
    return run.name.rpartition("-")[2]


@pytest.fixture
def runs(runs_dir: Path, stub_keeper: Callable[[str], None]) -> list[Path]:
    """Three runs in a queue that is held."""
    stub_keeper(QUICK)
    queueing.hold(runs_dir)
    made = [create("kflab: 1\n", word, runs_dir, seed=1, backend="tensorflow") for word in ("a", "b", "c")]
    for run in made:
        queueing.submit(run)
    return made


def test_the_queue_is_listed_and_its_order_changed(
    capsys: pytest.CaptureFixture[str], runs_dir: Path, runs: list[Path]
) -> None:
    a, b, c = runs
    code, out, _ = call(capsys, "queue")
    assert code == 0
    assert [line.split()[1] for line in out.splitlines()[2:]] == [a.name, b.name, c.name]
    assert "held" in out
    assert call(capsys, "queue", "move", name(c), "first")[:2] == (0, f"{c.name} waits at place 1\n")
    assert call(capsys, "queue", "move", name(a), "3")[0] == 0
    assert queued(runs_dir) == [c.name, b.name, a.name]
    code, out, _ = call(capsys, "queue", "--json")
    told = json.loads(out)
    assert told["held"]
    assert [(row["place"], row["run"]) for row in told["waiting"]] == [
        (1, c.name),
        (2, b.name),
        (3, a.name),
    ]
    assert call(capsys, "queue", "move", name(a), "sideways")[0] == 2


def test_a_run_is_taken_out_by_remove_and_by_stop_and_put_back(
    capsys: pytest.CaptureFixture[str], runs_dir: Path, runs: list[Path]
) -> None:
    a, b, c = runs
    assert call(capsys, "queue", "remove", name(a))[0] == 0
    assert call(capsys, "stop", name(b), "--json")[0] == 0
    assert queued(runs_dir) == [c.name]
    assert {status(a), status(b)} == {Status.CREATED}
    code, _, err = call(capsys, "queue", "remove", name(a))
    assert code == 1
    assert "not in the queue" in err
    code, out, _ = call(capsys, "queue", "add", name(a), "--json")
    assert (code, json.loads(out)["place"]) == (0, 2)


def test_released_it_goes_on_and_is_empty_in_the_end(
    capsys: pytest.CaptureFixture[str], runs_dir: Path, runs: list[Path]
) -> None:
    assert call(capsys, "queue", "release")[:2] == (0, "the queue goes on\n")
    wait_until(lambda: all(status(run) is Status.DONE for run in runs))
    assert "kflab run EXPERIMENT --queue" in call(capsys, "queue")[1]
    assert call(capsys, "queue", "hold", "--json")[1] == '{"held":true,"waiting":0}\n'


def test_run_queue_detached_tells_folder_and_place(
    capsys: pytest.CaptureFixture[str], runs_dir: Path, runs: list[Path]
) -> None:
    code, out, _ = call(capsys, "run", "digits_mlp", "--queue", "--detach", "--json")
    told = json.loads(out)
    assert (code, told["place"]) == (0, 4)
    assert status(Path(told["path"])) is Status.QUEUED
    code, out, _ = call(capsys, "run", "digits_mlp", "--queue", "--detach")
    folder, place = out.splitlines()
    assert (Path(folder).parent, place) == (runs_dir, "waits at place 5")


def test_what_can_not_train_is_not_queued(capsys: pytest.CaptureFixture[str], runs_dir: Path) -> None:
    code, _, err = call(capsys, "run", "digits_mlp", "--queue", "--set", "training.loss=Hinge2")
    assert code == 2
    assert "Hinge2" in err
    assert list_runs(runs_dir) == []


def test_run_queue_waits_and_follows_to_the_end(
    capsys: pytest.CaptureFixture[str], runs_dir: Path, stub_keeper: Callable[[str], None]
) -> None:
    stub_keeper(QUICK)
    other = create("kflab: 1\n", "other", runs_dir, seed=1, backend="tensorflow")
    launch(other)
    code, out, _ = call(capsys, "run", "digits_mlp", "--queue", "--json")
    assert code == 0
    told = [json.loads(line)["event"] for line in out.splitlines()]
    assert told[-1] == "finished"
    assert "started" in told


def test_ctrl_c_leaves_a_run_that_waits_in_the_queue(runs_dir: Path, runs: list[Path]) -> None:
    command = [sys.executable, "-m", "kflab", "watch", runs[0].name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        assert "waits at place 1: the queue is held" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        assert "stays in the queue" in watching.stderr.read()
        assert watching.wait() == 130
    assert queued(runs_dir)[0] == runs[0].name


@pytest.mark.parametrize("option", ["--queue", "--detach"])
def test_what_only_measures_a_plan_is_neither_queued_nor_detached(
    capsys: pytest.CaptureFixture[str], runs_dir: Path, option: str
) -> None:
    code, _, err = call(capsys, "run", "iris_mlp", "--plan", option)
    assert (code, err) == (2, f"kflab: --plan trains nothing: leave out {option}\n")
    assert not list_runs(runs_dir)
