from __future__ import annotations

import itertools
import math

import pytest

from kflab.runs.events import (
    Batch,
    End,
    Epoch,
    Evaluated,
    Event,
    Finished,
    Loading,
    Logs,
    Noted,
    Prepared,
    Started,
)
from kflab.runs.history import Best, RunState
from kflab.runs.names import higher_is_better, in_order
from kflab.runs.pace import Pace
from kflab.runs.series import Series


def prepared(
    epochs: int = 4, steps: int = 10, outputs: tuple[str, ...] = ("digit",), time: float = 0.0
) -> Prepared:
    return Prepared(time, epochs, steps, 32, 320, 32, 64, 1234, outputs)


def batch(epoch: int, step: int, loss: float | None, *, time: float = 0.0, rate: float = 0.1) -> Batch:
    return Batch(time, epoch, step, 10, {"loss": loss}, rate)


def epoch(
    number: int, *, time: float = 0.0, seconds: float = 1.0, rate: float = 0.1, **logs: float | None
) -> Epoch:
    return Epoch(time, number, seconds, logs, rate)


def fold(*events: Event) -> RunState:
    state = RunState()
    state.apply_all(events)
    return state


def test_phases_follow_the_events() -> None:
    state = RunState()
    seen = [state.phase]
    for event in (
        Started(1.0, 42),
        Loading(2.0, "mnist", 10, 100),
        prepared(),
        batch(1, 1, 2.0),
        epoch(1, loss=1.0),
        Finished(9.0, End.DONE, {"loss": 0.5}, 8.0, "", 1),
    ):
        state.apply(event)
        seen.append(state.phase)
    assert [str(phase) for phase in seen] == [
        "waiting", "starting", "loading", "training", "training", "training", "finished",
    ]  # fmt: skip
    assert state.pid == 42
    assert state.loading is None


def test_curves_hold_training_validation_and_batches() -> None:
    state = fold(
        prepared(),
        batch(1, 5, 3.0),
        epoch(1, loss=2.0, val_loss=2.5),
        batch(2, 5, 1.5),
        epoch(2, loss=1.0, val_loss=1.2),
    )
    curve = state.curves["loss"]
    assert (list(curve.training.xs), list(curve.training.ys)) == ([1, 2], [2.0, 1.0])
    assert list(curve.validation.ys) == [2.5, 1.2]
    assert (list(curve.batches.xs), list(curve.batches.ys)) == ([0.5, 1.5], [3.0, 1.5])
    assert state.logs == {"loss": 1.0, "val_loss": 1.2}


def test_best_knows_the_better_direction_and_skips_nan() -> None:
    state = fold(
        prepared(),
        epoch(1, loss=None, accuracy=0.5, val_loss=0.9, odd=1.0),
        epoch(2, loss=1.0, accuracy=0.9, val_loss=0.7, odd=2.0),
        epoch(3, loss=2.0, accuracy=0.8, val_loss=0.8, odd=0.5),
    )
    assert state.best == {"loss": Best(1.0, 2), "accuracy": Best(0.9, 2), "val_loss": Best(0.7, 2)}


def test_progress_counts_steps_of_the_epoch_at_work() -> None:
    state = fold(prepared(epochs=4), epoch(1, loss=1.0), batch(2, 5, 1.0))
    assert state.progress == pytest.approx(1.5 / 4)
    assert (state.epoch, state.epochs_done, state.step) == (2, 1, 5)
    state.apply_all([epoch(number, loss=1.0) for number in (2, 3, 4)])
    assert state.progress == 1.0
    assert state.epoch == 4


def test_learning_rate_is_one_rising_series() -> None:
    state = fold(
        prepared(), batch(1, 5, 1.0, rate=0.1), epoch(1, rate=0.1, loss=1.0), epoch(2, rate=0.05, loss=1.0)
    )
    assert (list(state.learning_rate.xs), list(state.learning_rate.ys)) == ([0.5, 1, 2], [0.1, 0.1, 0.05])


def test_test_logs_come_from_the_evaluation() -> None:
    logs: Logs = {"loss": 0.5, "accuracy": 0.9}
    assert fold(prepared(), Evaluated(1.0, logs)).test == logs
    assert fold(prepared(), Evaluated(1.0, logs), Finished(2.0, End.DONE)).test == logs


def test_notes_are_bounded() -> None:
    state = fold(*(Noted(float(index), str(index)) for index in range(3000)))
    assert (len(state.notes), state.notes[-1].text) == (1000, "2999")


