"""Predictions of a real run, and what is made of what outputs say."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_digits

from kflab import document
from kflab.commands.predicting import predict as command
from kflab.data.parts import Part
from kflab.diagnose.verdict import verdict_of
from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import Experiment
from kflab.predict import cache
from kflab.predict.answering import answer, try_answer
from kflab.predict.asking import Asked, known
from kflab.predict.collecting import Arrays, Classes, Labels, Tokens, Values
from kflab.predict.computing import Held, predict
from kflab.predict.meaning import classes_of, meaning_of, probabilities
from kflab.predict.results import Kind, Predictions
from kflab.runs.folder import create
from kflab.runs.history import RunState
from kflab.runs.info import EXPERIMENT, FINAL, read_info
from kflab.train.journal import Journal
from kflab.train.run import Outcome, train

LOGITS = """
kflab: 1
data: {source: digits, limit: 600, validation: 0.2}
model:
  nodes:
    image: {Input: {shape: [8, 8, 1]}}
    flat:  {Flatten: {}, from: image}
    left:  {Dense: {units: 32, activation: relu}, from: flat}
    digit: {Dense: {units: 10}, from: left}
  outputs: [digit]
training:
  loss: {SparseCategoricalCrossentropy: {from_logits: true}}
  metrics: [accuracy]
  optimizer: {Adam: {learning_rate: 0.01}}
  epochs: 4
"""

BROKEN = """
kflab: 1
data: {source: diabetes}
model:
  nodes:
    x: {Input: {shape: [10]}}
    y: {Dense: {units: 1, kernel_initializer: {Constant: {value: -1}}}, from: x}
  outputs: [y]
