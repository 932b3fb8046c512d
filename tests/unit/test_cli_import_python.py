"""`kflab import` of scripts and notebooks, as far as it needs no Keras."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kflab import document
from kflab.cli import run
from kflab.graph.nodes import Layer

SCRIPT = """
import keras
from keras import layers
i = keras.Input((len(columns),))
model = keras.Model(i, layers.Dense(num_classes)(i))
model.compile("adam", "mse")
model.fit(data)
other = keras.Model(i, layers.Dense(1)(i))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "model.py"
    path.write_text(SCRIPT)
    return path


def test_what_the_file_does_not_tell_is_asked_for(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("import", str(script))) == 2
    err = capsys.readouterr().err
    assert f"{script}: the model cannot be brought in" in err
    assert "\nline 4: len(columns) depends on data that is not read; give it with --define" in err
    assert "\nline 5: num_classes is not set in this file; give it with --define num_classes=" in err


def test_and_can_be_given(script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = tmp_path / "model.yaml"
    given = ("--define", "len(columns)=4", "--define", "num_classes=3")
    assert run(("import", str(script), "-o", str(written), *given)) == 0
    out, err = capsys.readouterr()
    assert "2 nodes" in out
    assert "note: line 7: how the data that fit is given is made is not read" in err
    experiment = document.read(written)
    assert [node.target for node in experiment.model.nodes.values()] == [
        Layer("Input", {"shape": [4]}),
        Layer("Dense", {"units": 3}),
    ]


def test_another_model_of_the_file(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("import", str(script), "--model", "other", "--define", "len(columns)=2")) == 0
    assert "units: 1" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["num_classes", "=3", "a b=3", "n=[1"])
def test_a_definition_that_is_none_is_told(
    script: Path, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(("import", str(script), "--define", wrong)) == 2
    assert "expected NAME=VALUE, such as num_classes=10" in capsys.readouterr().err


def test_a_notebook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [
        "%pip install keras",
        "import keras",
        "i = keras.Input((2,))\nkeras.Model(i, keras.layers.Dense(1)(i))",
    ]
    path = tmp_path / "model.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}))
    assert run(("import", str(path))) == 0
    assert "Dense: {units: 1}" in capsys.readouterr().out
