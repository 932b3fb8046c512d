"""Going on with a run: to the last bit as if it had never ended, and refused where that can not be."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from kflab import document
from kflab.errors import KflabError
from kflab.runs import requests
from kflab.runs.control import (
    Evaluate,
    GoOn,
    Pause,
    Request,
    SetRate,
    Stop,
    TakeSnapshot,
    ask,
    start_requests_over,
)
from kflab.runs.events import End, Finished, Started
from kflab.runs.folder import create
from kflab.runs.history import RunState
from kflab.runs.info import EXPERIMENT, amend_info, read_info
from kflab.runs.position import Position
from kflab.runs.snapshots import numbered, position_of
from kflab.train import guard, snapshots
from kflab.train.journal import Journal
from kflab.train.loop import Loop
from kflab.train.run import train
from kflab.train.steering import Steering
from tests.bench.kills import VARIANTS, differences, end_of, kill_and_compare

TEXT = """
data: {{source: {source}, limit: 240{data}}}
model:
  nodes:
    image: {{Input: {{shape: [{features}]}}}}
    hidden: {{Dense: {{units: 12, activation: relu}}, from: image}}
    normed: {{BatchNormalization: {{}}, from: hidden}}
    dropped: {{Dropout: {{rate: 0.4}}, from: normed}}
    digit: {{Dense: {{units: 10, activation: softmax}}, from: dropped}}
  outputs: [digit]
training:
  loss: SparseCategoricalCrossentropy
  metrics: [accuracy]
  optimizer: {{Adam: {{learning_rate: 0.01, use_ema: true, gradient_accumulation_steps: 2}}}}
  epochs: {epochs}
  batch_size: 8
  plan: {{jit_compile: false, steps_per_execution: 3}}
  snapshot_seconds: 0.001
  callbacks:
    EarlyStopping: {{patience: 4, restore_best_weights: true}}
    ReduceLROnPlateau: {{patience: 1, min_delta: 0.1}}
    CSVLogger: {{}}
