"""`kflab pause`, `rate` and the others against a trainer that answers, and one that does not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kflab.cli import run
from kflab.errors import UnusableInputError
from kflab.runs.control import SetEpochs, SetRate, epochs_request, rate_request
from kflab.runs.folder import create
from kflab.runs.info import amend_info
from kflab.runs.process import ProcessInfo
from kflab.runs.status import Status, status

STUB_TRAINER = Path(__file__).parent.parent / "stubs" / "trainer.py"

Start = Callable[..., Path]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setenv("KFLAB_RUNS_DIR", str(tmp_path))
    trainers: list[subprocess.Popen[bytes]] = []

    def started(*options: str) -> Path:
        run_dir = create("kflab: 1\n", "a stub", tmp_path, seed=1, backend="tensorflow")
        command = [sys.executable, str(STUB_TRAINER), "--epochs", "9000", "--pace", "0.02", *options]
        trainers.append(subprocess.Popen([*command, str(run_dir)], stderr=subprocess.DEVNULL))
        end = time.monotonic() + 30
        while status(run_dir) is not Status.RUNNING:
            assert time.monotonic() < end, "it did not start"
            time.sleep(0.01)
        return run_dir

    yield started
    for trainer in trainers:
        trainer.kill()
        trainer.wait()


def test_each_command_prints_the_answer(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = start()
    for words, answer in (
        (["pause"], "pause was done"),
        (["rate", "last", "x0.5"], "rate was done"),
        (["rate", run_dir.name, "1e-4"], "rate was done"),
        (["epochs", "last", "-2"], "epochs was done"),
        (["epochs", "last", "+5"], "epochs was done"),
        (["snapshot", run_dir.name[:8]], "snapshot was done"),
        (["evaluate"], "accuracy 0."),
    ):
        assert run(words) == 0, words
        assert answer in capsys.readouterr().out
    assert status(run_dir) is Status.PAUSED

    assert run(["epochs", "last", "30", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["run"], told["asked"], told["answer"]["value"]) == (run_dir.name, "epochs", 30)
    assert run(["rate", "last", "1e-5", "--no-wait", "--json"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"run", "asked", "id"}

    assert run(["rate", "last", "-1"]) == 2
    assert "above 0" in capsys.readouterr().err
    assert run(["stop", "--after", "epoch"]) == 0
    assert "stop was done" in capsys.readouterr().out


def test_no_answer_is_said_with_what_to_expect(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    start("--deaf")
    assert run(["pause", "--timeout", "0.1"]) == 1
    assert "no answer within 0.1 s, but it is alive" in capsys.readouterr().err
    assert run(["evaluate", "--timeout", "0", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["answer"] is None


def test_a_trainer_that_can_not_be_ended_from_here_is_not_said_to_have_ended(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = start()
    amend_info(run_dir, process=ProcessInfo(pid=1, start=0.0, boot="another", host="elsewhere"))
    assert run(["stop", "--now"]) == 1
    assert "has no process on this machine" in capsys.readouterr().err
    assert status(run_dir) is Status.RUNNING


def test_only_a_run_at_work_can_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KFLAB_RUNS_DIR", str(tmp_path))
    create("kflab: 1\n", "a stub", tmp_path, seed=1, backend="tensorflow")
    assert run(["pause"]) == 1
    assert "is not running: it was never started" in capsys.readouterr().err


def test_who_asks_a_run_that_is_over_is_told_how_to_go_on(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = start()
    name = run_dir.name
    assert run(["stop", "--now"]) == 0
    end = time.monotonic() + 30
    while not status(run_dir).is_over:
        assert time.monotonic() < end, "it did not end"
        time.sleep(0.01)
    capsys.readouterr()
    assert run(["epochs", name, "+2"]) == 1
    assert f"it is crashed; `kflab resume {name}` goes on with it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "request_"),
    [
        ("1e-4", SetRate(value=1e-4)),
        (" 0.5 ", SetRate(value=0.5)),
        ("x0.5", SetRate(factor=0.5)),
        ("×2", SetRate(factor=2.0)),
        ("/2", SetRate(factor=0.5)),
    ],
)
def test_a_rate_is_read_as_it_is_typed(typed: str, request_: SetRate) -> None:
    assert rate_request(typed) == request_


@pytest.mark.parametrize("typed", ["", "fast", "x", "/0", "-1", "0", "nan", "inf", "1e-3 1e-4"])
def test_what_is_no_rate_is_refused(typed: str) -> None:
    with pytest.raises(UnusableInputError, match="expected"):
        rate_request(typed)


@pytest.mark.parametrize(
    ("typed", "request_"),
    [("30", SetEpochs(total=30)), ("+5", SetEpochs(more=5)), ("-2", SetEpochs(more=-2))],
)
def test_epochs_are_read_as_they_are_typed(typed: str, request_: SetEpochs) -> None:
    assert epochs_request(typed) == request_


@pytest.mark.parametrize("typed", ["", "many", "1.5", "0", "99999999999"])
def test_what_is_no_number_of_epochs_is_refused(typed: str) -> None:
    with pytest.raises(UnusableInputError, match="expected"):
        epochs_request(typed)
