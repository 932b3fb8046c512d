"""A trainer that is asked for everything in turn, and what it answers."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import msgspec
import numpy as np
import psutil
import pytest

from kflab.runs.answers import ask_and_wait
from kflab.runs.control import (
    Evaluate,
    GoOn,
    Pause,
    Request,
    SetEpochs,
    SetRate,
    Stop,
    TakeSnapshot,
    ask,
    kill,
)
from kflab.runs.events import Steered
from kflab.runs.folder import create
from kflab.runs.follow import Follow
from kflab.runs.info import CONSOLE, CONTROL, EVENTS, FINAL, amend_info, read_info
from kflab.runs.launch import launch
from kflab.runs.listing import summarize
from kflab.runs.status import Status, status

DIGITS = """
kflab: 1
data: {{source: digits, validation: {validation}}}
model:
  nodes:
    image:  {{Input: {{shape: [64]}}}}
    hidden: {{Dense: {{units: 32, activation: relu}}, from: image}}
    digit:  {{Dense: {{units: 10, activation: softmax}}, from: hidden}}
  outputs: [digit]
training:
  optimizer: {{SGD: {{learning_rate: {rate}}}}}
  loss: SparseCategoricalCrossentropy
  metrics: [accuracy]
  epochs: 100000
  callbacks: {{{callbacks}}}
"""


class Asked:
    """A run at work, and asking it."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.follow = Follow(run_dir)

    def wait(self, told: Callable[[Follow], bool], seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while True:
            self.follow.poll()
            if not self.follow.is_behind and told(self.follow):
                return
            assert time.monotonic() < end, (self.run_dir / CONSOLE).read_text()
            time.sleep(0.02)

    def ask(self, request: Request) -> Steered:
        answer = ask_and_wait(self.run_dir, request, 60)
        assert answer.steered is not None, answer
        assert answer.steered.id == answer.asked.id
        return answer.steered


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Asked]]:
    made: list[Path] = []

    def started(*, validation: float = 0.1, rate: str = "0.1", callbacks: str = "") -> Asked:
        text = DIGITS.format(validation=validation, rate=rate, callbacks=callbacks)
        run_dir = create(text, "steered", tmp_path, seed=3, backend="tensorflow")
        made.append(run_dir)
        launch(run_dir)
        return Asked(run_dir)

    yield started
    for run_dir in made:
        kill(run_dir)


def test_all_that_can_be_asked_is_answered_and_recorded(start: Callable[..., Asked]) -> None:
    run = start(callbacks="ReduceLROnPlateau: {patience: 100000}")
    run.wait(lambda run: run.state.epochs_done >= 2)

    paused, first = run.ask(Pause()), run.ask(Evaluate())
    while first.refused or "without a snapshot" in paused.text:  # it was in the middle of a validation
        assert not first.refused or "validation" in first.refused
        run.ask(GoOn())
        paused, first = run.ask(Pause()), run.ask(Evaluate())
    assert "paused after" in paused.text
    assert status(run.run_dir) is Status.PAUSED
    _nothing_is_done_meanwhile(run)

    again = run.ask(Evaluate())
    assert first.logs.keys() == {"loss", "accuracy"}
    assert first.logs == again.logs

    rate = run.ask(SetRate(value=0.25))
    assert (rate.before, rate.value) == (0.1, 0.25)
    assert "ReduceLROnPlateau goes on from it" in rate.text
    assert run.ask(SetRate(factor=0.5)).value == 0.125
    assert "in 32 bits" in run.ask(SetRate(value=1e-60)).refused
    assert "snapshot taken" in run.ask(TakeSnapshot()).text
    assert run.ask(SetEpochs(more=5)).value == 100_005
    assert "already" in run.ask(Pause()).text

    with (run.run_dir / CONTROL).open("ab") as file:
        file.write(b'{"request":"dance","id":"odd"}\n')
    run.wait(lambda run: any(made.id == "odd" for made in run.state.steered))
    assert "no request" in run.follow.state.steered[-1].refused

    since = [made for made in run.follow.state.steered if made.time >= paused.time]
    assert {(made.epoch, made.step) for made in since} == {(paused.epoch, paused.step)}

    went_on = run.ask(GoOn())
    assert "goes on" in went_on.text
    assert run.ask(GoOn()).refused == "it is not paused"
    run.wait(lambda run: run.state.epochs_done > paused.epoch + 1)
    assert run.follow.state.learning_rate.last == 0.125
    assert run.follow.state.epochs == 100_005
    assert run.follow.state.epoch_seconds[paused.epoch + 1] < went_on.time - paused.time

    last = run.ask(SetEpochs(total=1))
    assert last.value is not None
    run.wait(lambda run: run.state.finished is not None)
    assert run.follow.state.epochs_done == last.value
    row = summarize(run.run_dir)
    assert (row.status, row.epoch, row.epochs) == (Status.DONE, last.value, last.value)


