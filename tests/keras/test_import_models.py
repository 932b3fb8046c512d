"""Models as people publish them, saved by Keras, come in and compute the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from kflab import catalog, document, presets
from kflab.catalog import Kind
from kflab.engine.build import BuildError, build
from kflab.engine.importing import keep_weights
from kflab.engine.stateless import without_weights
from kflab.engine.weights import load_weights
from kflab.experiment import Data, Experiment
from kflab.graph.nodes import INPUT, Call, Graph, Layer, Node
from kflab.imports import ImportRefusedError, archive, config

from .described import described
from .public_models import MODELS
from .test_whole_catalog import calls

WORDS = ["cook", "clerk", "the cat", "dog"]


def sample(tensor: keras.KerasTensor, rng: np.random.Generator) -> Any:
    shape = [2, *(5 if size is None else size for size in tensor.shape[1:])]
    if tensor.dtype == "string":
        return tf.constant(rng.choice(WORDS, size=shape))
    if tensor.dtype == "bool":
        return tf.constant(rng.random(shape) > 0.3)
    if "int" in tensor.dtype:
        return tf.constant(rng.integers(1, 8, shape), tensor.dtype)
    return tf.constant(rng.normal(size=shape), tensor.dtype)


def predictions(model: keras.Model, arrays: list[Any], packed: Any = None) -> list[np.ndarray]:
    """What a model makes of arrays; a mapping of inputs is packed in the order of its keys."""
    given = keras.tree.pack_sequence_as(packed, arrays) if packed is not None else arrays
    found = model(given if len(arrays) > 1 else arrays[0])
    return [np.asarray(keras.ops.convert_to_numpy(one), "float64") for one in keras.tree.flatten(found)]


def disturb(model: keras.Model, rng: np.random.Generator) -> None:
    """Other weights than any fresh model would have."""
    for variable in model.weights:
        if "float" in str(variable.dtype) and "normalization" not in variable.path:
            variable.assign(rng.normal(size=variable.shape) ** 2 * 0.2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_in_with_its_weights_and_predicts_the_same(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    source = MODELS[name]()
    disturb(source, rng)
    file, weights = tmp_path / "source.keras", tmp_path / "kept.weights.h5"
    source.save(file)
    read = archive.read(file)
    imported, names = config.read_named(read.config, vocabularies=read.vocabularies)
    experiment = imported.experiment
    assert document.read_text(document.dump(experiment)) == experiment
    taken = keep_weights(experiment, file, names, weights)
    again = build(experiment)
    assert load_weights(again, weights) == taken
    assert again.count_params() == source.count_params()
    trainable = sum(int(np.prod(variable.shape)) for variable in source.trainable_variables)
    assert sum(int(np.prod(variable.shape)) for variable in again.trainable_variables) == trainable
    arrays = [sample(tensor, rng) for tensor in source.inputs]
    packed = source.input if not isinstance(source, keras.Sequential) else None
    there = predictions(source, arrays, packed if isinstance(packed, dict) else None)
    here = predictions(again, arrays)
    assert len(there) == len(here)
    for one, other in zip(there, here, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_how_a_model_was_compiled_comes_in(tmp_path: Path) -> None:
    def training(name: str) -> Any:
        return document.encode(config.read(json.loads(MODELS[name]().to_json())).experiment)["training"]

    decay = {"ExponentialDecay": {"initial_learning_rate": 0.01, "decay_steps": 100, "decay_rate": 0.9}}
    assert training("structured") == {
        "optimizer": {"Adam": {"learning_rate": decay}},
        "loss": {
            "wage_out": "MeanSquaredError",
            "kind_out": {"SparseCategoricalCrossentropy": {"from_logits": True}},
        },
        "loss_weights": {"wage_out": 0.25, "kind_out": 1.0},
        "metrics": {"kind_out": ["accuracy"]},
    }
    assert training("sequential") == {
        "optimizer": "SGD",
        "loss": "CategoricalCrossentropy",
        "metrics": ["accuracy", {"TopKCategoricalAccuracy": {"k": 2}}],
    }
    assert training("transfer") == {
        "optimizer": {"Adam": {"learning_rate": 0.0001}},
        "loss": {"BinaryCrossentropy": {"from_logits": True}},
        "metrics": ["accuracy"],
    }


# Layers of the catalog that want arguments or a rank of their own.
ROOM, TIME = [4, 4, 4, 2], [3, 4, 4, 4, 2]
OWN: dict[str, tuple[dict[str, Any], list[int]]] = {
    "Conv3D": ({"filters": 2, "kernel_size": [1, 2, 2]}, ROOM),
    "Conv3DTranspose": ({"filters": 2, "kernel_size": 2, "strides": 2}, ROOM),
    "AdaptiveAveragePooling1D": ({"output_size": 2}, [6, 4]),
    "AdaptiveAveragePooling2D": ({"output_size": [2, 3]}, [8, 9, 3]),
    "AdaptiveAveragePooling3D": ({"output_size": 2}, ROOM),
    "AdaptiveMaxPooling1D": ({"output_size": 2}, [6, 4]),
    "AdaptiveMaxPooling2D": ({"output_size": 2}, [8, 8, 3]),
    "AdaptiveMaxPooling3D": ({"output_size": [1, 2, 2]}, ROOM),
    "AveragePooling3D": ({"pool_size": 2}, ROOM),
    "GlobalAveragePooling3D": ({"keepdims": True}, ROOM),
    "GlobalMaxPooling3D": ({}, ROOM),
    "MaxPooling3D": ({"pool_size": [1, 2, 2], "padding": "same"}, ROOM),
    "ConvLSTM2D": ({"filters": 2, "kernel_size": 2}, [3, 8, 8, 3]),
    "ConvLSTM3D": ({"filters": 2, "kernel_size": 2}, TIME),
    "GroupNormalization": ({"groups": 2}, [6, 4]),
    "SpatialDropout3D": ({"rate": 0.5}, ROOM),
    "Cropping3D": ({"cropping": [[0, 1], [1, 0], [1, 1]]}, ROOM),
    "UpSampling3D": ({"size": [1, 2, 1]}, ROOM),
    "ZeroPadding3D": ({"padding": 2}, ROOM),
    "STFTSpectrogram": ({"frame_length": 8, "frame_step": 4, "fft_length": 8}, [32, 1]),
}
# The states of a cell are made by a recurrent layer; Equalization gives back its input.
IN_OTHERS = {"LSTMCell", "StackedRNNCells", "Equalization"}


def whole_catalog(kind: Kind) -> dict[str, Experiment]:
    """A model of each layer, or operation, of the catalog that can be called in a graph."""
    found: dict[str, Experiment] = {}
    for entry in catalog.load().entries(kind):
        if entry.unsafe or entry.name == INPUT:
            continue
        candidates = calls(entry)
        if entry.name in OWN:
            arguments, shape = OWN[entry.name]
            nodes = {
                "x0": Node(Layer(INPUT, {"shape": shape})),
                "y": Node(Layer(entry.name, arguments), ("x0",)),
            }
            candidates = [Experiment(data=Data(), model=Graph(nodes=nodes, outputs=("y",)))]
        for candidate in candidates:
            try:
                without_weights(lambda candidate=candidate: build(candidate))
            except BuildError:
                continue
            found[entry.name] = candidate
            break
    return found


@pytest.mark.filterwarnings("ignore")
def test_every_layer_that_a_model_can_hold_comes_in_from_a_file(tmp_path: Path) -> None:
    found = whole_catalog(Kind.LAYER)
    layers = (entry for entry in catalog.load().entries(Kind.LAYER) if not entry.unsafe)
    assert {entry.name for entry in layers} - {INPUT} - found.keys() == IN_OTHERS
    nodes: dict[str, Node] = {}
    outputs = []
    for name, experiment in found.items():
        for node_name, node in experiment.model.nodes.items():
            inputs = tuple(f"{name}_{source}" for source in node.inputs)
            nodes[f"{name}_{node_name}"] = Node(node.target, inputs, node.named, node.call)
        outputs.append(f"{name}_y")
    model = build(Experiment(data=Data(), model=Graph(name="all", nodes=nodes, outputs=tuple(outputs))))
    model.save(tmp_path / "all.keras")
    read = archive.read(tmp_path / "all.keras")
    imported, names = config.read_named(read.config, vocabularies=read.vocabularies)
    again = build(imported.experiment)
    assert described(again) == described(model)
    assert imported.notes == ()
    taken = keep_weights(imported.experiment, tmp_path / "all.keras", names, tmp_path / "all.weights.h5")
    load_weights(again, tmp_path / "all.weights.h5")
    assert len(taken.loaded) > 30
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("ignore")
def test_every_operation_that_can_be_called_on_a_tensor_comes_in() -> None:
    held = 0
    for name, experiment in whole_catalog(Kind.OP).items():
        with keras.StatelessScope():
            model = build(experiment)
            try:
                text = model.to_json()
            except NotImplementedError:  # Keras itself cannot describe it
                continue
            again = build(config.read(json.loads(text)).experiment)
            assert described(again) == described(model), name
        held += 1
    assert held > 240


def test_every_preset_that_keras_describes_is_the_same_again() -> None:
    for name in presets.names():
        with keras.StatelessScope():
            model = build(document.read(presets.path(name)))
            imported = config.read(json.loads(model.to_json()))
            assert imported.notes == (), name
            assert described(build(imported.experiment)) == described(model), name


def test_a_frozen_model_is_frozen_as_a_whole() -> None:
    experiment = config.read(json.loads(MODELS["transfer"]().to_json())).experiment
    frozen = [graph for graph in experiment.models.values() if not graph.trainable]
    assert len(frozen) == 1
    arguments = [node.target.arguments for node in frozen[0].nodes.values() if isinstance(node.target, Layer)]
    assert not any("trainable" in given for given in arguments)
    calls_of = [node for node in experiment.model.nodes.values() if isinstance(node.target, Call)]
    assert {"training": False} in [node.call for node in calls_of]


def test_code_in_a_file_is_named_and_refused(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable("mine")
    class Sampling(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs

    x = keras.Input((4,))
    y = keras.layers.Dense(3, activation=lambda tensor: tensor)(Sampling(name="draw")(x))
    model = keras.Model(x, keras.layers.Lambda(lambda tensor: tensor * 2, name="double")(y))
    model.save(tmp_path / "mine.keras")
    with pytest.raises(ImportRefusedError) as refused:
        config.read(archive.read(tmp_path / "mine.keras").config, file="mine.keras")
    message = str(refused.value)
    assert "draw: mine>Sampling is no layer of Keras" in message
    assert "double: Lambda holds code" in message
    assert "dense" in message
