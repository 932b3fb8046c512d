"""What the engine finds wrong, where it says so, and that size does not matter to it."""

from __future__ import annotations

import math
import re

import msgspec
import psutil
import pytest

from kflab import document, presets
from kflab.diagnose.check import check
from kflab.diagnose.findings import Finding, Severity
from kflab.engine import probe
from kflab.engine.build import build, make_layer
from kflab.engine.inspect import Inspector
from kflab.engine.memory import slots_per_weight
from kflab.engine.protocol import Report
from kflab.experiment import Data, Experiment, Spec, Training
from kflab.graph import edits
from kflab.graph.nodes import Call, Graph, Layer, Node, Share
from kflab.values import Arguments, Value

IMAGE = Node(Layer("Input", {"shape": [8, 8, 1]}))


@pytest.fixture(scope="module")
def inspector() -> Inspector:
    return Inspector()


def layer(kind: str, *inputs: str, **arguments: Value) -> Node:
    return Node(Layer(kind, arguments), inputs)


def experiment(nodes: dict[str, Node], *outputs: str, **models: Graph) -> Experiment:
    return Experiment(data=Data(source="digits"), model=Graph(nodes=nodes, outputs=outputs), models=models)


def errors(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.severity is Severity.ERROR]


def only_error(report: Report) -> Finding:
    (finding,) = errors(report)
    return finding


@pytest.mark.parametrize(
    ("shape", "node", "message"),
    [
        (
            [8, 8],
            layer("Conv2D", "x", filters=4, kernel_size=3),
            "Conv2D expects height×width×channels, got 8×8",
        ),
        (
            [8, 8],
            layer("Conv2D", "x", filters=4, kernel_size=3, data_format="channels_first"),
            "Conv2D expects channels×height×width, got 8×8",
        ),
        ([8], layer("LSTM", "x", units=4), "LSTM expects timesteps×feature, got 8"),
        (
            [8, 8, 1],
            layer("Conv2D", "x", filters=4, kernel_size=9),
            "Conv2D: kernel_size 9×9 does not fit an input of 8×8×1 with padding 'valid'",
        ),
        (
            [8, 8, 1],
            layer("AveragePooling2D", "x", pool_size=[2, 9]),
            "AveragePooling2D: pool_size 2×9 does not fit an input of 8×8×1 with padding 'valid'",
        ),
        ([None, 8], layer("Flatten", "x"), ""),
        (
            [None],
            layer("Dense", "x", units=3),
            "Dense cannot size its weights: an axis of its input has no fixed size, got ?",
        ),
        ([8], layer("Dense", "x", "x", units=3), "Dense takes 1 input, it has 2"),
        ([8], layer("Add", "x"), ""),
        (
            [8, 4],
            layer("MultiHeadAttention", "x", num_heads=2, key_dim=2),
            "MultiHeadAttention needs 2 inputs (query, value), it has 1; value is missing",
        ),
        (
            [8],
            layer("Dense", "x:1", units=3),
            "'x:1' is asked for, but x returns 1 tensor (the first is x:0)",
        ),
        (
            [8],
            layer("BatchNormalization", "x", axis=5),
            "BatchNormalization: axis 5 is not an axis of 8 (the batch axis is 0)",
        ),
    ],
)
def test_a_wrong_node_says_what_it_expected_and_what_it_got(
    inspector: Inspector, shape: list[Value], node: Node, message: str
) -> None:
    report = inspector.inspect(experiment({"x": layer("Input", shape=shape), "y": node}, "y"))
    assert [(finding.node, finding.message) for finding in errors(report)] == (
        [("y", message)] if message else []
    )


@pytest.mark.parametrize(
    "node",
    [
        layer("Reshape", "x", target_shape=[3, 3]),
        layer("Cropping2D", "x", cropping=9),
        layer("Concatenate", "x", "x", axis=9),
        layer("GroupNormalization", "x", groups=3),
        layer("Dropout", "x", rate=2.0),
        layer("Conv2D", "x", filters=4, kernel_size=3, groups=3),
        Node(Layer("Dense", {"units": 3}), ("x",), call={"speed": 1}),
        layer("TimeDistributed", "x", layer={"Conv2D": {"filters": 3, "kernel_size": 3}}),
    ],
    ids=lambda node: node.target.layer,
)
def test_keras_own_complaints_come_as_one_plain_line(inspector: Inspector, node: Node) -> None:
    finding = only_error(inspector.inspect(experiment({"x": IMAGE, "y": node}, "y")))
    assert finding.node == "y"
    assert re.fullmatch(r"[^\n\x1b]{10,240}", finding.message)
    assert not re.search(
        r"KerasTensor|Traceback|Exception encountered|Arguments received|<class", finding.message
    )


