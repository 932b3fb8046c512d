"""The rules on labels against Keras itself: what they call an error it refuses, and the rest it computes."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.dataset_types import TargetInfo, TargetKind
from kflab.catalog.groups import CHOSEN_BY_LOSS
from kflab.engine.objects import MODULES
from tests.unit.made_facts import Made

SAMPLES = 32
OWN_SHAPES = {"CTC", "Circle"}
NEEDS = {"PrecisionAtRecall": {"recall": 0.5}, "RecallAtPrecision": {"precision": 0.5}}
NEEDS |= {"SensitivityAtSpecificity": {"specificity": 0.5}, "SpecificityAtSensitivity": {"sensitivity": 0.5}}

random = np.random.default_rng(5)
classes = random.permutation(np.arange(SAMPLES) % 3).astype("int32")
CASES = {
    "numbers": (TargetInfo("y", TargetKind.CLASSES, (), "int32", 3), classes),
    "binary": (TargetInfo("y", TargetKind.BINARY, (), "int32", 2), classes % 2),
    "one-hot": (TargetInfo("y", TargetKind.ONE_HOT, (3,), classes=3), np.eye(3, dtype="float32")[classes]),
    "labels": (
        TargetInfo("y", TargetKind.MULTI, (3,), classes=3),
        (random.random((SAMPLES, 3)) > 0.5).astype("float32"),
    ),
    "value": (TargetInfo("y", TargetKind.VALUES), random.random(SAMPLES).astype("float32")),
    "values": (TargetInfo("y", TargetKind.VALUES, (3,)), random.random((SAMPLES, 3)).astype("float32")),
    "map": (
        TargetInfo("y", TargetKind.CLASSES, (5,), "int32", 3),
        random.integers(0, 3, (SAMPLES, 5)).astype("int32"),
    ),
}
UNITS = (1, 2, 3, 4)


def probabilities(units: int, rows: tuple[int, ...]) -> np.ndarray:
    given = random.random((*rows, units)).astype("float32")
    return given / given.sum(-1, keepdims=True) if units > 1 else given


def computed(function: Callable[..., object], target: np.ndarray, given: np.ndarray) -> float | None:
    """What Keras computes; nothing where it refuses."""
    try:
        result = np.asarray(keras.ops.convert_to_numpy(function(target, given)), dtype="float64")
    except Exception:  # noqa: BLE001 - whatever Keras raises is its refusal
        return None
    return float(result.mean())


def learns(loss: Callable[..., object], target: np.ndarray, given: np.ndarray) -> bool:
    """Whether a loss has a gradient of finite numbers."""
    output = tf.Variable(given)
    with tf.GradientTape() as tape:
        result = loss(target, output)
    gradient = tape.gradient(result, output)
    return gradient is not None and bool(np.isfinite(np.asarray(gradient)).all())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", sorted(set(catalog.load().names(Kind.LOSS)) - OWN_SHAPES))
def test_a_loss_is_an_error_just_where_keras_can_not_use_it(name: str, case: str) -> None:
    info, target = CASES[case]
    rows = (SAMPLES, 5) if case == "map" else (SAMPLES,)
    for units in UNITS:
        activation = "softmax" if units > 1 else "sigmoid"
        made = Made(
            f"{{Dense: {{units: {units}, activation: {activation}}}}}",
            f"{{loss: {name}}}",
            target=info,
            shape=(None, *rows[1:], units),
        )
        errors = made.errors()
        loss = getattr(keras.losses, name)()
        one = computed(loss, target, probabilities(units, rows))
        other = computed(loss, target, probabilities(units, rows))
        if one is None:
            # What a loss of classes does with measured values depends on the values.
            assert errors or made.findings("KF001"), (units, "Keras refuses it")
        elif errors:
            # It computes something: always the same, nothing finite, or of numbers that are no 0 or 1.
            says_nothing = one == other or not learns(loss, target, probabilities(units, rows))
            out_of_range = name.startswith("Binary") and target.max() > 1
            assert says_nothing or out_of_range, (units, errors)


@pytest.mark.parametrize("case", ["numbers", "binary", "one-hot", "labels"])
@pytest.mark.parametrize(
    "name",
    [
        entry.name
        for entry in catalog.load().entries(Kind.METRIC)
        if entry.group not in {CHOSEN_BY_LOSS, "reduction", "segmentation", "correlation"}
    ],
)
def test_a_metric_is_an_error_just_where_keras_can_not_use_it(name: str, case: str) -> None:
    info, target = CASES[case]
    for units in (1, 3) if case != "binary" else (1, 2):
        if target.ndim == 2 and units != 3:
            continue
        loss = {"numbers": "SparseCategoricalCrossentropy", "binary": "SparseCategoricalCrossentropy"}
        made = Made(
            f"{{Dense: {{units: {units}, activation: sigmoid}}}}",
            f"{{loss: {loss.get(case, 'BinaryCrossentropy')}, metrics: [{{{name}: {NEEDS.get(name, {})}}}]}}",
            target=info,
            shape=(None, units),
        )
        errors = [found for found in made.findings("KF001") if found.path == "training.metrics"]
        metric = getattr(MODULES[Kind.METRIC], name)(**NEEDS.get(name, {}))

        def updated(true: np.ndarray, given: np.ndarray, metric: keras.Metric = metric) -> object:
            metric.update_state(true, given)
            return metric.result()

        one = computed(updated, target, probabilities(units, (SAMPLES,)))
        if one is None and name != "R2Score":
            assert errors, (units, "Keras refuses it")
        elif one is not None:
            assert not [found for found in errors if found.severity == "error"], (units, errors)
