"""Optimizers, losses, metrics and schedules as a document names them, trained in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from kflab import catalog, document
from kflab.catalog import Kind
from kflab.errors import KflabError
from kflab.runs.control import ask_stop
from kflab.runs.events import End
from kflab.runs.history import RunState
from kflab.runs.info import EXPERIMENT, FINAL, read_info
from kflab.runs.requests import Asked
from kflab.train.causes import cause_of
from kflab.train.journal import Journal
from kflab.train.run import Outcome, train

Make = Callable[..., Path]
Train = Callable[[Path], Outcome]
StateOf = Callable[[Path], RunState]

LOSS = "loss: SparseCategoricalCrossentropy"


@pytest.fixture
def train_here() -> Iterator[Train]:
    journals = []

    def run(run_dir: Path) -> Outcome:
        journals.append(Journal(run_dir))
        return train(run_dir, read_info(run_dir), document.read(run_dir / EXPERIMENT), journals[-1])

    yield run
    for journal in journals:
        journal.close()


def weights(run_dir: Path) -> list[np.ndarray]:
    return keras.saving.load_model(run_dir / FINAL).get_weights()


INNER = {"LossScaleOptimizer": "{inner_optimizer: SGD}"}


@pytest.mark.parametrize("name", catalog.load().names(Kind.OPTIMIZER))
def test_every_optimizer_trains(make_run: Make, train_here: Train, state_of: StateOf, name: str) -> None:
    optimizer = f"{{{name}: {INNER.get(name, '{}')}}}"
    run_dir = make_run(f"{{{LOSS}, optimizer: {optimizer}, epochs: 1, batch_size: 64}}")
    outcome = train_here(run_dir)
    assert outcome.status is End.DONE
    assert outcome.epochs == 1
    assert outcome.test["loss"] is not None
    assert state_of(run_dir).learning_rate.last is not None


@pytest.mark.parametrize("name", catalog.load().names(Kind.SCHEDULE))
def test_every_schedule_moves_the_rate(
    make_run: Make, train_here: Train, state_of: StateOf, name: str
) -> None:
    arguments = {
        "CosineDecay": "{initial_learning_rate: 0.1, decay_steps: 4}",
        "CosineDecayRestarts": "{initial_learning_rate: 0.1, first_decay_steps: 40}",
        "ExponentialDecay": "{initial_learning_rate: 0.1, decay_steps: 4, decay_rate: 0.5}",
        "InverseTimeDecay": "{initial_learning_rate: 0.1, decay_steps: 4, decay_rate: 0.5}",
        "PiecewiseConstantDecay": "{boundaries: [2], values: [0.1, 0.01]}",
        "PolynomialDecay": "{initial_learning_rate: 0.1, decay_steps: 4}",
    }[name]
    schedule = f"{{{name}: {arguments}}}"
    run_dir = make_run(f"{{{LOSS}, optimizer: {{SGD: {{learning_rate: {schedule}}}}}, epochs: 3}}")
    train_here(run_dir)
    rates = list(state_of(run_dir).learning_rate.ys)
    assert rates[-1] < 0.1
    assert rates == sorted(rates, reverse=True)


TICKETS = """
kflab: 1
data: {source: wine}
model:
  nodes:
    x: {Input: {shape: [13]}}
    hidden: {Dense: {units: 8, activation: relu}, from: x}
    kind: {Dense: {units: 3, activation: softmax}, from: hidden}
    again: {Dense: {units: 13}, from: hidden}
    unused: {Dense: {units: 2}, from: hidden}
  outputs: [kind, again, unused]
training:
  loss: {kind: SparseCategoricalCrossentropy, again: mse}
  loss_weights: {kind: 2.0, again: 0.5}
  metrics: {kind: [accuracy], again: [mae, {MeanSquaredError: {name: squared}}]}
  batch_size: 64  # one step for the test split: Keras averages the outputs' losses over steps, not samples
  epochs: 2