def test_all_that_is_not_downstream_of_a_wrong_node_is_reported(inspector: Inspector) -> None:
    nodes = {
        "x": IMAGE,
        "wrong": layer("Conv2D", "x", filters=4, kernel_size=9),
        "after": layer("ReLU", "wrong"),
        "beside": layer("Conv2D", "x", filters=4, kernel_size=3),
        "end": layer("Add", "after", "beside"),
    }
    report = inspector.inspect(experiment(nodes, "end"))
    assert only_error(report).node == "wrong"
    assert not report.model.nodes["after"].outputs
    assert not report.model.nodes["end"].outputs
    assert report.model.nodes["beside"].outputs[0].shape == (None, 6, 6, 4)
    assert list(report.model.nodes) == list(nodes)


def test_what_no_output_needs_cannot_stop_a_run(inspector: Inspector) -> None:
    nodes = {"x": IMAGE, "y": layer("Flatten", "x"), "spare": layer("LSTM", "x", units=3)}
    report = inspector.inspect(experiment(nodes, "y"))
    assert [(finding.node, finding.severity) for finding in report.findings] == [
        ("spare", Severity.WARNING),
        ("spare", Severity.WARNING),
    ]
    assert report.model.totals.total == 0


def test_findings_come_in_the_order_of_the_graph(inspector: Inspector) -> None:
    nodes = {
        "late": layer("LSTM", "x", units=3),
        "x": IMAGE,
        "early": layer("Dense", units=3),
        "end": layer("Concatenate", "late", "early"),
    }
    inner = Graph(nodes={"a": IMAGE, "b": layer("LSTM", "a", units=2)}, outputs=("b",))
    nodes["call"] = Node(Call("inner"), ("x",))
    report = inspector.inspect(experiment(nodes, "end", "call", inner=inner))
    assert [(finding.graph, finding.node) for finding in errors(report)] == [
        ("", "late"),
        ("", "early"),
        ("inner", "b"),
    ]


def test_a_nested_model_is_held_against_what_it_is_called_with(inspector: Inspector) -> None:
    inner = Graph(nodes={"a": layer("Input", shape=[8]), "b": layer("Dense", "a", units=2)}, outputs=("b",))
    nodes = {"x": layer("Input", shape=[9]), "y": Node(Call("inner"), ("x",))}
    assert (
        only_error(inspector.inspect(experiment(nodes, "y", inner=inner))).message == "inner expects 8, got 9"
    )
    nodes["y"] = Node(Call("inner"), ("x", "x"))
    message = only_error(inspector.inspect(experiment(nodes, "y", inner=inner))).message
    assert message == "inner needs 1 input (a), it has 2"


def test_a_shared_layer_is_held_against_what_it_was_built_for(inspector: Inspector) -> None:
    nodes = {
        "x": layer("Input", shape=[4]),
        "wide": layer("Input", shape=[5]),
        "first": layer("Dense", "x", units=3),
        "again": Node(Share("first"), ("wide",)),
    }
    finding = only_error(inspector.inspect(experiment(nodes, "first", "again")))
    assert finding.node == "again"
    assert finding.message == "Dense expects 4 in the last axis of its input, as when it was built, got 5"


def test_a_graph_that_lacks_everything_is_told_so(inspector: Inspector) -> None:
    messages = [finding.message for finding in inspector.inspect(experiment({})).findings]
    assert messages == [
        "the model has no Input; add one that has the shape of the data",
        "the model has no outputs; mark the nodes whose results it returns",
    ]


def test_circles_are_found_and_end(inspector: Inspector) -> None:
    nodes = {"x": IMAGE, "a": layer("Add", "x", "b"), "b": layer("ReLU", "a")}
    around = Graph(nodes={"i": IMAGE, "c": Node(Call("around"), ("i",))}, outputs=("c",))
    report = inspector.inspect(experiment(nodes, "b", around=around))
    assert {(finding.graph, finding.node) for finding in errors(report)} == {
        ("", "a"),
        ("", "b"),
        ("around", ""),
    }


