"""Models of Keras 1: what `model.json` files of 2016 say is read as the layers of today."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kflab.graph.nodes import Layer
from kflab.imports import ImportRefusedError, config, keras1
from kflab.values import Value


def _stack(*layers: tuple[str, Mapping[str, Value]]) -> dict[str, Value]:
    named: list[Value] = [
        {"class_name": kind, "config": {"name": f"layer_{at}", "trainable": True, **given}}
        for at, (kind, given) in enumerate(layers)
    ]
    return {"class_name": "Sequential", "keras_version": "1.1.0", "config": named}


def _layers(model: Mapping[str, Value]) -> dict[str, Layer]:
    graph = config.read(model).experiment.model
    return {name: node.target for name, node in graph.nodes.items() if isinstance(node.target, Layer)}


def test_a_convolution_and_its_pooling_have_their_arguments_of_today() -> None:
    layers = _layers(
        _stack(
            (
                "Convolution2D",
                {
                    "batch_input_shape": [None, 28, 28, 1],
                    "nb_filter": 12,
                    "nb_row": 3,
                    "nb_col": 5,
                    "border_mode": "same",
                    "subsample": [2, 2],
                    "dim_ordering": "tf",
                    "init": "he_normal",
                    "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.25},
                    "b_constraint": {"name": "MaxNorm", "m": 3, "axis": 0},
                    "bias": True,
                    "activation": "relu",
                },
            ),
            ("MaxPooling2D", {"pool_size": [2, 2], "border_mode": "valid", "dim_ordering": "tf"}),
            ("Dropout", {"p": 0.25}),
            ("Flatten", {}),
            ("Dense", {"output_dim": 10, "init": "glorot_uniform", "bias": False, "activation": "softmax"}),
        )
    )
    assert layers["layer_0"] == Layer(
        "Conv2D",
        {
            "filters": 12,
            "kernel_size": [3, 5],
            "strides": 2,
            "padding": "same",
            "activation": "relu",
            "kernel_initializer": "he_normal",
            "kernel_regularizer": {"L1L2": {"l2": 0.25}},
            "bias_constraint": {"MaxNorm": {"max_value": 3}},
        },
    )
    assert layers["layer_1"] == Layer("MaxPooling2D", {})
    assert layers["layer_2"] == Layer("Dropout", {"rate": 0.25})
    assert layers["layer_4"] == Layer("Dense", {"units": 10, "activation": "softmax", "use_bias": False})


def test_a_recurrent_layer_in_a_wrapper_is_read_too() -> None:
    inner: Value = {
        "class_name": "GRU",
        "config": {"output_dim": 8, "inner_init": "orthogonal", "dropout_W": 0.5, "consume_less": "cpu"},
    }
    layers = _layers(
        _stack(
            (
                "Embedding",
                {
                    "batch_input_shape": [None, 20],
                    "input_dim": 50,
                    "output_dim": 4,
                    "init": "uniform",
                    "input_dtype": "int32",
                    "dropout": 0.0,
                },
            ),
            ("Bidirectional", {"layer": inner, "merge_mode": "sum"}),
        )
    )
    assert layers["layer_0"] == Layer("Embedding", {"input_dim": 50, "output_dim": 4})
    assert layers["layer_1"].arguments == {
        "layer": {"GRU": {"units": 8, "dropout": 0.5, "reset_after": False}},
        "merge_mode": "sum",
    }


@pytest.mark.parametrize(
    ("mode", "layer"),
    [
        ("sum", Layer("Add", {})),
        ("concat", Layer("Concatenate", {"axis": 1})),
        ("cos", Layer("Dot", {"axes": 1, "normalize": True})),
    ],
)
def test_a_merge_is_the_layer_of_its_mode(mode: str, layer: Layer) -> None:
    settings: dict[str, Value] = {
        "mode": mode,
        "mode_type": "raw",
        "concat_axis": 1,
        "dot_axes": [[1], [1]],
        "output_shape": None,
    }
    model: dict[str, Value] = {
        "class_name": "Model",
        "config": {
            "name": "two",
            "layers": [
                *(
                    {
                        "class_name": "InputLayer",
                        "name": name,
                        "config": {"name": name, "batch_input_shape": [None, 4], "input_dtype": "float32"},
                        "inbound_nodes": [],
                    }
                    for name in "ab"
                ),
                {
                    "class_name": "Merge",
                    "name": "merge_1",
                    "config": {"name": "merge_1", **settings},
                    "inbound_nodes": [[["a", 0, 0], ["b", 0, 0]]],
                },
            ],
            "input_layers": [["a", 0, 0], ["b", 0, 0]],
            "output_layers": [["merge_1", 0, 0]],
        },
    }
    graph = config.read(model).experiment.model
    assert graph.nodes["merge_1"].target == layer
    assert graph.nodes["merge_1"].inputs == ("a", "b")


def test_a_merge_by_code_is_refused() -> None:
    model = _stack(
        ("Dense", {"batch_input_shape": [None, 3], "output_dim": 2}), ("Merge", {"mode": "lambda"})
    )
    with pytest.raises(ImportRefusedError, match="Merge"):
        config.read(model)


def test_a_layer_of_keras_3_is_left_as_it_is() -> None:
    layer: dict[str, Value] = {"class_name": "RandomGaussianBlur", "config": {"sigma": 2.0, "name": "blur"}}
    assert keras1.layers_of_keras_3(layer) == layer


def test_a_model_of_the_last_keras_2_says_where_its_classes_stand() -> None:
    def layer(kind: str, module: str, name: str, given: Mapping[str, Value], nodes: list[Value]) -> Value:
        own: dict[str, Value] = {"name": name, "trainable": True, "dtype": "float32", **given}
        return {
            "module": module,
            "class_name": kind,
            "config": own,
            "registered_name": kind if module.startswith("tf_keras") else None,
            "name": name,
            "inbound_nodes": nodes,
        }

    operation = "tf_keras.src.layers.core.tf_op_layer"
    shape: Value = {"batch_input_shape": [None, 8, 4]}
    model: dict[str, Value] = {
        "module": "tf_keras.src.engine.functional",
        "class_name": "Functional",
        "registered_name": "Functional",
        "config": {
            "name": "m",
            "trainable": True,
            "layers": [
                layer("InputLayer", "keras.layers", "i", shape if isinstance(shape, Mapping) else {}, []),
                layer(
                    "SeparableConv1D",
                    "keras.layers",
                    "c",
                    {"filters": 4, "kernel_size": [1], "groups": 1, "kernel_initializer": "glorot_uniform"},
                    [[["i", 0, 0, {}]]],
                ),
                layer(
                    "TFOpLambda",
                    operation,
                    "add",
                    {"function": "__operators__.add"},
                    [["c", 0, 0, {"y": ["i", 0, 0], "name": None}]],
                ),
            ],
            "input_layers": [["i", 0, 0]],
            "output_layers": [["add", 0, 0]],
        },
        "keras_version": "2.15.0",
    }
    found = config.read(model)
    assert str(found.experiment.model.nodes["add"].target) == "Op(op='ops.add', arguments={})"
    assert not found.notes