def test_a_run_started_again_replaces_what_it_does_again() -> None:
    state = fold(
        Started(0.0, 1),
        prepared(),
        *(
            event
            for n in (1, 2, 3)
            for event in (batch(n, 5, 1.0 / n), epoch(n, loss=1.0 / n, val_loss=1.0 / n))
        ),
        Started(50.0, 2),
        prepared(),
        batch(2, 5, 0.8),
        epoch(2, loss=0.75, val_loss=0.75),
    )
    curve = state.curves["loss"]
    assert (list(curve.training.xs), list(curve.training.ys)) == ([1, 2], [1.0, 0.75])
    assert list(curve.batches.xs) == [0.5, 1.5]
    assert state.epochs_done == 2
    assert state.best["val_loss"] == Best(0.75, 2)
    assert state.pid == 2


def test_metric_names_keep_the_loss_first_and_outputs_apart() -> None:
    names = ["digit_accuracy", "loss", "mae", "digit_loss", "digit_0_loss", "digit_0_mae"]
    assert in_order(names, ("digit", "digit_0")) == (
        "loss", "mae", "digit_loss", "digit_accuracy", "digit_0_loss", "digit_0_mae",
    )  # fmt: skip


def test_a_lone_output_does_not_claim_a_metric_that_starts_like_it() -> None:
    assert in_order(["mean_absolute_error", "auc", "loss"], ("mean",)) == (
        "loss",
        "mean_absolute_error",
        "auc",
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loss", False), ("val_loss", False), ("digit_loss", False), ("accuracy", True),
        ("val_sparse_categorical_accuracy", True), ("auc", True), ("digit_auc_2", True), ("precision", True),
        ("f1_score", True), ("mean_io_u", True), ("r2_score", True), ("mae", False),
        ("root_mean_squared_error", False), ("kl_divergence", False), ("cosine_similarity", True),
        ("false_positives", False), ("my_own", None), ("learning_rate", None), ("accumulated", None),
    ],
)  # fmt: skip
def test_direction_comes_from_the_words_of_keras_names(name: str, expected: bool | None) -> None:
    assert higher_is_better(name) is expected


class TestSeries:
    def test_keeps_everything_below_its_limit(self) -> None:
        series = Series(100)
        for index in range(100):
            series.append(index, index)
        assert list(series.xs) == list(range(100))

    def test_stays_bounded_even_and_ordered(self) -> None:
        series = Series(1000)
        for index in range(1_000_00):
            series.append(index, float(index))
        xs = list(series.xs)
        assert 400 <= len(xs) <= 1000
        gaps = {right - left for left, right in itertools.pairwise(xs)}
        assert max(gaps) <= 2 * min(gaps)
        assert xs[-1] >= 99_000

    def test_a_gap_survives_thinning(self) -> None:
        series = Series(10)
        for index in range(200):
            series.append(index, None if index == 6 else 1.0)
        assert sum(math.isnan(y) for y in series.ys) == 1

    def test_last_is_none_for_nothing_and_for_a_gap(self) -> None:
        series = Series()
        assert series.last is None
        series.append(1, 2.0)
        assert series.last == 2.0
        series.append(2, None)
        assert series.last is None
        assert len(series) == 2


class TestPace:
    def test_unknown_before_the_first_steps(self) -> None:
        pace = Pace()
        assert pace.seconds_left(0.0) is None
        pace.prepared(0.0, 10, 100)
        assert pace.seconds_left(0.0) is None
        pace.batch(1.0, 1, 1)
        assert pace.seconds_left(1.0) is None

    def test_first_epoch_goes_by_the_steps_of_the_last_seconds(self) -> None:
        pace = Pace()
        pace.prepared(0.0, 10, 100)
        for step in range(1, 51):
            # The first step traces and compiles for 8 s; then a step takes 0.1 s.
            pace.batch(8.0 + step * 0.1, 1, step)
        assert pace.steps_per_second == pytest.approx(10.0)
        assert pace.seconds_left(13.0) == pytest.approx(950 / 10, rel=0.02)

    def test_later_epochs_count_validation_and_forget_the_first(self) -> None:
        pace = Pace()
        pace.prepared(0.0, 10, 100)
        start = 0.0
        for number, seconds in ((1, 60.0), (2, 12.0), (3, 12.0)):
            for step in (25, 50, 75, 100):
                pace.batch(start + step * 0.1, number, step)
            start += seconds
            pace.epoch(start, number, seconds)
        # Ten seconds of steps and two of validation an epoch; seven epochs are left.
        assert pace.seconds_left(start) == pytest.approx(7 * 12, rel=0.01)
        pace.batch(start + 5.0, 4, 50)
        assert pace.seconds_left(start + 5.0) == pytest.approx(7 * 12 - 5, rel=0.01)
        assert pace.seconds_left(start + 6.0) == pytest.approx(7 * 12 - 6, rel=0.01)

    def test_nothing_is_left_after_the_last_epoch(self) -> None:
        pace = Pace()
        pace.prepared(0.0, 1, 10)
        pace.epoch(5.0, 1, 5.0)
        assert pace.seconds_left(6.0) == 0.0
        assert pace.steps_per_second == pytest.approx(2.0)
