"""What is told of a run that was gone on with, and whether it can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from kflab.runs.events import Batch, End, Epoch, Finished, Noted, Prepared, Resumed, Started
from kflab.runs.folder import create
from kflab.runs.history import RunState
from kflab.runs.info import EVENTS
from kflab.runs.lines import LineWriter
from kflab.runs.resuming import refusal
from kflab.runs.status import Status, outline

PREPARED = Prepared(1.0, 4, 10, 32, 320, 0, 0, 100)
EVENTS_OF_TWO = [
    Started(0.0, 1),
    PREPARED,
    *(Epoch(10.0 * epoch, epoch, 9.0, {"loss": 1 / epoch}) for epoch in (1, 2, 3)),
    Noted(30.0, "of epoch 3"),
    Finished(31.0, End.STOPPED, {"loss": 9.0}, 31.0, epochs=3),
    Started(100.0, 2),
    PREPARED,
    Resumed(105.0, 2, 5, "000002-2-5-abc.npz", epochs=6, logs={"loss": 0.5}, seconds=31.0),
]


def test_what_is_done_again_is_told_once() -> None:
    state = RunState()
    state.apply_all(EVENTS_OF_TWO)
    assert (state.epochs_done, state.step, state.epochs) == (2, 5, 6)
    assert (state.logs, state.best["loss"].epoch, list(state.epoch_seconds)) == ({"loss": 0.5}, 2, [1, 2])
    assert (state.test, state.notes, state.finished) == ({}, [], None)
    assert state.seconds(107.0) == pytest.approx(31 + 7)
    left = state.seconds_left(105.0)
    assert left is not None
    assert left == pytest.approx(3.5 * 9, rel=0.2)


def test_an_outline_goes_back_with_the_run_however_long_it_is(tmp_path: Path) -> None:
    run_dir = create("model: {}", "test", tmp_path, seed=1, backend="tensorflow")
    with LineWriter(run_dir / EVENTS) as events:
        for event in EVENTS_OF_TWO:
            events.write(event)
        for step in range(2_000):
            events.write(Batch(106.0 + step, 3, 5, 10, {"loss": 0.123456789}))
    seen = outline(run_dir)
    assert seen.epoch is not None
    assert (seen.epoch.epoch, seen.epoch.logs, seen.finished) == (2, {"loss": 0.5}, None)
    assert seen.prepared is not None
    assert seen.prepared.epochs == 6


@pytest.mark.parametrize(
    ("status", "epochs", "says"),
    [
        (Status.RUNNING, None, "is running already"),
        (Status.CREATED, None, "never started"),
        (Status.QUEUED, None, "waits in the queue"),
        (Status.DONE, None, "all of its 4 epochs"),
        (Status.DONE, 4, "more epochs than the 4"),
        (Status.DONE, 5, ""),
        (Status.STOPPED, None, ""),
    ],
)
def test_why_a_run_can_not_be_gone_on_with(
    tmp_path: Path, status: Status, epochs: int | None, says: str
) -> None:
    run_dir = create("model: {}", "test", tmp_path, seed=1, backend="tensorflow")
    with LineWriter(run_dir / EVENTS) as events:
        events.write(PREPARED)
    seen = outline(run_dir)
    assert (
        "no snapshot" in refusal(run_dir, Status.FAILED, seen),
        refusal(run_dir, Status.CRASHED, seen),
    ) == (
        True,
        "",
    )
    (run_dir / "snapshots").mkdir()
    (run_dir / "snapshots" / "000001-4-0-0123456789abcdef.npz").touch()
    said = refusal(run_dir, status, seen, epochs)
    assert says in said if says else said == ""