"""


def test_each_output_has_its_own_loss_weight_and_metrics(
    make_run: Make, train_here: Train, state_of: StateOf
) -> None:
    text = TICKETS.replace(
        "source: wine", "source: wine, scale: standard, targets: {again: features, kind: cultivar}"
    )
    run_dir = make_run(text=text)
    outcome = train_here(run_dir)
    test = outcome.test
    assert test.keys() == {"loss", "kind_loss", "again_loss", "kind_accuracy", "again_mae", "again_squared"}
    assert test["loss"] == pytest.approx(2.0 * test["kind_loss"] + 0.5 * test["again_loss"], rel=1e-4)
    assert state_of(run_dir).metric_names == (
        "loss", "kind_loss", "kind_accuracy", "again_loss", "again_mae", "again_squared",
    )  # fmt: skip


def test_the_same_seed_gives_the_same_weights(make_run: Make, train_here: Train) -> None:
    runs = [make_run(f"{{{LOSS}, epochs: 2, batch_size: 16}}", seed=seed) for seed in (5, 5, 6)]
    for run_dir in runs:
        train_here(run_dir)
    first, second, other = (weights(run_dir) for run_dir in runs)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_the_seed_of_the_document_counts_where_none_was_given(make_run: Make, train_here: Train) -> None:
    run_dir = make_run(f"{{{LOSS}, epochs: 1, seed: 11}}", seed=None)
    train_here(run_dir)
    assert read_info(run_dir).seed == 11


@pytest.mark.parametrize(
    ("data", "batch_size", "steps"),
    [
        ("iris, validation: 0", 32, 4),
        ("iris", 10_000, 1),
        ("iris, limit: 1, validation: 0", 8, 1),
    ],
)
def test_odd_sizes_of_data(
    make_run: Make, train_here: Train, state_of: StateOf, data: str, batch_size: int, steps: int
) -> None:
    run_dir = make_run(f"{{{LOSS}, epochs: 2, batch_size: {batch_size}}}", data=data)
    assert train_here(run_dir).epochs == 2
    prepared = state_of(run_dir).prepared
    assert prepared is not None
    assert prepared.steps == steps
    assert (run_dir / "best.keras").exists()


def test_a_stop_is_heeded_between_two_steps(make_run: Make, train_here: Train, state_of: StateOf) -> None:
    run_dir = make_run(f"{{{LOSS}, epochs: 100000, batch_size: 1}}")
    requests = Journal.requests
    seen = 0

    def ask_after_a_while(journal: Journal) -> list[Asked]:
        nonlocal seen
        seen += 1
        if seen == 6:
            ask_stop(run_dir)
        return requests(journal)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "requests", ask_after_a_while)
        outcome = train_here(run_dir)
    assert outcome.status is End.STOPPED
    assert outcome.epochs == state_of(run_dir).epochs_done < 100000
    assert (run_dir / FINAL).exists()


def test_a_model_without_any_loss_is_refused(make_run: Make, train_here: Train) -> None:
    with pytest.raises(KflabError, match=r"training\.loss: there is no loss"):
        train_here(make_run("{epochs: 1}"))


class TestCauses:
    def test_a_target_that_does_not_fit_is_named(self, make_run: Make, train_here: Train) -> None:
        run_dir = make_run("{loss: CategoricalCrossentropy, epochs: 1}")
        with pytest.raises(KflabError, match=r"y: .* expects one-hot targets"):
            train_here(run_dir)

    def test_what_fails_in_a_step_is_told_in_one_line(self, make_run: Make, train_here: Train) -> None:
        run_dir = make_run("{loss: CTC, epochs: 1}")
        with pytest.raises(Exception, match=r"max_length") as raised:
            train_here(run_dir)
        cause = cause_of(raised.value)
        assert "(batch_size, max_length)" in cause
        assert len(cause) <= 300
        assert "\n" not in cause

    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (KflabError("model.nodes.x: expected this"), "model.nodes.x: expected this"),
            (MemoryError(), "out of memory: use a smaller batch size or a smaller model"),
            (
                RuntimeError("RESOURCE_EXHAUSTED: OOM when allocating"),
                "out of memory: use a smaller batch size",
            ),
            (ModuleNotFoundError("No module named 'jax'", name="jax"), "the Python package 'jax' is needed"),
            (KeyError("val_loss"), "KeyError: 'val_loss'"),
            (ValueError(""), "ValueError"),
            (ValueError("first\n  second"), "first"),
            (
                RuntimeError(
                    "Graph execution error:\n\nDetected at node gather defined at (most recent call last):\n"
                    '  File "a.py", line 1, in f\n\n'
                    "indices[0] = 12 is not in [0, 10)\n\t [[{{node gather}}]] [Op:x]"
                ),
                "indices[0] = 12 is not in [0, 10)",
            ),
            (
                ValueError(
                    "Exception encountered when calling Embedding.call().\n\n"
                    "\x1b[1mids are too large\x1b[0m\n\n"
                    "Arguments received by Embedding.call():\n  • inputs=x"
                ),
                "in Embedding.call(): ids are too large",
            ),
            (ValueError("x" * 1000), "x" * 299 + "…"),
        ],
    )
    def test_one_line_of_what_keras_says(self, error: Exception, expected: str) -> None:
        assert cause_of(error).startswith(expected)
        assert len(cause_of(error)) <= 300
