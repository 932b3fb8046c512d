"""What is known of a run that is paused or steered: from its events, however many came since."""

from __future__ import annotations

from pathlib import Path

import pytest

from kflab.runs.events import Batch, Epoch, Event, Prepared, Resumed, Started, Steered, Usage
from kflab.runs.folder import create
from kflab.runs.history import RunState
from kflab.runs.info import EVENTS, amend_info
from kflab.runs.lines import LineWriter
from kflab.runs.listing import summarize
from kflab.runs.process import identify
from kflab.runs.status import Status, status

BEGUN: tuple[Event, ...] = (Started(100.0, 1), Prepared(100.0, 4, 10, 32, 320, 32, 32, 906))
PAUSE = Steered(102.0, "pause", 0, 10, id="pause")
GO_ON = Steered(1102.0, "go_on", 0, 10, id="go_on")


def steps(start: float, epoch: int = 1) -> list[Event]:
    """Steps of 0.2 s."""
    return [Batch(start + step / 5, epoch, step, 10, {"loss": 1.0}) for step in range(1, 11)]


def state_after(*events: Event) -> RunState:
    state = RunState()
    state.apply_all(events)
    return state


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    run_dir = create("kflab: 1\n", "a run", tmp_path / "runs", seed=1, backend="tensorflow")
    amend_info(run_dir, process=identify())
    return run_dir


def write(run_dir: Path, *events: Event) -> None:
    with LineWriter(run_dir / EVENTS) as lines:
        for event in events:
            lines.write(event)


def test_a_paused_run_is_paused_until_it_goes_on_and_crashed_without_its_trainer(run_dir: Path) -> None:
    write(run_dir, *BEGUN, *steps(100.0), PAUSE)
    assert status(run_dir) is Status.PAUSED
    assert Status.PAUSED.is_alive
    write(run_dir, GO_ON)
    assert status(run_dir) is Status.RUNNING
    write(run_dir, Steered(1103.0, "pause", refused="why not"))
    assert status(run_dir) is Status.RUNNING
    write(run_dir, PAUSE)
    dead = identify()
    amend_info(
        run_dir, process=type(dead)(pid=dead.pid, start=dead.start - 99, boot=dead.boot, host=dead.host)
    )
    assert status(run_dir) is Status.CRASHED


def test_a_night_of_a_pause_hides_it_from_nobody(run_dir: Path) -> None:
    write(run_dir, *BEGUN, *(event for epoch in range(1, 40) for event in steps(100.0, epoch)), PAUSE)
    write(run_dir, *(Usage(200.0 + 5 * count, 0.1, 10**9, 10**10) for count in range(8_000)))
    assert (run_dir / EVENTS).stat().st_size > 1 << 18
    assert status(run_dir) is Status.PAUSED


def test_a_trainer_that_takes_the_run_up_again_is_not_paused() -> None:
    state = state_after(*BEGUN, *steps(100.0), PAUSE)
    assert state.is_paused
    state.apply(Started(500.0, 2))
    assert not state.is_paused


def test_the_pace_does_not_count_a_pause() -> None:
    through = state_after(*BEGUN, *steps(100.0), *steps(102.0, 2)[:5])
    paused = state_after(*BEGUN, *steps(100.0), PAUSE)
    before = paused.seconds_left(102.0)
    assert paused.seconds_left(900.0) == before, "the time left stands still meanwhile"
    paused.apply_all([GO_ON, *steps(1102.0, 2)[:5]])
    left, expected = paused.seconds_left(1103.0), through.seconds_left(103.0)
    assert left is not None
    assert expected is not None
    assert left == pytest.approx(expected, rel=0.3)
    assert left < 20


def test_the_number_of_epochs_follows_what_was_asked(run_dir: Path) -> None:
    more = Steered(103.0, "epochs", 0, 10, value=9.0, before=4.0, id="more")
    state = state_after(*BEGUN, *steps(100.0), more)
    assert state.epochs == 9
    write(run_dir, *BEGUN, more)
    assert summarize(run_dir).epochs == 9
    write(run_dir, Epoch(104.0, 11, 1.0, {"loss": 1.0}))
    assert summarize(run_dir).epochs == 11


def test_what_is_made_again_is_told_once() -> None:
    rate = Steered(103.0, "rate", 0, 10, value=0.1, id="rate")
    later = Steered(104.0, "rate", 1, 5, value=0.2, id="later")
    state = state_after(*BEGUN, *steps(100.0), rate, *steps(103.0, 2), later, Started(200.0, 2))
    state.apply_all([Resumed(201.0, 0, 10, "one"), rate, later])
    assert [answer.id for answer in state.steered] == ["rate", "later"]
    assert [event.snapshot for event in state.resumed] == ["one"]
