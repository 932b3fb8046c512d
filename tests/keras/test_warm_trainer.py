"""A trainer that has Keras loaded and waits: what it makes of a run is what a cold start makes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from kflab import document
from kflab.runs import warm, warm_keeping
from kflab.runs.control import kill
from kflab.runs.history import RunState
from kflab.runs.info import CONSOLE, EXPERIMENT, FINAL, read_info
from kflab.runs.launch import launch
from kflab.runs.status import Status, status
from kflab.runs.warm_keeping import WarmKeeper
from kflab.train.journal import Journal
from kflab.train.run import train

TRAINING = "{loss: SparseCategoricalCrossentropy, metrics: [accuracy], epochs: 2, plan: {jit_compile: false}}"


def wait_until(told: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[WarmKeeper]:
    monkeypatch.setattr(warm, "PATIENCE", 60.0)
    monkeypatch.setattr(warm_keeping, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(warm_keeping, "PATIENCE", 0.0)
    # After the first, no other is started.
    wanted = [True]
    made = WarmKeeper("tensorflow", is_wanted=lambda: bool(wanted) and wanted.pop(), memory=lambda: 10**10)
    yield made
    made.close()


def test_a_run_that_was_handed_over_is_the_run_of_a_cold_start(
    make_run: Callable[..., Path], state_of: Callable[[Path], RunState], keeper: WarmKeeper
) -> None:
    handed, cold = make_run(TRAINING), make_run(TRAINING)
    keeper.start()
    wait_until(lambda: keeper.is_ready)
    assert keeper._trainer is not None
    assert keeper._trainer.loaded is not None
    assert keeper._trainer.loaded["keras"] == keras.__version__
    pid = keeper._trainer.process.pid
    try:
        assert launch(handed, {"CUDA_VISIBLE_DEVICES": "-1"}, warm=keeper) == pid
        keeper.close()
        journal = Journal(cold)
        train(cold, read_info(cold), document.read(cold / EXPERIMENT), journal)
        journal.close()
        wait_until(lambda: status(handed).is_over)
    finally:
        kill(handed)
    assert status(handed) is Status.DONE, (handed / CONSOLE).read_text()
    assert state_of(handed).pid == pid
    assert read_info(handed).keras == keras.__version__
    assert state_of(handed).logs == state_of(cold).logs
    assert state_of(handed).test == state_of(cold).test != {}
    models = [keras.saving.load_model(run / FINAL) for run in (handed, cold)]
    for ours, theirs in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(ours, theirs)