def _nothing_is_done_meanwhile(run: Asked) -> None:
    process = read_info(run.run_dir).process
    assert process is not None
    trainer = psutil.Process(process.pid)
    before, begin = sum(trainer.cpu_times()[:2]), time.monotonic()
    run.wait(lambda _: time.monotonic() - begin > 1.0)
    assert sum(trainer.cpu_times()[:2]) - before < 0.3
    assert run.follow.state.is_paused


@pytest.mark.slow
def test_what_can_not_be_done_is_refused_with_the_reason(start: Callable[..., Asked]) -> None:
    run = start(validation=0, rate="{CosineDecay: {initial_learning_rate: 0.1, decay_steps: 9000000}}")
    run.wait(lambda run: run.state.epochs_done >= 1)
    assert "has a schedule" in run.ask(SetRate(value=0.1)).refused
    assert "test split" in run.ask(Evaluate()).text
    stop = run.ask(Stop(after="epoch"))
    assert stop.value is not None
    run.wait(lambda run: run.state.finished is not None)
    assert run.follow.state.epochs_done == stop.value
    assert status(run.run_dir) is Status.STOPPED
    assert (run.run_dir / FINAL).exists()


@pytest.mark.slow
def test_a_paused_run_heeds_sigterm(start: Callable[..., Asked]) -> None:
    run = start()
    ask(run.run_dir, Pause())
    run.wait(lambda run: run.state.is_paused)
    process = read_info(run.run_dir).process
    assert process is not None
    os.kill(process.pid, signal.SIGTERM)
    run.wait(lambda run: run.state.finished is not None)
    assert status(run.run_dir) is Status.STOPPED
    assert [made.request for made in run.follow.state.steered] == ["pause", "stop"]
    times = [made.time for made in run.follow.state.steered]
    assert all(later >= before for before, later in itertools.pairwise(times))


@pytest.mark.slow
def test_a_run_that_goes_on_from_before_a_change_makes_it_again_at_the_very_same_step(
    start: Callable[..., Asked],
) -> None:
    run = start()
    run.wait(lambda run: run.state.snapshot is not None and run.state.epochs_done >= 2)
    # What a kill at this moment would leave.
    copy = run.run_dir.parent.parent / "copies" / run.run_dir.name
    shutil.copytree(run.run_dir, copy)
    rate = run.ask(SetRate(factor=0.7))
    end = run.ask(SetEpochs(total=1))
    run.wait(lambda run: run.state.finished is not None)

    with (copy / EVENTS).open("ab") as file:
        for answer in (rate, end):
            file.write(msgspec.json.encode(answer) + b"\n")
    amend_info(copy, process=None)
    launch(copy)
    again = Asked(copy)
    again.wait(lambda run: run.state.finished is not None)
    kill(copy)
    assert again.follow.state.resumed
    assert [answer.id for answer in again.follow.state.steered] == [rate.id, end.id]
    assert again.follow.state.epochs_done == run.follow.state.epochs_done
    first, second = (keras.saving.load_model(path / FINAL) for path in (run.run_dir, copy))
    for before, after in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(before.numpy(), after.numpy())