def test_160_billion_parameters_take_no_memory(inspector: Inspector) -> None:
    nodes = {"x": layer("Input", shape=[400_000]), "y": layer("Dense", "x", units=400_000)}
    nodes["z"] = layer("Dense", "y", units=400_000)
    before = psutil.Process().memory_info().rss
    totals = inspector.inspect(experiment(nodes, "z")).model.totals
    assert totals.total == 2 * (400_000**2 + 400_000)
    assert totals.weight_bytes == 4 * totals.total
    assert psutil.Process().memory_info().rss - before < 2**28


@pytest.mark.parametrize(
    "recurrent",
    [
        layer("LSTM", "x", units=3, stateful=True),
        layer("RNN", "x", stateful=True, cell={"StackedRNNCells": {"cells": [{"GRUCell": {"units": 3}}]}}),
        layer("Bidirectional", "x", layer={"GRU": {"units": 3, "stateful": True}}),
    ],
)
def test_a_layer_that_keeps_its_state_from_batch_to_batch_is_as_keras_builds_it(
    inspector: Inspector, recurrent: Node
) -> None:
    nodes = {"x": Node(Layer("Input", {"shape": [6, 4], "batch_size": 2})), "y": recurrent}
    whole = experiment(nodes, "y")
    report, model = inspector.inspect(whole), build(whole)
    assert not errors(report)
    assert report.model.nodes["y"].outputs[0].shape == tuple(model.outputs[0].shape)
    assert report.model.totals.total == model.count_params()


def test_the_state_of_a_batch_takes_no_memory(inspector: Inspector) -> None:
    nodes = {
        "x": Node(Layer("Input", {"shape": [6, 4], "batch_size": 1_000_000})),
        "y": layer("LSTM", "x", units=100_000, stateful=True),
    }
    before = psutil.Process().memory_info().rss
    assert inspector.inspect(experiment(nodes, "y")).model.nodes["y"].outputs[0].shape == (10**6, 10**5)
    assert psutil.Process().memory_info().rss - before < 2**28


@pytest.mark.parametrize(
    "around",
    [
        layer("Bidirectional", "x", layer={"LSTM": {"units": 3}}, trainable=False),
        layer("TimeDistributed", "x", layer={"BatchNormalization": {}}, trainable=False),
        layer("Dense", "x", units=3, trainable=False),
    ],
)
def test_as_many_weights_are_called_trained_as_keras_trains(inspector: Inspector, around: Node) -> None:
    whole = experiment({"x": Node(Layer("Input", {"shape": [6, 4]})), "y": around}, "y")
    trained = sum(math.prod(weight.shape) for weight in build(whole).trainable_weights)
    assert inspector.inspect(whole).model.totals.trainable == trained


def test_what_was_seen_once_is_not_asked_of_keras_again(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = {"x": IMAGE, "flat": layer("Flatten", "x")}
    for index in range(30):
        nodes[f"d{index}"] = layer("Dense", "flat" if index == 0 else f"d{index - 1}", units=17 + index)
    inspector.inspect(experiment(nodes, "d29"))
    asked: list[str] = []

    def noting(name: str, arguments: Arguments) -> object:
        asked.append(name)
        return make_layer(name, arguments)

    monkeypatch.setattr(probe, "make_layer", noting)
    changed = {**nodes, "d20": layer("Dense", "d19", units=5)}
    report = inspector.inspect(experiment(changed, "d29"))
    # The edited layer and the one after it, whose input has changed.
    assert asked == ["Dense", "Dense"]
    assert report.model.nodes["d21"].params == 5 * 38 + 38


def test_dtypes_are_followed(inspector: Inspector) -> None:
    text = """
kflab: 1
data: {source: digits}
model:
  nodes:
    ids:   {Input: {shape: [5], dtype: int32}}
    words: {Embedding: {input_dim: 9, output_dim: 2}, from: ids}
    half:  {Dense: {units: 3, dtype: mixed_bfloat16}, from: words}
    count: {ops.cast: {dtype: int64}, from: half}
  outputs: [count]
"""
    nodes = inspector.inspect(document.read_text(text)).model.nodes
    assert [node.outputs[0].dtype for node in nodes.values()] == ["int32", "float32", "bfloat16", "int64"]


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [
        (Spec("SGD"), 0.0),
        (Spec("SGD", {"momentum": 0.9}), 1.0),
        (Spec("Adam"), 2.0),
        (Spec("Adam", {"amsgrad": True}), 3.0),
        (Spec("AdamW", {"use_ema": True}), 3.0),
    ],
)
def test_an_optimizer_tells_its_own_slots(optimizer: Spec, slots: float) -> None:
    assert slots_per_weight(optimizer) == slots


