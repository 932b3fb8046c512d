"""The callbacks that a document names: they work, say what they did, and stay inside the run folder."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from kflab import document
from kflab.errors import KflabError, UnusableInputError
from kflab.runs.follow import Follow
from kflab.runs.history import RunState
from kflab.runs.info import EXPERIMENT, read_info
from kflab.runs.places import place_in
from kflab.train import callbacks as made
from kflab.train.events_callback import Callbacks, Recorder
from kflab.train.failure import TrainingFailedError
from kflab.train.journal import Journal
from kflab.train.notices import Notices
from kflab.train.run import Outcome, train
from kflab.train.saving import BestModel
from kflab.train.steppers.stepper import Made

Run = Callable[..., tuple[Path, Outcome, RunState]]


class Listener(keras.callbacks.Callback):
    """A callback that wants the logs of each step."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        assert logs == {"loss": 0.5}


class Counted:
    """A value that counts how often it is made a number, which a tensor has to come off its device for."""

    def __init__(self) -> None:
        self.conversions = 0

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        self.conversions += 1
        return np.array(0.5)


@pytest.fixture
def run(make_run: Callable[..., Path], state_of: Callable[[Path], RunState]) -> Iterator[Run]:
    """Trains a small classifier with callbacks given as YAML."""
    journals = []

    def train_with(
        callbacks: str, epochs: int = 3, optimizer: str = "SGD", data: str = "iris"
    ) -> tuple[Path, Outcome, RunState]:
        run_dir = make_run(
            f"{{loss: SparseCategoricalCrossentropy, metrics: [accuracy], epochs: {epochs}, "
            f"optimizer: {optimizer}, callbacks: {callbacks}}}",
            data=data,
        )
        journals.append(Journal(run_dir))
        outcome = train(run_dir, read_info(run_dir), document.read(run_dir / EXPERIMENT), journals[-1])
        return run_dir, outcome, state_of(run_dir)

    yield train_with
    for journal in journals:
        journal.close()


def texts(state: RunState) -> list[str]:
    return [note.text for note in state.notes]


def test_early_stopping_says_why_it_ended(run: Run) -> None:
    _, outcome, state = run(
        "{EarlyStopping: {patience: 2, min_delta: 100, restore_best_weights: true}}", epochs=50
    )
    assert outcome.epochs == 3
    assert texts(state) == [
        "EarlyStopping: val_loss was best in epoch 1; stopped after epoch 3; its weights are restored"
    ]


def test_reduce_on_plateau_lowers_the_rate_and_says_so(run: Run) -> None:
    _, _, state = run(
        "{ReduceLROnPlateau: {patience: 1, factor: 0.5, min_delta: 100}}",
        optimizer="{SGD: {learning_rate: 0.01}}",
    )
    assert texts(state)[0] == "ReduceLROnPlateau: learning rate 0.01 → 0.005 after epoch 2"
    assert state.learning_rate.last == pytest.approx(0.005)
    assert "learning_rate" not in state.curves


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("{0: 0.1, 2: 0.05}", [0.1, 0.1, 0.05]),
        (
            "{ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: 1, decay_rate: 0.5}}",
            [0.1, 0.05, 0.025],
        ),
    ],
)
def test_rates_come_from_a_table_or_a_named_schedule(run: Run, schedule: str, rates: list[float]) -> None:
    _, _, state = run(f"{{LearningRateScheduler: {{schedule: {schedule}}}}}")
    by_epoch = dict(zip(state.learning_rate.xs, state.learning_rate.ys, strict=True))
    assert [by_epoch[epoch] for epoch in (1, 2, 3)] == pytest.approx(rates)


def test_terminate_on_nan_fails_the_run_and_names_the_step(run: Run) -> None:
    with pytest.raises(TrainingFailedError, match=r"the loss became NaN in epoch \d+, step \d+"):
        run("{TerminateOnNaN: {}}", epochs=50, optimizer="{SGD: {learning_rate: 1e30}}")


def test_nan_is_noted_where_nothing_ends_the_run(run: Run) -> None:
    _, outcome, state = run("{}", optimizer="{SGD: {learning_rate: 1e30}}")
    assert outcome.epochs == 3
    assert len([text for text in texts(state) if text.startswith("the loss is nan")]) == 1
    assert state.curves["loss"].training.last is None


def test_csv_logger_writes_a_row_an_epoch(run: Run) -> None:
    run_dir, _, state = run("{CSVLogger: {filename: logs/history.csv}}")
    with (run_dir / "logs" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_loss"]) for row in rows] == pytest.approx(list(state.curves["loss"].validation.ys))


def test_model_checkpoint_names_files_by_epoch_and_leaves_the_best_to_kflab(run: Run) -> None:
    run_dir, _, _ = run("{ModelCheckpoint: {filepath: 'kept/{epoch:02d}.keras'}}")
    assert sorted(path.name for path in (run_dir / "kept").iterdir()) == ["01.keras", "02.keras", "03.keras"]
    assert (run_dir / "best.keras").exists()


def test_model_checkpoint_of_the_best_file_is_the_only_one_that_writes_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BestModel, "after_epoch", lambda *_: pytest.fail("written twice"))
    run_dir, _, _ = run("{ModelCheckpoint: {filepath: best.keras, save_best_only: true}}")
    assert (run_dir / "best.keras").exists()