training: {loss: Poisson, epochs: 2}
"""


def run_of(text: str, folder: Path) -> tuple[Path, Outcome]:
    run_dir = create(text, "test", folder, seed=1, backend="tensorflow")
    journal = Journal(run_dir)
    try:
        return run_dir, train(run_dir, read_info(run_dir), document.read(run_dir / EXPERIMENT), journal)
    finally:
        journal.close()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    return run_of(LOGITS, tmp_path_factory.mktemp("runs"))


@pytest.fixture
def run_dir(trained: tuple[Path, Outcome], tmp_path: Path) -> Path:
    copy = tmp_path / trained[0].name
    shutil.copytree(trained[0], copy)
    return copy


def asked(run_dir: Path, **wanted: object) -> Asked:
    return Asked(str(run_dir), **wanted)  # type: ignore[arg-type]


def test_a_run_keeps_what_it_would_predict_again(trained: tuple[Path, Outcome], run_dir: Path) -> None:
    kept = known(asked(run_dir))
    assert kept is not None
    shutil.rmtree(run_dir / cache.FOLDER)
    again = answer(asked(run_dir))
    assert again.outputs[0].matrix == kept.outputs[0].matrix
    assert again.outputs[0].accuracy == pytest.approx(trained[1].test["accuracy"], abs=1e-6)
    assert again.samples == again.of == 360
    assert sum(map(sum, again.outputs[0].matrix)) == 360


def test_logits_become_probabilities(run_dir: Path) -> None:
    rows = answer(asked(run_dir)).rows
    for row in rows:
        shares = [share for _, share in row.outputs["digit"].shares]
        assert sum(shares) == pytest.approx(1, abs=0.01)
        assert shares == sorted(shares, reverse=True)


def test_figures_are_those_of_scikit_learn(run_dir: Path) -> None:
    from sklearn.metrics import precision_recall_fscore_support

    output = answer(asked(run_dir)).outputs[0]
    true = [t for t, row in enumerate(output.matrix) for count in row for _ in range(count)]
    said = [p for row in output.matrix for p, count in enumerate(row) for _ in range(count)]
    wanted = zip(*precision_recall_fscore_support(true, said, zero_division=0), strict=True)
    for score, (precision, recall, f1, support) in zip(output.scores, wanted, strict=True):
        assert (score.precision, score.recall, score.f1) == pytest.approx((precision, recall, f1), abs=1e-4)
        assert score.support == support


def test_another_model_file_makes_kept_predictions_void(run_dir: Path) -> None:
    assert known(asked(run_dir)) is not None
    (run_dir / FINAL).write_bytes((run_dir / FINAL).read_bytes() + b"\0")
    assert known(asked(run_dir)) is None


def test_own_samples_are_prepared_as_the_run_s_were(run_dir: Path, tmp_path: Path) -> None:
    pixels = load_digits().images[:30, ..., None] / 16
    own = tmp_path / "own.npz"
    np.savez(own, image=pixels.astype("float32"))
    found = answer(asked(run_dir, source=str(own)))
    assert found.outputs[0].accuracy is None
    assert found.samples == 30
    assert all(row.outputs["digit"].true is None for row in found.rows)
    right = load_digits().target[:30]
    told = [row.outputs["digit"].predicted for row in found.rows]
    assert (np.array(told) == right).mean() > 0.6


def test_image_files_are_brought_to_the_size_of_the_run_s_own(run_dir: Path, tmp_path: Path) -> None:
    images = load_digits().images
    folder = tmp_path / "own"
    for number in (4, 7):
        (folder / str(number)).mkdir(parents=True)
        for at in np.flatnonzero(load_digits().target == number)[:3]:
            pixels = Image.fromarray((images[at] / 16 * 255).astype("uint8")).convert("RGB")
            pixels.resize((32, 32), Image.Resampling.NEAREST).save(folder / str(number) / f"{at}.png")
    found = answer(asked(run_dir, source=str(folder)))
    assert found.outputs[0].accuracy is not None
    assert found.outputs[0].accuracy >= 4 / 6
    assert {row.name.partition("/")[0] for row in found.rows} == {"4", "7"}
    single = answer(asked(run_dir, source=str(folder / "7")))
    assert (single.samples, single.outputs[0].accuracy) == (3, None)
    (folder / "7" / "broken.png").write_bytes(b"no image")
    with pytest.raises(UnusableInputError, match=r"broken\.png: cannot be decoded"):
        answer(asked(run_dir, source=str(folder / "7" / "broken.png")))


def test_a_damaged_model_is_refused_in_one_line(run_dir: Path) -> None:
    (run_dir / FINAL).write_bytes(b"PK nothing")
    found = try_answer(asked(run_dir))
    assert found.predictions is None
    assert "weights cannot be read" in found.error
    assert "\n" not in found.error


def test_a_run_without_a_model_says_so(run_dir: Path) -> None:
    (run_dir / FINAL).unlink()
    assert answer(asked(run_dir)).model == "best"
    with pytest.raises(UnusableInputError, match=r"no model\.keras"):
        answer(asked(run_dir, model="final"))


def invoke(run_dir: Path, *arguments: str) -> str:
    result = CliRunner().invoke(
        command, [str(run_dir), *arguments], catch_exceptions=False, standalone_mode=False
    )
    assert not result.exception
    return result.output


def test_the_command_draws_the_matrix_and_a_cell_of_it(run_dir: Path) -> None:
    text = invoke(run_dir, "--limit", "1")
    assert "predicted →" in text
    assert "360 samples of test split" in text
    matrix = answer(asked(run_dir)).outputs[0].matrix
    true, named = next((t, p) for t, row in enumerate(matrix) for p, n in enumerate(row) if n and t != p)
    text = invoke(run_dir, "--cell", str(true), str(named), "--limit", "1")
    assert f"{true} taken for {named}" in text
    assert "predicted →" not in text


def test_the_command_gives_json_and_csv(run_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    found = json.loads(invoke(run_dir, "--json", "--wrong", "--limit", "0", "--csv", str(file)))
    rows = list(csv.DictReader(file.open()))
    assert len(rows) == len(found["rows"]) > 0
    assert all(row["digit_true"] != row["digit_predicted"] for row in rows)
    with pytest.raises(UnusableInputError, match="no class '17'"):
        invoke(run_dir, "--class", "17")


def test_the_batch_where_a_loss_became_nan_is_told(
    tmp_path: Path, state_of: Callable[[Path], RunState]
) -> None:
    run_dir, _ = run_of(BROKEN, tmp_path)
    lost = state_of(run_dir).not_finite
    assert lost is not None
    assert (lost.epoch, lost.step) == (1, 1)
    assert lost.unusable == 0
    (found, *_) = verdict_of(run_dir)
    assert found.code == "KF017"
    assert "epoch 1, batch 1" in found.message
    assert "Poisson takes the logarithm" in found.message


# What outputs say


def experiment(loss: str, units: int = 3, activation: str = "linear") -> Experiment:
    return document.read_text(
        "kflab: 1\nmodel:\n  nodes:\n    x: {Input: {shape: [4]}}\n"
        f"    y: {{Dense: {{units: {units}, activation: {activation}}}, from: x}}\n  outputs: [y]\n"
        f"training: {{loss: {loss}}}\n"
    )


@pytest.mark.parametrize(
    ("loss", "shape", "kind", "classes"),
    [
        ("SparseCategoricalCrossentropy", (3,), Kind.CLASSES, 3),
        ("CategoricalCrossentropy", (3,), Kind.CLASSES, 3),
        ("sparse_categorical_crossentropy", (5, 3), Kind.TOKENS, 3),
        ("BinaryCrossentropy", (1,), Kind.CLASSES, 2),
        ("BinaryCrossentropy", (4,), Kind.LABELS, 4),
        ("Hinge", (1,), Kind.CLASSES, 2),
        ("MeanSquaredError", (1,), Kind.VALUES, 0),
        ("MeanSquaredError", (8, 8, 1), Kind.ARRAYS, 0),
    ],
)
def test_what_an_output_says_follows_from_its_loss(
    loss: str, shape: tuple[int, ...], kind: Kind, classes: int
) -> None:
    meaning = meaning_of(experiment(loss), "y", shape, None)
    assert (meaning.kind, meaning.classes) == (kind, classes)


def test_a_single_logit_becomes_two_probabilities() -> None:
    meaning = meaning_of(experiment("{BinaryCrossentropy: {from_logits: true}}", 1), "y", (1,), None)
    shares = probabilities(np.array([[0.0], [math.log(3)], [-800.0]]), meaning)
    assert shares[:, 1] == pytest.approx([0.5, 0.75, 0.0])
    assert classes_of(np.array([[0], [1], [1]]), meaning).tolist() == [0, 1, 1]
    signed = meaning_of(experiment("Hinge", 1), "y", (1,), None)
    assert probabilities(np.array([[-1.0], [1.0]]), signed)[:, 1].tolist() == [0, 1]
    assert classes_of(np.array([-1, 1]), signed).tolist() == [0, 1]


def test_one_hot_rows_and_numbers_tell_the_same_classes() -> None:
    meaning = meaning_of(experiment("CategoricalCrossentropy"), "y", (3,), None)
    assert classes_of(np.eye(3)[[2, 0, 1]], meaning).tolist() == [2, 0, 1]
    assert classes_of(np.array([2, 0, 1]), meaning).tolist() == [2, 0, 1]


def test_labels_values_tokens_and_arrays_are_summed_up() -> None:
    labels = Labels("y", ("a", "b"), (2,))
    labels.take(np.array([[0.9, 0.2], [0.4, 0.8]]), np.array([[1, 0], [1, 1]]))
    assert labels.result().accuracy == 0.75
    assert labels.said(1).true_labels == (0, 1)
    assert labels.said(1).error == 0.5
    values = Values("y", (1,))
    values.take(np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [2.0], [3.0]]))
    score = values.result().values
    assert score is not None
    assert (score.mae, score.rmse) == pytest.approx((1 / 3, math.sqrt(1 / 3)))
    assert score.r2 == pytest.approx(0.5)
    assert values.worst().argmax() == 2
    tokens = Tokens("y", ("0", "1"), (3, 2))
    tokens.take(np.eye(2)[[[0, 1, 1]]], np.array([[0, 1, 0]]))
    assert tokens.result().matrix == ((1, 1), (0, 1))
    assert tokens.said(0).error == pytest.approx(1 / 3, abs=1e-4)
    arrays = Arrays("y", (2, 2))
    arrays.take(np.zeros((1, 2, 2)), np.full((1, 4), 2.0))
    assert arrays.result().error == 4.0


def test_of_very_many_classes_only_the_accuracy_is_told() -> None:
    labels = tuple(map(str, range(30_000)))
    classes = Classes("y", labels, (30_000,))
    said = np.zeros((2, 30_000), "float32")
    said[0, 7] = said[1, 29_999] = 1
    classes.take(said, np.array([7, 0]))
    assert (classes.result().accuracy, classes.result().matrix) == (0.5, ())
    tokens = Tokens("y", labels, (1, 30_000))
    tokens.take(said[:, None], np.array([[7], [0]]))
    assert (tokens.result().accuracy, tokens.result().matrix) == (0.5, ())


def test_a_model_of_one_batch_size_predicts_any_number_of_samples() -> None:
    inputs = keras.Input(batch_shape=(4, 2), name="x")
    model = keras.Model(inputs, keras.layers.Dense(1, name="y")(inputs))
    x = np.arange(12, dtype="float32").reshape(6, 2)
    found = predict(
        model,
        experiment("MeanSquaredError", 1),
        Held(),
        Part({"x": x}, {"y": x[:, 0]}),
        Predictions("run", "final", "test"),
        most=100,
    )
    assert found.samples == 6
    wanted = np.concatenate([model(x[:4]), model(x[[4, 5, 5, 5]])[:2]])[:, 0]
    assert [row.outputs["y"].values[0] for row in found.rows] == pytest.approx(wanted.tolist())


@pytest.mark.parametrize("true", [None, [0, 1, 2]])
def test_classes_without_truth_have_no_matrix(true: Sequence[int] | None) -> None:
    classes = Classes("y", ("0", "1", "2"), (3,))
    classes.take(np.eye(3), None if true is None else np.array(true))
    assert bool(classes.result().matrix) is (true is not None)
    assert classes.said(2).predicted == 2


def test_what_is_kept_is_read_again_and_what_is_damaged_is_not(tmp_path: Path) -> None:
    found = Predictions("run", "final", "test", samples=3, of=3, stamp="x")
    cache.keep(tmp_path, found)
    assert cache.kept(tmp_path, "final", "test", "", "x") == found
    assert cache.kept(tmp_path, "final", "test", "", "y") is None
    cache.place(tmp_path, "final", "test", "").write_bytes(b"{not json")
    assert cache.kept(tmp_path, "final", "test", "", "x") is None


def test_only_numbers_of_the_file_count(run_dir: Path) -> None:
    other = document.text_of(run_dir / EXPERIMENT).replace("left", "renamed")
    (run_dir / EXPERIMENT).write_text(other)
    shutil.rmtree(run_dir / cache.FOLDER)
    with pytest.raises(KflabError, match="no weights for renamed"):
        answer(asked(run_dir))
