"""The names that rules expect in the log are those that Keras logs."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kflab import document
from kflab.diagnose.facts import Facts
from kflab.diagnose.logged import Logged
from kflab.engine.build import build
from kflab.train.compiling import compile_model

ONE = """
kflab: 1
data: {source: iris, validation: VALIDATION}
model:
  nodes:
    x: {Input: {shape: [4]}}
    y: {Dense: {units: 3, activation: softmax}, from: x}
  outputs: [y]
training: TRAINING
"""
TWO = ONE.replace("outputs: [y]", "outputs: [y, z]").replace(
    "  outputs", "    z: {Dense: {units: 3, activation: softmax}, from: x}\n  outputs"
)
SPARSE = "SparseCategoricalCrossentropy"


@pytest.mark.parametrize(
    ("text", "training", "validation"),
    [
        (
            ONE,
            f"{{loss: {SPARSE}, metrics: [acc, accuracy, SparseTopKCategoricalAccuracy, "
            "{SparseCategoricalAccuracy: {name: best}}, sparse_categorical_accuracy]}",
            0.2,
        ),
        (ONE, f"{{loss: {{y: {SPARSE}}}, metrics: {{y: [accuracy]}}}}", 0),
        (TWO, f"{{loss: {SPARSE}, metrics: [accuracy]}}", 0.2),
        (TWO, f"{{loss: {{z: {SPARSE}}}, metrics: {{y: [acc], z: [SparseCategoricalAccuracy]}}}}", 0.2),
    ],
)
def test_names_are_those_of_the_history(text: str, training: str, validation: float) -> None:
    experiment = document.read_text(text.replace("TRAINING", training).replace("VALIDATION", str(validation)))
    model = build(experiment)
    compile_model(model, experiment.training)
    targets = [np.arange(20) % 3 for _ in model.outputs]
    history = model.fit(
        np.zeros((20, 4), "float32"),
        targets if len(targets) > 1 else targets[0],
        validation_split=validation,
        verbose=0,
    ).history
    logged = Logged(Facts(experiment=experiment))
    assert set(logged.names()) == set(history)


def test_a_metric_without_a_name_of_its_own_is_found_under_its_class() -> None:
    training = (
        "{loss: BinaryCrossentropy, metrics: [AUC, Precision, BinaryIoU, MeanAbsoluteError, LogCoshError]}"
    )
    experiment = document.read_text(ONE.replace("TRAINING", training).replace("VALIDATION", "0"))
    logged = Logged(Facts(experiment=experiment))
    keras.backend.clear_session()
    made = [
        keras.metrics.AUC(),
        keras.metrics.Precision(),
        keras.metrics.BinaryIoU(),
        keras.metrics.MeanAbsoluteError(),
        keras.metrics.LogCoshError(),
        keras.metrics.AUC(),
    ]
    for metric in made:
        assert logged.has(metric.name), metric.name
    assert not logged.has("recall")
