from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from kflab.errors import UnusableInputError
from kflab.runs.answers import Silence, ask_and_wait
from kflab.runs.control import (
    Evaluate,
    GoOn,
    Pause,
    SetEpochs,
    SetRate,
    Stop,
    TakeSnapshot,
    ask,
    ask_stop,
    kind_of,
    start_requests_over,
)
from kflab.runs.events import End, Finished, Started, Steered
from kflab.runs.folder import create
from kflab.runs.info import CONTROL, EVENTS, LOCK
from kflab.runs.lines import LineWriter
from kflab.runs.lock import AlreadyTrainingError, hold
from kflab.runs.requests import NoRequest, Requests, stop_asked

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


EACH = (
    Pause(),
    GoOn(),
    Stop(after="epoch"),
    TakeSnapshot(),
    SetRate(value=1e-4),
    SetRate(factor=0.5),
    SetEpochs(total=30),
    SetEpochs(more=-2),
    Evaluate(),
)


@pytest.fixture(autouse=True)
def every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is looked at whenever a test asks, not ten times a second."""
    monkeypatch.setattr("kflab.runs.requests.LOOK_SECONDS", 0.0)


def test_every_request_is_taken_once_in_its_order(run_dir: Path) -> None:
    requests = Requests(run_dir)
    asked = [ask(run_dir, request) for request in EACH]
    assert requests.take() == asked
    assert requests.take() == []
    assert [kind_of(request) for request in asked] == [
        "pause", "go_on", "stop", "snapshot", "rate", "rate", "epochs", "epochs", "evaluate",
    ]  # fmt: skip
    assert len({request.id for request in asked}) == len(EACH)
    assert all(request.by and request.time for request in asked)


def test_a_torn_line_waits_for_its_end_and_one_without_an_end_is_taken(run_dir: Path) -> None:
    requests, path = Requests(run_dir), run_dir / CONTROL
    path.write_bytes(b'{"request":"pau')
    assert requests.take() == []
    with path.open("ab") as file:
        file.write(b'se","id":"1"}')
    assert requests.take() == []
    assert requests.take() == [Pause(id="1")]
    with path.open("ab") as file:
        file.write(b'\n{"request":"go_on"}\n')
    assert requests.take() == [GoOn()]


def test_what_is_no_request_says_so_and_harms_no_other(run_dir: Path) -> None:
    (run_dir / CONTROL).write_bytes(
        b'\0\0\n{"request":"dance","id":"7"}\n[1]\n\xff\xfe\n{"request":"rate","value":"fast"}\n\n'
        b'{"request":"pause"}\n'
    )
    *wrong, pause = Requests(run_dir).take()
    assert pause == Pause()
    assert [bool(isinstance(line, NoRequest)) for line in wrong] == [True] * 4
    assert wrong[0].id == "7"
    assert "dance" in getattr(wrong[0], "reason", "")


def test_a_file_that_was_replaced_asks_for_what_is_new_in_it(run_dir: Path) -> None:
    requests, path = Requests(run_dir), run_dir / CONTROL
    ask(run_dir, SetEpochs(more=1, id="a"))
    assert len(requests.take()) == 1
    # As an editor saves: another file of the same name.
    copy = run_dir / "copy"
    copy.write_bytes(path.read_bytes() + b'{"request":"pause"}\n')
    copy.replace(path)
    assert requests.take() == [Pause()]
    path.unlink()
    assert requests.take() == []
    path.write_bytes(b'{"request":"pause"}\n{"request":"go_on"}\n')
    assert requests.take() == [GoOn()]


def test_a_pipe_in_place_of_the_file_is_left_alone(run_dir: Path) -> None:
    os.mkfifo(run_dir / CONTROL)
    assert Requests(run_dir).take() == []
    assert not stop_asked(run_dir)


def test_what_was_asked_of_a_trainer_before_is_past(run_dir: Path) -> None:
    ask_stop(run_dir)
    start_requests_over(run_dir)
    assert stop_asked(run_dir), "of a run that no trainer was at yet, it holds"
    with LineWriter(run_dir / EVENTS) as events:
        events.write(Started(time=1.0, pid=1))
    start_requests_over(run_dir)
    assert not stop_asked(run_dir)
    requests = Requests(run_dir)
    assert not requests.stop_asked()
    assert requests.take() == []
    asked = ask(run_dir, Pause())
    assert requests.take() == [asked]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (SetRate(), "either"),
        (SetRate(value=1.0, factor=1.0), "either"),
        (SetRate(value=0.0), "above 0"),
        (SetRate(value=-1e-3), "above 0"),
        (SetRate(value=float("nan")), "above 0"),
        (SetRate(value=float("inf")), "above 0"),
        (SetRate(factor=0.0), "above 0"),
        (SetEpochs(), "either"),
        (SetEpochs(total=0), "at least 1"),
    ],
)
def test_what_can_not_be_meant_is_not_asked(
    run_dir: Path, request_: SetRate | SetEpochs, reason: str
) -> None:
    with pytest.raises(UnusableInputError, match=reason):
        ask(run_dir, request_)
    assert not (run_dir / CONTROL).exists()


def test_the_answer_to_a_request_is_waited_for(run_dir: Path) -> None:
    events = LineWriter(run_dir / EVENTS)
    events.write(Steered(1.0, "pause", id="mine", text="of long ago"))

    def answering(_: float) -> None:
        events.write(Steered(2.0, "pause", id="another"))
        events.write(Steered(2.0, "pause", id="mine", text="paused"))

    answer = ask_and_wait(run_dir, Pause(id="mine"), 60, sleep=answering)
    assert answer.steered is not None
    assert answer.steered.text == "paused"


def test_a_run_that_ends_or_never_answers_is_not_waited_for(run_dir: Path) -> None:
    with LineWriter(run_dir / EVENTS) as events:
        ended = Finished(2.0, End.DONE)
        answer = ask_and_wait(run_dir, Pause(), 60, sleep=lambda _: events.write(ended))
        assert answer.silence is Silence.ENDED
    assert ask_and_wait(run_dir, Pause(), 0).silence is Silence.LATE
