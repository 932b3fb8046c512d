"""The decision surface that a run writes: what the model says, and only where there is one."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from kflab import document, presets
from kflab.data.load import load
from kflab.engine.build import build
from kflab.experiment import Experiment
from kflab.runs.surface import SURFACE, read_surface
from kflab.train.surface import COLUMNS, ROWS, SurfaceWriter, decided, surface_writer


def writer_of(experiment: Experiment, run_dir: Path) -> tuple[SurfaceWriter | None, keras.Model]:
    model = build(experiment)
    return surface_writer(run_dir, experiment.model, model, load(experiment)), model


def test_a_surface_is_what_the_model_says(tmp_path: Path) -> None:
    experiment = document.read(presets.path("spirals"))
    writer, model = writer_of(experiment, tmp_path)
    assert writer is not None
    writer.set_model(model)
    writer.on_train_begin()
    writer.on_epoch_end(0)
    assert read_surface(tmp_path) is None  # too early: nothing is learned yet
    writer.on_train_end()
    found = read_surface(tmp_path)
    assert found is not None
    assert (found.epoch, found.columns, found.rows) == (1, COLUMNS, ROWS)
    assert found.points.labels == ("arm 0", "arm 1")
    corner = np.array([[found.left, found.top], [found.right, found.bottom]], dtype="float32")
    said = np.asarray(model(corner)).argmax(axis=1)
    assert (found.classes[0], found.classes[-1]) == tuple(said)
    assert all(found.left < x < found.right for x in found.points.xs)
    assert (tmp_path / SURFACE).stat().st_size < 60_000


@pytest.mark.parametrize("preset", ["digits_mlp", "tickets", "diabetes_regression", "digits_autoencoder"])
def test_other_models_write_none(preset: str, tmp_path: Path) -> None:
    assert writer_of(document.read(presets.path(preset)), tmp_path)[0] is None


@pytest.mark.parametrize(
    ("answer", "classes", "certainty"),
    [
        ([[0.9], [0.5], [0.0]], [1, 0, 0], [204, 0, 255]),  # the share of class 1
        ([[20.0], [-20.0]], [1, 0], [254, 254]),  # its logit
        ([[0.25, 0.75], [1.0, 0.0]], [1, 0], [127, 255]),
        ([[5.0, 5.0, -50.0]], [0], [63]),  # logits of three
        ([[np.nan, 0.0]], [0], [0]),
    ],
)
def test_outputs_of_every_kind_are_decided(
    answer: list[list[float]], classes: list[int], certainty: list[int]
) -> None:
    found, sure = decided(np.array(answer, dtype="float32"))
    assert found.tolist() == classes
    assert sure.tolist() == pytest.approx(certainty, abs=1)
