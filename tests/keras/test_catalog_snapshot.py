"""The stored catalog against the installed Keras."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

import kflab.catalog
from kflab.catalog import ArgumentKind, Entry, Kind, Snapshot
from kflab.engine import introspect

STORED = Path(kflab.catalog.__file__).with_name("snapshot.json")


@pytest.fixture(scope="module")
def fresh() -> Snapshot:
    return introspect.snapshot()


@pytest.fixture(scope="module")
def catalog() -> kflab.catalog.Catalog:
    return kflab.catalog.load()


def test_the_stored_catalog_is_what_the_installed_keras_gives(fresh):
    stored = STORED.read_text(encoding="utf-8").splitlines()
    differing = [line[:80] for line in introspect.dump(fresh).splitlines() if line not in set(stored)]
    assert not differing, (
        "the catalog is stale: run `python -m kflab.engine.introspect` and look at the difference"
    )
    assert introspect.dump(fresh).splitlines() == stored


def test_every_public_layer_is_in_the_catalog(catalog):
    bases = {"Layer", "Wrapper", "InputLayer"}
    for name in dir(keras.layers):
        target = getattr(keras.layers, name)
        if isinstance(target, type) and issubclass(target, keras.Layer) and name not in bases:
            assert catalog.find(Kind.LAYER, name), name
    assert catalog.find(Kind.LAYER, "Input")


@pytest.mark.parametrize("kind", [Kind.OPTIMIZER, Kind.LOSS, Kind.METRIC, Kind.INITIALIZER, Kind.REGULARIZER])
def test_what_keras_takes_for_a_string_is_what_it_means_in_the_catalog(catalog, kind):
    get = getattr(keras, f"{kind}s" if kind is not Kind.LOSS else "losses").get
    for entry in catalog.entries(kind):
        for alias in entry.aliases:
            if (
                alias in {"acc", "ce"}
                or any(argument.required for argument in entry.arguments)
                or entry.unsafe
            ):
                continue
            try:
                meant = get(alias)
            except (ValueError, KeyError):
                continue  # a public name that is no string for Keras (l1_l2), or needs a value (constant)
            words = {entry.name.lower(), *(alias.replace("_", "").lower() for alias in entry.aliases)}
            given = getattr(meant, "__name__", type(meant).__name__).replace("_", "").lower()
            assert given in words, (alias, given)


def tensors(entry: Entry) -> list[str]:
    return [
        f"{tensor.name}{'*' if tensor.many else ''}{'' if tensor.required else '?'}"
        for tensor in entry.tensors
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Dense", ["inputs"]),
        ("Concatenate", ["inputs*"]),
        ("Dot", ["inputs*"]),
        ("LSTM", ["sequences", "initial_state*?", "mask?"]),
        ("Attention", ["inputs*", "mask*?"]),
        ("HashedCrossing", ["inputs*"]),
    ],
)
def test_a_layer_says_which_tensors_it_is_called_with(catalog, name, expected):
    assert tensors(catalog.get(Kind.LAYER, name)) == expected


def test_attention_takes_its_key_or_does_without(catalog):
    assert tensors(catalog.get(Kind.LAYER, "MultiHeadAttention"))[:3] == ["query", "value", "key?"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ops.add", ["x1", "x2"]),
        ("ops.abs", ["x"]),
        ("ops.stack", ["x*"]),
        ("ops.where", ["condition", "x1?", "x2?"]),
        ("ops.conv", ["inputs", "kernel"]),
        ("ops.image.resize", ["images"]),
    ],
)
def test_an_operation_says_which_tensors_it_is_called_with(catalog, name, expected):
    assert tensors(catalog.get(Kind.OP, name)) == expected


def test_operations_that_take_functions_or_give_no_tensor_are_left_out(catalog):
    for name in ("scan", "cond", "map", "vectorized_map", "while_loop", "shape", "convert_to_numpy", "zeros"):
        assert catalog.find(Kind.OP, f"ops.{name}") is None, name


def test_a_tensor_that_may_be_a_number_is_an_argument_too(catalog):
    add = catalog.get(Kind.OP, "ops.add").argument("x2")
    assert add is not None
    assert add.kind is ArgumentKind.FLOATS
    assert not add.required


def test_layers_stand_in_the_groups_of_the_keras_documentation(catalog):
    assert list(catalog.groups(Kind.LAYER)) == [
        "core", "convolution", "pooling", "recurrent", "normalization", "embedding", "activation", "merging",
        "attention", "regularization", "reshaping", "preprocessing",
    ]  # fmt: skip


def test_code_is_marked_as_unsafe(catalog):
    unsafe = {entry.name for kind in Kind for entry in catalog.entries(kind) if entry.unsafe}
    assert {"Lambda", "LambdaCallback", "MeanMetricWrapper", "TorchModuleWrapper", "TFSMLayer"} <= unsafe
    assert not unsafe & {"Dense", "Activation", "LearningRateScheduler"}


def test_help_is_keras_own_words(catalog):
    for kind in (Kind.LAYER, Kind.OPTIMIZER, Kind.LOSS, Kind.CALLBACK, Kind.SCHEDULE):
        for entry in catalog.entries(kind):
            assert entry.summary, entry.name
            assert "```" not in entry.text, entry.name
            assert "{{" not in entry.text, entry.name
    units = catalog.get(Kind.LAYER, "Dense").argument("units")
    assert units is not None
    assert units.help == "Positive integer, dimensionality of the output space."


def test_layers_and_dtypes_are_offered_as_keras_takes_them(catalog):
    def choices(layer: str, argument: str) -> tuple[str, ...]:
        found = catalog.get(Kind.LAYER, layer).argument(argument)
        assert found is not None
        return found.choices

    assert {"LSTM", "GRU", "SimpleRNN"} <= set(choices("Bidirectional", "layer"))
    assert "Dense" not in choices("Bidirectional", "layer")
    assert "LSTMCell" in choices("RNN", "cell")
    assert "Dense" not in choices("RNN", "cell")
    assert choices("TimeDistributed", "layer") == ()
    assert {"float32", "bfloat16", "mixed_float16"} <= set(choices("Dense", "dtype"))
    assert "string" not in choices("Dense", "dtype")
    assert "string" in choices("Input", "dtype")
    assert choices("IntegerLookup", "vocabulary_dtype") == ("int64",)


def test_arguments_of_the_call_are_told_from_its_tensors(catalog):
    attention = catalog.get(Kind.LAYER, "MultiHeadAttention")
    assert [argument.name for argument in attention.call] == [
        "return_attention_scores",
        "training",
        "use_causal_mask",
    ]
    training = attention.call[1]
    assert training.kind is ArgumentKind.BOOL
    assert training.nullable
    assert training.help
    assert not catalog.get(Kind.LAYER, "Flatten").call


def test_a_layer_has_no_argument_of_every_layer_that_it_refuses(catalog):
    assert catalog.get(Kind.LAYER, "StringLookup").argument("activity_regularizer") is None
    assert catalog.get(Kind.LAYER, "Dense").argument("activity_regularizer") is not None
