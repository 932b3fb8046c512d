"""Keras objects made from the names and arguments of a document."""

from __future__ import annotations

import importlib.util

import keras
import numpy as np
import pytest

from kflab.catalog import ArgumentKind, Entry, Kind, load
from kflab.catalog.check import check_arguments
from kflab.engine.objects import ObjectError, make

CATALOG = load()
SAMPLES = {
    ArgumentKind.INT: 4,
    ArgumentKind.FLOAT: 0.5,
    ArgumentKind.TEXT: "sample",
    ArgumentKind.INTS: 2,
    ArgumentKind.FLOATS: 0.5,
    ArgumentKind.SHAPE: [4],
    ArgumentKind.ACTIVATION: "relu",
    ArgumentKind.LAYER: {"LSTM": {"units": 4}},
    ArgumentKind.OPTIMIZER: "Adam",
    ArgumentKind.SCHEDULE: {"0": 0.1},
}
SPECIAL = {
    "Input": {"shape": [4]},
    "EinsumDense": {"equation": "ab,bc->ac"},
    "RNN": {"cell": {"LSTMCell": {"units": 4}}},
    "StackedRNNCells": {"cells": [{"LSTMCell": {"units": 4}}, {"GRUCell": {"units": 4}}]},
    "Pipeline": {"layers": [{"RandomFlip": {}}, {"Rescaling": {"scale": 2.0}}]},
    "SpectralNormalization": {"layer": {"Dense": {"units": 4}}},
    "GroupQueryAttention": {"num_query_heads": 4, "num_key_value_heads": 2},
    "CategoryEncoding": {"num_tokens": 4},
    "ModelCheckpoint": {"filepath": "best.keras"},
    "Discretization": {"bin_boundaries": [0.0, 1.0]},
    "RandomPosterization": {"factor": 4},
    "Permute": {"dims": [2, 1]},
    "PiecewiseConstantDecay": {"boundaries": [10, 20], "values": [0.1, 0.01, 0.001]},
    "IoU": {"target_class_ids": [0]},
    "OneHotIoU": {"target_class_ids": [0]},
}
"""Arguments that only make sense together, or that the sample of their kind does not fit."""


def samples(entry: Entry) -> dict:
    required = {
        argument.name: SAMPLES.get(argument.kind) for argument in entry.arguments if argument.required
    }
    return required | SPECIAL.get(entry.name, {})


def safe(*kinds: Kind) -> list:
    return [
        pytest.param(entry, id=f"{kind}-{entry.name}")
        for kind in kinds
        for entry in CATALOG.entries(kind)
        if not entry.unsafe
    ]


MADE = safe(*(kind for kind in Kind if kind is not Kind.OP))
CLASSES = safe(*(kind for kind in Kind if kind not in {Kind.OP, Kind.ACTIVATION}))


@pytest.mark.parametrize("entry", MADE)
def test_everything_in_the_catalog_can_be_made(entry, tmp_path):
    if entry.name == "OrbaxCheckpoint" and importlib.util.find_spec("orbax") is None:
        with pytest.raises(ObjectError, match="orbax"):
            make(entry.kind, entry.name, {"directory": str(tmp_path)})
        return
    arguments = samples(entry)
    assert not list(check_arguments(entry, arguments, CATALOG))
    assert make(entry.kind, entry.name, arguments) is not None


@pytest.mark.parametrize("entry", CLASSES)
def test_every_default_written_out_makes_the_same(entry, tmp_path):
    """What a form shows as the default can be written into the document."""
    if entry.name == "OrbaxCheckpoint":
        return
    plain = {a.name: a.default for a in entry.arguments if not a.required and a.default is not None}
    given = plain | samples(entry)
    if entry.name == "Normalization":
        given.pop("mean", None)
    made, bare = make(entry.kind, entry.name, given), make(entry.kind, entry.name, samples(entry))
    assert type(made) is type(bare)


@pytest.mark.parametrize("entry", [entry for kind in Kind for entry in CATALOG.entries(kind) if entry.unsafe])
def test_what_holds_code_is_never_made(entry):
    with pytest.raises(ObjectError, match=f"{entry.name} holds code"):
        make(entry.kind, entry.name, {})


