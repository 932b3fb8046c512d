"""Every architecture of `keras.applications` comes in, goes out as YAML, and is the same model again."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import pytest

from kflab import document
from kflab.code import script
from kflab.engine import applications
from kflab.engine.build import build
from kflab.engine.inspect import Inspector
from kflab.engine.memory import optimizer_problem, slots_per_weight
from kflab.engine.protocol import GraphReport
from kflab.engine.stateless import without_weights
from kflab.experiment import Experiment, Training
from kflab.graph.nodes import Call, Layer, Op, source_of
from kflab.imports import ImportRefusedError, config

from .described import described

INSPECTOR = Inspector()


@pytest.fixture(scope="module", autouse=True)
def optimizer() -> None:
    """An optimizer has variables, which can not be made among models without weights: it is known before."""
    default = Training().optimizer
    assert optimizer_problem(default) == ""
    assert slots_per_weight(default) == 2


# Layers that Keras keeps to itself, and the class of the node that stands for each.
STAND_INS = {"LayerScale": "EinsumDense", "CustomScaleLayer": "Add", "InputLayer": "Input"}

# The smallest of each family; the others differ from it in numbers only, and take a run of their own.
SMALLEST = {
    "ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionV3", "MobileNet",
    "MobileNetV2", "MobileNetV3Small", "NASNetMobile", "ResNet50", "ResNet50V2", "VGG16", "Xception",
}  # fmt: skip
"""The smallest of each family."""

EVERY_DAY = {"EfficientNetB0", "MobileNetV3Small", "ResNet50", "VGG16", "Xception"}


def links(value: Any) -> Iterator[str]:
    """The layers that the tensors of a call come from, in order."""
    if isinstance(value, dict):
        for item in value.values():
            yield from links(item)
    elif isinstance(value, list):
        if len(value) == 3 and isinstance(value[0], str) and isinstance(value[1], int):
            yield value[0]
        else:
            for item in value:
                yield from links(item)


def connections(model: Mapping[str, Any], where: str = "") -> dict[str, tuple[str, list[str]]]:
    """What each layer of a model is, and which layers feed it, those of nested models included."""
    found: dict[str, tuple[str, list[str]]] = {}
    for name, layer in model["layers"].items():
        kind = STAND_INS.get(layer["class"], layer["class"])
        found[where + name] = (kind.lower(), list(links(layer["calls"])))
        if kind == "model":
            found |= connections(layer["model"], f"{where}{name}/")
    return found


def own_connections(
    experiment: Experiment, graph: str = "", where: str = ""
) -> dict[str, tuple[str, list[str]]]:
    """The same of an experiment; what a stand-in adds besides its own node is followed to what feeds it."""
    found: dict[str, tuple[str, list[str]]] = {}
    nodes = experiment.graph(graph).nodes
    for name, node in nodes.items():
        match node.target:
            case Layer(layer):
                kind = layer.lower()
            case Op(op):
                kind = op.removeprefix("ops.").replace("_", "")
            case Call(model):
                kind = "model"
                found |= own_connections(experiment, model, f"{where}{name}/")
        if name.endswith("_scaled"):
            continue
        sources = [source_of(reference) for reference in node.references()]
        found[where + name] = (kind, [nodes[s].inputs[0] if s.endswith("_scaled") else s for s in sources])
    return found


def shapes(model: keras.Model, report: GraphReport) -> tuple[list[Any], list[Any]]:
    """The shapes that the layers of a model return, there and here."""
    layers = [layer for layer in model.layers if layer.name in report.nodes]
    there = [tuple(layer.output.shape) for layer in layers]
    return there, [report.nodes[layer.name].outputs[0].shape for layer in layers]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in EVERY_DAY else pytest.mark.slow)
        for name in applications.names()
    ],
)
def test_an_application_comes_in_and_is_the_same_again(name: str) -> None:
    def hold() -> None:
        source = getattr(keras.applications, name)(weights=None)
        text = source.to_json()
        experiment = config.read(json.loads(text), title=name).experiment
        assert document.decode(document.encode(experiment)) == experiment
        report = INSPECTOR.inspect(experiment)
        assert report.findings == ()
        assert report.model.totals.total == source.count_params()
        there, here = shapes(source, report.model)
        assert there == here
        assert len(there) >= len(source.layers)
        theirs = described(source)
        assert own_connections(experiment) == connections(theirs)
        assert document.read_text(document.dump(experiment)) == experiment
        for again in (build(experiment), model_of_code(experiment)):
            assert again.count_params() == source.count_params()
            ours = described(again)
            assert changed(theirs, ours) == []
            assert (ours["inputs"], ours["outputs"]) == (theirs["inputs"], theirs["outputs"])

    without_weights(hold)


def changed(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """The layers that are not the same here, those that stand in for others left out."""
    return [
        name
        for name, layer in there["layers"].items()
        if layer["class"] not in STAND_INS and here["layers"][name] != layer
    ]


def model_of_code(experiment: Experiment) -> keras.Model:
    """The model that the experiment's script makes."""
    space: dict[str, Any] = {"__name__": "a_script"}
    keras.utils.clear_session()  # as in a process of its own: Keras numbers the operations it names
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its summary
        exec(compile(script(experiment), "a script", "exec"), space)
    model = space["model"]
    assert isinstance(model, keras.Model)
    return model


def test_arguments_of_an_application_are_read_and_never_run() -> None:
    described_model = applications.describe(
        "MobileNetV2(include_top=False, input_shape=(64, 64, 3), alpha=0.35)"
    )
    experiment = config.read(described_model).experiment
    assert experiment.model.nodes[experiment.model.input_names()[0]].target == Layer(
        "Input", {"shape": [64, 64, 3]}
    )
    for text, words in (
        ("MobileNetV2(classes=__import__('os').getpid())", "plain values"),
        ("MobileNetV2(clases=3)", "did you mean classes"),
        ("MobileNetV22", "did you mean MobileNetV2"),
        ("MobileNetV2(3, 4, 5, 6, 7, 8, 9, 10, 11, 12)", "too many positional arguments"),
        ("MobileNetV2(", "expected a name such as"),
        ("__import__('os')", "keras.applications has no"),
        ("MobileNetV2(input_shape=(1, 1, 3))", "Input size must be at least 32x32"),
    ):
        with pytest.raises(ImportRefusedError, match=words):
            applications.describe(text)
