"""Training that starts from the weights of a file: by name, what is new starts fresh, or refused in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from kflab import document
from kflab.cli import run
from kflab.engine.build import build
from kflab.engine.weights import load_weights
from kflab.errors import KflabError, UnusableInputError
from kflab.runs.history import RunState
from kflab.runs.info import EXPERIMENT, FINAL, read_info
from kflab.train.journal import Journal
from kflab.train.run import Outcome, train

Make = Callable[..., Path]
Train = Callable[[Path], Outcome]

MODEL = """
kflab: 1
data: {{source: iris}}
model:
  nodes:
    x: {{Input: {{shape: [4]}}}}
    hidden: {{Dense: {{units: {hidden}, activation: relu}}, from: x}}
    inside: {{model: core, from: hidden}}
    {head}: {{Dense: {{units: 3, activation: softmax}}, from: inside}}
  outputs: [{head}]
models:
  core:
    nodes:
      i: {{Input: {{shape: [{hidden}]}}}}
      deep: {{Dense: {{units: 6}}, from: i}}
      norm: {{BatchNormalization: {{}}, from: deep}}
    outputs: [norm]
training:
  optimizer: {{SGD: {{learning_rate: 0.0}}}}
  loss: SparseCategoricalCrossentropy
  epochs: 1
  {more}
"""


def experiment_text(hidden: int = 8, head: str = "y", weights: str = "") -> str:
    more = f"initial_weights: {weights}" if weights else "batch_size: 32"
    return MODEL.format(hidden=hidden, head=head, more=more)


@pytest.fixture
def start(tmp_path: Path) -> keras.Model:
    """A model with weights of its own, in `start.weights.h5` and `start.keras`."""
    model = build(document.read_text(experiment_text()))
    for layer in (model.get_layer("hidden"), model.get_layer("core").get_layer("deep")):
        layer.set_weights([np.full(array.shape, 0.25) for array in layer.get_weights()])
    model.save_weights(tmp_path / "start.weights.h5")
    model.save(tmp_path / "start.keras")
    return model


@pytest.fixture
def train_here() -> Iterator[Train]:
    journals = []

    def run_it(run_dir: Path) -> Outcome:
        journals.append(Journal(run_dir))
        return train(run_dir, read_info(run_dir), document.read(run_dir / EXPERIMENT), journals[-1])

    yield run_it
    for journal in journals:
        journal.close()


def dense(model: keras.Model, name: str) -> np.ndarray:
    return model.get_layer(name).get_weights()[0]


@pytest.mark.parametrize("file", ["start.weights.h5", "start.keras"])
def test_a_run_starts_from_the_weights_of_a_file(
    file: str,
    tmp_path: Path,
    start: keras.Model,
    make_run: Make,
    train_here: Train,
    state_of: Callable[[Path], RunState],
) -> None:
    run_dir = make_run(text=experiment_text(weights=str(tmp_path / file)))
    train_here(run_dir)
    trained = keras.saving.load_model(run_dir / FINAL)
    for name in ("hidden", "y"):
        np.testing.assert_array_equal(dense(trained, name), dense(start, name))
    np.testing.assert_array_equal(dense(trained.get_layer("core"), "deep"), np.full((8, 6), 0.25, "float32"))
    notes = (run_dir / "events.jsonl").read_text()
    assert f"starts from {file}: the weights of 4 layers" in notes


def test_another_head_starts_fresh_and_is_told(
    tmp_path: Path, start: keras.Model, make_run: Make, train_here: Train
) -> None:
    run_dir = make_run(text=experiment_text(head="flower", weights=str(tmp_path / "start.weights.h5")))
    train_here(run_dir)
    trained = keras.saving.load_model(run_dir / FINAL)
    np.testing.assert_array_equal(dense(trained, "hidden"), dense(start, "hidden"))
    assert not np.array_equal(dense(trained, "flower"), dense(start, "y"))
    assert "the weights of 3 layers; flower starts fresh" in (run_dir / "events.jsonl").read_text()


def test_weights_that_do_not_fit_are_refused_with_layer_and_shapes(
    tmp_path: Path, start: keras.Model, make_run: Make, train_here: Train
) -> None:
    run_dir = make_run(text=experiment_text(hidden=9, weights=str(tmp_path / "start.weights.h5")))
    with pytest.raises(
        UnusableInputError, match=r"hidden has weights of the shapes 4×8, 8 there, and needs 4×9, 9"
    ):
        train_here(run_dir)


def test_a_file_that_is_missing_damaged_or_of_another_model_is_refused(
    tmp_path: Path, start: keras.Model, make_run: Make, train_here: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.yaml").write_text(experiment_text(weights="none.weights.h5"))
    assert run(["run", str(tmp_path / "mine.yaml")]) == 2
    assert f"there is no file {tmp_path / 'none.weights.h5'}" in capsys.readouterr().err
    with pytest.raises(KflabError, match="there is no file"):
        train_here(make_run(text=experiment_text(weights=str(tmp_path / "none.keras"))))
    (tmp_path / "text.weights.h5").write_text("hello")
    (tmp_path / "text.keras").write_text("hello")
    x = keras.Input((2,))
    keras.Model(x, keras.layers.Dense(1, name="other")(x)).save_weights(tmp_path / "other.weights.h5")
    for file, words in (
        ("text.weights.h5", "its weights cannot be read"),
        ("text.keras", "its weights cannot be read"),
        ("other.weights.h5", "none of which is a layer here"),
    ):
        with pytest.raises(UnusableInputError, match=words):
            load_weights(build(document.read_text(experiment_text())), tmp_path / file)
