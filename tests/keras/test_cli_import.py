"""`kflab import` with the real Keras behind it: what a person types, gets and is told."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from kflab import document
from kflab.cli import run
from kflab.engine import applications
from kflab.engine.build import build
from kflab.engine.weights import load_weights

from .public_models import MODELS


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_application_is_printed_or_written_and_never_overwritten(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "applications:MobileNetV2(include_top=False, input_shape=(32, 32, 3), alpha=0.35)"
    assert run(["import", source]) == 0
    printed = document.read_text(capsys.readouterr().out)
    assert printed.model.name == "mobilenetv2_0.35_32"
    assert run(["import", source, "-o", "base.yaml", "--data", "cifar10"]) == 0
    assert "base.yaml: mobilenetv2_0.35_32, 154 nodes" in capsys.readouterr().out
    written = document.read(here / "base.yaml")
    assert (len(written.model.nodes), written.data.source) == (len(printed.model.nodes), "cifar10")
    assert run(["import", source, "-o", "base.yaml"]) == 2
    assert "is there already; --force overwrites it" in capsys.readouterr().err
    assert run(["import", source, "-o", "base.yaml", "--force", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["file"], told["nodes"], told["weights"], told["notes"]) == ("base.yaml", 154, None, [])


def test_the_applications_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "applications:"]) == 0
    assert capsys.readouterr().out.split() == list(applications.names())
    assert len(applications.names()) >= 40
    assert run(["import", "applications:ResNet500"]) == 2
    assert "did you mean ResNet50" in capsys.readouterr().err


def test_weights_are_kept_beside_the_experiment(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = MODELS["autoencoder"]()
    source.save(here / "mine.keras")
    assert run(["import", "mine.keras", "--weights"]) == 2
    assert "--weights needs -o FILE" in capsys.readouterr().err
    assert run(["import", "mine.keras", "--weights", "-o", "mine.yaml"]) == 0
    experiment = document.read(here / "mine.yaml")
    assert experiment.training.initial_weights == "mine.weights.h5"
    again = build(experiment)
    load_weights(again, here / "mine.weights.h5")
    for one, other in zip(source.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_whole_model_of_keras_2_comes_in(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = MODELS["autoencoder"]()
    source.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    source.save(here / "old.h5")
    assert run(["import", "old.h5", "--weights", "-o", "old.yaml"]) == 0
    MODELS["siamese"]().save(here / "operations.h5")
    assert run(["import", "operations.h5"]) == 0
    experiment = document.read(here / "old.yaml")
    assert experiment.training.optimizer.name == "RMSprop"
    assert set(experiment.models) == {"encoder", "decoder"}
    again = build(experiment)
    load_weights(again, here / "old.weights.h5")
    for one, other in zip(source.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    source.save_weights(here / "only.weights.h5")
    assert run(["import", "only.weights.h5"]) == 2
    assert "it holds weights alone" in capsys.readouterr().err


def test_a_lambda_is_refused_unless_it_is_trusted_and_made_of_operations(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = keras.Input((4,))
    inner = keras.Sequential([x, keras.layers.Dense(3), keras.layers.Lambda(lambda t: t * t)], name="inner")
    y = keras.layers.Lambda(lambda t, shift: (t + shift)[:, None], arguments={"shift": 0.5}, name="shift")
    source = keras.Model(x, y(inner(x)), name="trusted")
    source.save(here / "lambda.keras")
    assert run(["import", "lambda.keras"]) == 2
    refused = capsys.readouterr().err
    assert "shift: Lambda holds code" in refused
    assert "inner/lambda" in refused
    assert run(["import", "lambda.keras", "--unsafe", "--weights", "-o", "out.yaml"]) == 0
    again = build(document.read(here / "out.yaml"))
    load_weights(again, here / "out.weights.h5")
    given = np.random.default_rng(1).normal(size=(5, 4)).astype("float32")
    np.testing.assert_allclose(again(given), source(given), rtol=1e-6)
    y = keras.layers.Lambda(lambda t: __import__("tensorflow").math.cumsum(t, axis=1), name="foreign")(x)
    keras.Model(x, y).save(here / "foreign.keras")
    capsys.readouterr()
    assert run(["import", "foreign.keras", "--unsafe"]) == 2
    assert "'foreign' is not made of operations of Keras alone" in capsys.readouterr().err


def test_what_cannot_be_used_is_told_in_one_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(here / "empty.keras", "w") as file:
        file.writestr("config.json", "{}")
    (here / "text.h5").write_text("hello")
    (here / "saved").mkdir()
    for source, words in (
        ("nowhere.keras", "no such file"),
        ("ResNet50", "an architecture of Keras is applications:ResNet50"),
        ("empty.keras", "neither class_name and config nor layers"),
        ("text.h5", "no HDF5 file"),
        ("saved", "a folder without config.json is no model of Keras"),
    ):
        assert run(["import", source]) == 2, source
        told = capsys.readouterr().err
        assert words in told
        assert "Traceback" not in told
        assert len(told.strip().splitlines()) == 1
    MODELS["sequential"]().save(here / "plain.keras")
    assert run(["import", "plain.keras", "--data", "irsi"]) == 2
    assert "did you mean iris" in capsys.readouterr().err