def test_tensorboard_writes_into_the_run_folder(run: Run) -> None:
    run_dir, _, _ = run("{TensorBoard: {}}")
    assert list((run_dir / "tensorboard").rglob("events.out.tfevents.*"))


def test_backup_is_made_and_cleared_at_the_end(run: Run) -> None:
    run_dir, outcome, _ = run("{BackupAndRestore: {backup_dir: backup, delete_checkpoint: false}}")
    assert outcome.epochs == 3
    assert (run_dir / "backup" / "latest.weights.h5").exists()


def test_averaged_weights_are_swapped_in(run: Run) -> None:
    _, outcome, _ = run("{SwapEMAWeights: {swap_on_epoch: true}}", optimizer="{SGD: {use_ema: true}}")
    assert outcome.epochs == 3


def test_several_at_once_that_leave_out_where_to_write(run: Run) -> None:
    run_dir, outcome, _ = run(
        "{TerminateOnNaN: {}, ModelCheckpoint: {}, CSVLogger: {}, BackupAndRestore: {}}"
    )
    assert outcome.epochs == 3
    assert (run_dir / "history.csv").exists()
    assert keras.saving.load_model(run_dir / "best.keras").count_params() == 67


def test_a_missing_package_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "_is_installed", lambda _package: False)
    with pytest.raises(KflabError, match="TensorBoard needs the Python package tensorboard"):
        run("{TensorBoard: {}}")


def test_nothing_is_sent_to_other_machines(run: Run) -> None:
    with pytest.raises(KflabError, match="another machine"):
        run("{RemoteMonitor: {root: 'http://localhost:1'}}")


@pytest.mark.parametrize("given", ["/etc/cron.d/x", "../x.csv", "a/../../x", ".", "", " ", 3, None])
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, given: object) -> None:
    with pytest.raises(UnusableInputError, match="expected a path inside the run folder"):
        place_in(tmp_path, given, "training.callbacks.CSVLogger.filename")  # type: ignore[arg-type]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "link").symlink_to(tmp_path)
    with pytest.raises(UnusableInputError, match="inside the run folder"):
        place_in(tmp_path / "run", "link/x", "p")


@pytest.mark.parametrize("given", ["events.jsonl", "./run.json", "snapshots/x"])
def test_the_folders_own_files_are_not_overwritten(tmp_path: Path, given: str) -> None:
    with pytest.raises(UnusableInputError, match="the run folder's own"):
        place_in(tmp_path, given, "p")


@pytest.mark.parametrize("given", ["{epoch.__class__}.keras", "{0[x]}.keras", "{epoch"])
def test_only_plain_fields_are_filled_in(tmp_path: Path, given: str) -> None:
    with pytest.raises(UnusableInputError):
        place_in(tmp_path, given, "p")


class TestCost:
    """What a step costs while nothing is written."""

    @pytest.fixture
    def journal(self, tmp_path: Path) -> Iterator[Journal]:
        journal = Journal(tmp_path)
        yield journal
        journal.close()

    @pytest.mark.parametrize(
        ("others", "conversions"), [([], 3), ([keras.callbacks.EarlyStopping()], 3), ([Listener()], 100)]
    )
    def test_logs_are_converted_only_for_events_and_for_those_who_listen(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch, others: list[object], conversions: int
    ) -> None:
        clock = iter(index * 0.0025 for index in range(10_000))
        monkeypatch.setattr("kflab.train.events_callback.time.monotonic", lambda: next(clock))
        inputs = keras.Input((1,))
        model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        model.compile("sgd", "mse")
        model.stop_training = False
        recorder = Recorder(journal, steps=100, notices=Notices([]), best=None)
        callbacks = Callbacks(others, recorder, model=model, epochs=1, steps=100)
        callbacks.on_epoch_begin(0)
        logs = [Counted() for _ in range(100)]
        for step, value in enumerate(logs):
            callbacks.before_steps(step)
            callbacks.after_steps(step, Made({"loss": value}, value))
        assert sum(value.conversions > 0 for value in logs) == conversions
        follow = Follow(journal.run_dir)
        follow.poll()
        assert len(follow.state.curves["loss"].batches) == 3


class TestBestModel:
    @pytest.fixture
    def model(self) -> keras.Model:
        inputs = keras.Input((1,))
        return keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(inputs))

    def test_keeps_the_lowest_even_when_it_could_not_be_written_at_once(
        self, tmp_path: Path, model: keras.Model, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = iter([0.0, 0.0, 1.0, *([1.5] * 20)])
        monkeypatch.setattr("kflab.train.saving.time.monotonic", lambda: next(clock))
        best = BestModel(tmp_path / "best.keras", "loss")
        for value, loss in ((1.0, 0.9), (2.0, 0.3), (3.0, 0.5), (4.0, float("nan"))):
            model.layers[-1].kernel.assign([[value]])
            best.after_epoch(model, {"loss": loss})

        def saved() -> float:
            return float(keras.saving.load_model(tmp_path / "best.keras").layers[-1].kernel.numpy()[0, 0])

        assert saved() == 1.0
        best.finish(model)
        assert saved() == 2.0
        assert float(model.layers[-1].kernel.numpy()[0, 0]) == 4.0
        assert [path.name for path in tmp_path.iterdir()] == ["best.keras"]