@pytest.mark.parametrize(
    ("preset", "counts"),
    [
        ("mnist_mlp", {"": 55_050}),
        ("mnist_convnet", {"": 34_826}),
        ("cifar10_resnet", {"": 223_242}),
        ("tickets", {"": 1_392_097}),
        ("mnist_autoencoder", {"encoder": 18_672, "": 28_241}),
    ],
)
def test_the_models_of_the_functional_guide_have_its_counts(
    inspector: Inspector, preset: str, counts: dict[str, int]
) -> None:
    report = inspector.inspect(document.read(presets.path(preset)))
    totals = {"": report.model.totals.total} | {
        name: found.totals.total for name, found in report.models.items()
    }
    assert counts.items() <= totals.items()
    assert not errors(report)


def test_the_memory_of_training_is_weights_gradients_slots_and_activations(inspector: Inspector) -> None:
    nodes = {"x": layer("Input", shape=[10]), "y": layer("Dense", "x", units=5)}
    whole = experiment(nodes, "y")
    training = Training(optimizer=Spec("Adam"), batch_size=7)
    report = inspector.inspect(msgspec.structs.replace(whole, training=training))
    memory = report.cost.memory
    assert (memory.weights, memory.slots) == (55 * 4, 55 * 4 * 2)
    assert memory.gradients >= 55 * 4
    assert memory.batch >= 7 * (10 + 5) * 4
    assert memory.activations >= 7 * 5 * 4
    assert report.model.totals.training_bytes == memory.total


def test_a_frozen_nested_model_trains_nothing_in_the_report_and_in_keras(inspector: Inspector) -> None:
    inner = Graph(
        name="inner", nodes={"a": IMAGE, "b": layer("Conv2D", "a", filters=2, kernel_size=3)}, outputs=("b",)
    )
    # What `inner` holds is frozen with `outer`, which calls it, and so at its other call in the main model.
    outer = Graph(
        name="outer",
        nodes={"a": IMAGE, "n": Node(Call("inner"), ("a",)), "c": layer("BatchNormalization", "n")},
        outputs=("c",),
        trainable=False,
    )
    frozen = experiment(
        {
            "x": IMAGE,
            "left": Node(Call("outer"), ("x",)),
            "right": Node(Call("inner"), ("x",)),
            "joined": layer("Add", "left", "right"),
            "flat": layer("Flatten", "joined"),
            "y": layer("Dense", "flat", units=3),
        },
        "y",
        inner=inner,
        outer=outer,
    )
    report, model = inspector.inspect(frozen), build(frozen)
    dense = 6 * 6 * 2 * 3 + 3
    assert report.model.totals.trainable == dense == sum(math.prod(w.shape) for w in model.trainable_weights)
    assert report.model.totals.total == model.count_params()
    assert report.models["outer"].totals.trainable == report.models["inner"].totals.trainable == 0
    assert report.model.nodes["left"].trainable == report.models["inner"].nodes["b"].trainable == 0
    assert document.read_text(document.dump(frozen)) == frozen
    thawed = msgspec.structs.replace(
        frozen, models={"inner": inner, "outer": msgspec.structs.replace(outer, trainable=True)}
    )
    assert inspector.inspect(thawed).model.totals.trainable == build(thawed).count_params() - 2 * 2


def test_a_freeze_that_keras_does_not_pass_on_is_told(inspector: Inspector) -> None:
    trained = experiment(
        {
            "x": Node(Layer("Input", {"shape": [5, 8]})),
            "att": layer("MultiHeadAttention", "x", "x", num_heads=2, key_dim=4),
            "read": layer("Bidirectional", "att", layer={"LSTM": {"units": 4}}),
            "out": layer("Dense", "read", units=4),
        },
        "out",
    )
    frozen = edits.freeze(trained, "", ["att", "read", "out"]).experiment
    told = [finding for finding in check(frozen, report=inspector.inspect(frozen)) if finding.node]
    assert [(finding.node, finding.severity) for finding in told] == [("att", Severity.WARNING)]
    assert {weight.path.partition("/")[0] for weight in build(frozen).trainable_weights} == {"att"}
    assert not [finding for finding in check(trained, report=inspector.inspect(trained)) if finding.node]