def test_nested_objects_are_made_on_the_way():
    layer = make(
        Kind.LAYER,
        "Dense",
        {
            "units": 4,
            "activation": {"leaky_relu": {"negative_slope": 0.1}},
            "kernel_initializer": {"HeNormal": {"seed": 1}},
            "kernel_regularizer": "l2",
            "kernel_constraint": {"MaxNorm": {"axis": [0]}},
        },
        name="left",
    )
    assert layer.name == "left"
    assert isinstance(layer.kernel_initializer, keras.initializers.HeNormal)
    assert layer.kernel_initializer.seed == 1
    assert isinstance(layer.kernel_regularizer, keras.regularizers.L2)
    np.testing.assert_allclose(layer.activation(np.array([-1.0])), [-0.1])


@pytest.mark.parametrize(
    "activation", ["relu", {"leaky_relu": {"negative_slope": 0.1}}, {"celu": {"alpha": 0.5}}]
)
def test_an_activation_with_arguments_is_saved_with_the_model(activation, tmp_path):
    dense = make(Kind.LAYER, "Dense", {"units": 2, "activation": activation})
    model = keras.Sequential([keras.Input((3,)), dense])
    model.save(tmp_path / "model.keras")
    batch = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(model.predict(batch, verbose=0), again.predict(batch, verbose=0))


def test_an_optimizer_takes_a_schedule():
    schedule = {"ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}}
    optimizer = make(Kind.OPTIMIZER, "adam", {"learning_rate": schedule})
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert float(optimizer.learning_rate) == pytest.approx(0.1)


def rates(schedule: object, epochs: int) -> list[float]:
    """The learning rates that a LearningRateScheduler sets in a real fit, epoch by epoch."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss="mse")
    callback = make(Kind.CALLBACK, "LearningRateScheduler", {"schedule": schedule})
    history = model.fit(np.zeros((2, 1)), np.zeros((2, 1)), epochs=epochs, verbose=0, callbacks=[callback])
    return history.history["learning_rate"]


def test_a_table_sets_the_rate_from_its_epochs_on():
    assert rates({"1": 0.1, "3": 0.01}, 5) == pytest.approx([0.5, 0.1, 0.1, 0.01, 0.01])


def test_a_named_schedule_is_asked_with_the_epoch():
    schedule = {"ExponentialDecay": {"initial_learning_rate": 0.2, "decay_steps": 1, "decay_rate": 0.5}}
    assert rates(schedule, 3) == pytest.approx([0.2, 0.1, 0.05])


def test_metrics_that_the_loss_chooses_are_their_names():
    assert make(Kind.METRIC, "acc", {}) == "accuracy"


def test_an_operation_is_a_function_of_its_tensors():
    np.testing.assert_array_equal(make(Kind.OP, "ops.sum", {"axis": [0]})(np.ones((2, 3))), [2, 2, 2])


@pytest.mark.parametrize(
    ("kind", "name", "arguments", "message"),
    [
        (Kind.LAYER, "Dense", {"units": -3}, "`units`, expected a positive integer. Received: units=-3"),
        (Kind.LAYER, "Dense", {}, "Dense: missing 1 required positional argument: 'units'"),
        (Kind.LAYER, "Dense", {"units": 3, "foo": 1}, "Unrecognized keyword arguments passed to Dense"),
        (Kind.LAYER, "Densee", {}, "unknown layer 'Densee'; did you mean Dense"),
        (Kind.LAYER, "Dense", {"units": 3, "kernel_initializer": 7}, "kernel_initializer: expected a name"),
        (Kind.OPTIMIZER, "SGD", {"momentum": 3}, "SGD: `momentum` must be a float between [0, 1]."),
        (Kind.LAYER, "Bidirectional", {"layer": {"LSTM": {"units": -1}}}, "LSTM"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_plain_line(kind, name, arguments, message):
    with pytest.raises(ObjectError) as caught:
        make(kind, name, arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