"""


MANY = ", validation: 0.5"
"""Samples enough for several groups of steps in a validation."""


class Killed(BaseException):
    """Stands for the end of a process."""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets snapshots be taken whenever they may be."""
    monkeypatch.setattr(snapshots, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(snapshots, "WAITING_SHARE", 1e6)
    monkeypatch.setattr(snapshots, "WRITING_SHARE", 1e6)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    def run(epochs: int = 5, source: str = "digits", features: int = 64, data: str = "") -> Path:
        text = TEXT.format(epochs=epochs, source=source, features=features, data=data)
        return create(text, "test", tmp_path / "runs", seed=5, backend="tensorflow")

    return run


def go(
    run_dir: Path, until: Position | None = None, also: Callable[[Loop], object] = lambda loop: None
) -> None:
    """Trains what is in a folder as a trainer does, which is gone when it has come to a position.

    `also` is called after each group of steps.
    """
    journal = Journal(run_dir)
    begin = time.time()
    journal.write(Started(begin, 1))
    ends = guard.Guard.after_steps

    def after_steps(self: guard.Guard, loop: Loop, made: object) -> None:
        if until is not None and loop.position >= until:
            raise Killed
        also(loop)
        ends(self, loop, made)  # type: ignore[arg-type]

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(guard.Guard, "after_steps", after_steps)
            # What was drawn before in this process must not matter.
            random.seed(time.time())
            keras.utils.clear_session()
            experiment = document.read(run_dir / EXPERIMENT)
            outcome = train(run_dir, read_info(run_dir), experiment, journal)
            seconds = time.time() - begin
            journal.write(Finished(time.time(), outcome.status, outcome.test, seconds, epochs=outcome.epochs))
    except Killed:
        pass
    finally:
        journal.close()


def test_a_run_that_died_twice_ends_as_one_that_lived(
    make: Callable[..., Path], state_of: Callable[[Path], RunState]
) -> None:
    whole, died = make(epochs=4), make(epochs=4)
    go(whole)
    go(died, until=Position(1, 4))
    assert state_of(died).finished is None
    go(died, until=Position(2, 7))
    go(died)
    assert differences(end_of(whole), end_of(died)) == []
    state = state_of(died)
    first, second = (Position(event.epoch, event.step) for event in state.resumed)
    assert Position(1, 0) <= first < Position(1, 4)
    assert Position(2, 0) <= second < Position(2, 7)
    assert (state.epochs_done, state.epochs, list(state.epoch_seconds)) == (4, 4, [1, 2, 3, 4])
    assert state.finished is not None
    assert state.finished.status is End.DONE


@pytest.mark.slow
def test_more_epochs_of_a_run_that_is_done_are_those_of_a_longer_run(
    make: Callable[..., Path], state_of: Callable[[Path], RunState]
) -> None:
    longer, run_dir = make(epochs=6), make(epochs=4)
    go(longer)
    go(run_dir)
    amend_info(run_dir, goes_on=True, epochs=6)
    go(run_dir)
    assert differences(end_of(longer), end_of(run_dir)) == []
    state = state_of(run_dir)
    assert (state.epochs, state.epochs_done) == (6, 6)
    assert read_info(run_dir).epochs == 0


@pytest.mark.slow
def test_a_damaged_snapshot_is_refused_and_the_one_before_is_used(
    make: Callable[..., Path], state_of: Callable[[Path], RunState]
) -> None:
    whole, died = make(), make()
    go(whole)
    go(died, until=Position(2, 4))
    (_, before), (_, newest) = numbered(died)[-2:]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    go(died)
    state = state_of(died)
    resumed = state.resumed[0]
    assert (resumed.snapshot, Position(resumed.epoch, resumed.step)) == (before.name, position_of(before))
    assert resumed.refused == (f"{newest.name}: it is damaged: it does not hold what was written",)
    assert any(newest.name in note.text for note in state.notes)
    assert differences(end_of(whole), end_of(died)) == []


@pytest.mark.slow
def test_snapshots_of_another_model_are_refused(
    make: Callable[..., Path], state_of: Callable[[Path], RunState]
) -> None:
    run_dir = make(epochs=2)
    go(run_dir, until=Position(1, 2))
    path = run_dir / EXPERIMENT
    path.write_text(path.read_text().replace("rate: 0.4", "rate: 0.3"))
    go(run_dir)
    resumed = state_of(run_dir).resumed[0]
    assert (resumed.snapshot, resumed.epoch, resumed.step) == ("", 0, 0)
    assert all("of another experiment" in reason for reason in resumed.refused)
    assert state_of(run_dir).epochs_done == 2


def test_data_that_has_changed_is_refused(make: Callable[..., Path], tmp_path: Path) -> None:
    random_numbers = np.random.default_rng(1)
    x, y = random_numbers.normal(size=(300, 8)), random_numbers.integers(0, 10, 300)
    np.savez(tmp_path / "own.npz", image=x, digit=y)
    run_dir = make(epochs=2, source=str(tmp_path / "own.npz"), features=8)
    go(run_dir, until=Position(1, 2))
    x[17] += 1e-3
    np.savez(tmp_path / "own.npz", image=x, digit=y)
    with pytest.raises(KflabError, match="the data has changed"):
        go(run_dir)


@pytest.mark.slow
def test_early_stopping_ends_a_run_once_and_a_person_may_go_on(
    make: Callable[..., Path], state_of: Callable[[Path], RunState]
) -> None:
    run_dir = make(epochs=60)
    path = run_dir / EXPERIMENT
    path.write_text(path.read_text().replace("patience: 4", "patience: 1, min_delta: 5"))
    go(run_dir)
    ended = state_of(run_dir).epochs_done
    assert ended == 2
    events = run_dir / "events.jsonl"
    kept = [line for line in events.read_bytes().splitlines() if b'"finished"' not in line]
    events.write_bytes(b"\n".join(kept) + b"\n")
    go(run_dir)  # It had died right before its end: there is nothing left to train.
    assert state_of(run_dir).epochs_done == ended
    amend_info(run_dir, goes_on=True)
    go(run_dir)
    assert state_of(run_dir).epochs_done == ended + 1


def ask_in_an_evaluation(run_dir: Path, *asked: Request) -> Callable[[Loop], object]:
    """Asks for an evaluation after a few steps of the second epoch, and for more in its midst."""
    left: list[Request] = [Evaluate(), *asked]

    def also(loop: Loop) -> None:
        if not left or loop.position < Position(1, 4):
            return
        if isinstance(left[0], Evaluate) or (loop.is_validating and loop.position.step < loop.steps):
            ask(run_dir, left.pop(0))

    return also


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has requests looked for after every group of steps."""
    monkeypatch.setattr(requests, "LOOK_SECONDS", 0.0)


@pytest.mark.usefixtures("at_once")
def test_a_stop_is_heeded_within_an_evaluation_and_nothing_is_lost(
    make: Callable[..., Path], state_of: Callable[[Path], RunState]
) -> None:
    whole, stopped = make(data=MANY), make(data=MANY)
    go(whole)
    go(stopped, also=ask_in_an_evaluation(stopped, Stop()))
    state = state_of(stopped)
    assert state.finished is not None
    assert (state.finished.status, state.epochs_done) == (End.STOPPED, 1)
    assert [(made.request, made.refused) for made in state.steered] == [
        ("stop", ""),
        ("evaluate", "the training was stopped before it was done"),
    ]
    assert position_of(numbered(stopped)[-1][1]) == Position(1, state.steered[0].step)
    start_requests_over(stopped)
    amend_info(stopped, goes_on=True)
    go(stopped)
    assert differences(end_of(whole), end_of(stopped)) == []


@pytest.mark.usefixtures("at_once")
def test_all_else_is_answered_within_an_evaluation_too(
    make: Callable[..., Path], state_of: Callable[[Path], RunState]
) -> None:
    asked: list[Request] = [TakeSnapshot(), SetRate(factor=1.0), Pause(), GoOn()]
    whole, steered = make(data=MANY), make(data=MANY)
    go(whole)
    # To go on is asked for in the pause, where no steps are made.
    pausing = Steering._wait
    with pytest.MonkeyPatch.context() as patch:

        def wait(self: Steering, loop: Loop) -> None:
            ask(steered, asked[-1])
            pausing(self, loop)

        patch.setattr(Steering, "_wait", wait)
        go(steered, also=ask_in_an_evaluation(steered, *asked[:-1]))
    made = state_of(steered).steered
    assert [one.request for one in made] == ["rate", "pause", "snapshot", "go_on", "evaluate"]
    assert [one.refused for one in made] == [""] * len(made)
    assert len({(one.epoch, one.step) for one in made}) == 1
    assert differences(end_of(whole), end_of(steered)) == []


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["digits_mlp"])
def test_killed_processes_lose_nothing(preset: str, tmp_path: Path) -> None:
    row = kill_and_compare(preset, VARIANTS[preset], tmp_path, "tensorflow", 2, random.Random(4))
    assert (row.kills, row.lost, row.differences) == (2, 0, [])
