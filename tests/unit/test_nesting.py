"""Nodes made a nested model and back: what the model takes and returns, and what is refused."""

from __future__ import annotations

import pytest

from kflab import document, presets
from kflab.experiment import Data, Experiment, Spec, Training
from kflab.graph import edits
from kflab.graph.edits import EditRefusedError
from kflab.graph.nodes import Call, Graph, Layer, Node, Share
from kflab.values import Value


def start(**arguments: Value) -> Node:
    return Node(Layer("Input", {"shape": [8], **arguments}))


def dense(*inputs: str) -> Node:
    return Node(Layer("Dense", {"units": 4}), inputs)


@pytest.fixture
def experiment() -> Experiment:
    nodes = {
        "x": start(dtype="int32"),
        "a": dense("x"),
        "lstm": Node(Layer("LSTM", {"units": 4, "return_state": True}), ("a",)),
        "b": dense("a"),
        "join": Node(Layer("Concatenate"), ("lstm:1", "b", "x")),
        "y": dense("join"),
        "z": dense("b"),
    }
    return Experiment(
        data=Data(),
        model=Graph(nodes=nodes, outputs=("y", "z")),
        training=Training(loss={"y": Spec("MeanSquaredError"), "z": Spec("MeanAbsoluteError")}),
    )


TENSORS: edits.Tensors = {
    "a": ((4,), "float32"),
    "lstm:1": ((None, 4), "float32"),
    "b": ((4,), "float16"),
}


def test_what_feeds_a_group_becomes_its_inputs_and_what_it_gives_its_outputs(experiment: Experiment) -> None:
    edited = edits.group(experiment, "", ["join", "y", "z"], TENSORS, "head")
    model, main = edited.experiment.models["head"], edited.experiment.model
    assert main.nodes["head"] == Node(Call("head"), ("lstm:1", "b", "x"))
    assert list(model.nodes) == ["lstm_1", "b", "x", "join", "y", "z"]
    assert model.nodes["lstm_1"].target == Layer("Input", {"shape": [None, 4]})
    assert model.nodes["b"].target == Layer("Input", {"shape": [4], "dtype": "float16"})
    assert model.nodes["x"] == experiment.model.nodes["x"]
    assert model.nodes["join"].inputs == ("lstm_1", "b", "x")
    assert model.outputs == ("y", "z")
    assert main.outputs == ("head", "head:1")
    # The losses follow the outputs to their new names.
    assert edited.experiment.training.loss_of("head_0") == Spec("MeanSquaredError")
    assert edited.experiment.training.loss_of("head_1") == Spec("MeanAbsoluteError")
    assert edited.name == "group 3 nodes into head"
    document.decode(document.encode(edited.experiment))


def test_a_group_in_the_middle_returns_all_that_others_use(experiment: Experiment) -> None:
    edited = edits.group(experiment, "", ["x", "a", "lstm", "b"], TENSORS).experiment
    assert edited.models["block"].outputs == ("lstm:1", "b")
    assert edited.model.nodes["join"].inputs == ("block", "block:1", "x")
    assert edited.model.nodes["z"].inputs == ("block:1",)
    assert edited.model.outputs == ("y", "z")


@pytest.mark.parametrize(
    "names", [["a"], ["a", "lstm"], ["join", "y", "z"], ["a", "lstm", "b", "join", "y", "z"]]
)
def test_ungrouping_is_the_way_back(experiment: Experiment, names: list[str]) -> None:
    grouped = edits.group(experiment, "", names, TENSORS, "part")
    back = edits.ungroup(grouped.experiment, "", grouped.node)
    assert back.experiment == experiment
    assert back.node in names


def test_a_way_out_and_back_in_is_refused_with_the_nodes_on_it(experiment: Experiment) -> None:
    with pytest.raises(EditRefusedError, match="lstm and b lie between"):
        edits.group(experiment, "", ["a", "join"], TENSORS)
    with pytest.raises(EditRefusedError, match="shape of 'a' is not known"):
        edits.group(experiment, "", ["b"], {})
    with pytest.raises(EditRefusedError, match="already a model"):
        edits.group(
            edits.group(experiment, "", ["y"], {"join": ((4,), "")}, "p").experiment, "", ["z"], TENSORS, "p"
        )
    with pytest.raises(EditRefusedError, match="Input stays outside"):
        edits.group(experiment, "", ["x"], TENSORS)


def test_a_layer_shared_across_the_border_is_refused_and_inside_it_goes_along(experiment: Experiment) -> None:
    twin = edits.add_branch(experiment, "", "b", Share("b"), "twin").experiment
    for names in (["b"], ["twin"]):
        with pytest.raises(EditRefusedError, match="'twin' shares the layer of 'b'"):
            edits.group(twin, "", names, TENSORS)
    both = edits.group(twin, "", ["b", "twin"], TENSORS).experiment
    assert both.models["block"].nodes["twin"].target == Share("b")


def test_nested_in_nested(experiment: Experiment) -> None:
    outer = edits.group(experiment, "", ["a", "b", "lstm"], TENSORS, "outer").experiment
    inner = edits.group(outer, "outer", ["b"], TENSORS, "inner").experiment
    assert inner.models["outer"].nodes["inner"].target == Call("inner")
    assert (
        edits.ungroup(edits.ungroup(inner, "outer", "inner").experiment, "", "outer").experiment == experiment
    )
    flat = edits.ungroup(inner, "", "outer").experiment
    assert flat.model.nodes["inner"] == Node(Call("inner"), ("a",))
    assert edits.ungroup(flat, "", "inner").experiment.model == experiment.model


def test_all_calls_in_a_graph_are_ungrouped_and_go_on_sharing_their_weights() -> None:
    encoder = Graph(
        name="encoder",
        nodes={
            "i": start(),
            "h": dense("i"),
            "again": Node(Share("h"), ("h",)),
            "e": Node(Layer("ReLU"), ("again",)),
        },
        outputs=("e",),
        trainable=False,
    )
    nodes = {
        "p": start(),
        "q": start(),
        "left": Node(Call("encoder"), ("p",)),
        "right": Node(Call("encoder"), ("q",)),
        "far": Node(Layer("Subtract"), ("left", "right")),
    }
    siamese = Experiment(data=Data(), model=Graph(nodes=nodes, outputs=("far",)), models={"encoder": encoder})
    edited = edits.ungroup(siamese, "", "right")
    flat = edited.experiment.model.nodes
    assert edited.experiment.models == {}
    assert edited.name == "ungroup encoder (2 calls)"
    # A frozen model leaves frozen layers behind.
    assert flat["h"].target == Layer("Dense", {"units": 4, "trainable": False})
    assert flat["again"].target == Share("h")
    assert flat["h_1"] == Node(Share("h"), ("q",))
    assert flat["again_1"] == Node(Share("h"), ("h_1",))
    assert flat["far"].inputs == ("e", "e_1")
    assert edited.node == "e_1"


def test_ungrouping_is_refused_where_weights_would_no_longer_be_shared_or_inputs_are_missing() -> None:
    ensemble = document.read(presets.path("ensemble"))
    name = next(iter(ensemble.models))
    call = next(key for key, node in ensemble.model.nodes.items() if node.target == Call(name))
    shape = next(node for node in ensemble.models[name].nodes.values() if node.is_input)
    outer = Graph(name="outer", nodes={"i": shape, "c": Node(Call(name), ("i",))}, outputs=("c",))
    twice = edits.replace_graph(ensemble, "outer", outer)
    with pytest.raises(EditRefusedError, match="called in outer, too"):
        edits.ungroup(twice, "", call)
    bare = edits.disconnect(ensemble, "", call, 0).experiment
    with pytest.raises(EditRefusedError, match="needs 1 input"):
        edits.ungroup(bare, "", call)
    told = edits.set_call_argument(ensemble, "", call, "training", value=False).experiment
    with pytest.raises(EditRefusedError, match="training"):
        edits.ungroup(told, "", call)


def test_a_model_that_is_called_stays_and_one_that_is_not_can_go(experiment: Experiment) -> None:
    grouped = edits.group(experiment, "", ["y"], {"join": ((9,), "float32")}, "head").experiment
    with pytest.raises(EditRefusedError, match="called in the main model"):
        edits.delete_model(grouped, "head")
    deleted = edits.delete(grouped, "", "head").experiment
    assert "head" in deleted.models
    assert edits.delete_model(deleted, "head").experiment.models == {}
    assert edits.add_after(deleted, "", "join", Call("head")).experiment.model.nodes["head"].inputs == (
        "join",
    )


def test_every_call_follows_a_new_name_of_its_model(experiment: Experiment) -> None:
    outer = edits.group(experiment, "", ["a", "b", "lstm"], TENSORS, "outer").experiment
    both = edits.group(outer, "outer", ["b"], TENSORS, "inner").experiment
    renamed = edits.rename_model(both, "inner", "core").experiment
    assert list(renamed.models) == ["outer", "core"]
    assert renamed.models["core"].name == "core"
    assert renamed.models["outer"].nodes["inner"].target == Call("core")
    with pytest.raises(EditRefusedError, match="already a model"):
        edits.rename_model(renamed, "core", "outer")
    assert edits.rename_model(renamed, "", "mine").experiment.model.name == "mine"


def test_freezing_a_nested_model_and_layers(experiment: Experiment) -> None:
    grouped = edits.group(experiment, "", ["a"], TENSORS, "part").experiment
    frozen = edits.freeze(grouped, "", ["x", "part", "b"])
    assert frozen.experiment.models["part"].trainable is False
    assert frozen.experiment.model.nodes["b"].target == Layer("Dense", {"units": 4, "trainable": False})
    assert edits.is_frozen(frozen.experiment, "", "part")
    assert edits.is_frozen(frozen.experiment, "", "b")
    assert document.read_text(document.dump(frozen.experiment)) == frozen.experiment
    assert edits.freeze(frozen.experiment, "", ["part", "b"], frozen=False).experiment == grouped
    with pytest.raises(EditRefusedError, match="'x' has no weights"):
        edits.freeze(grouped, "", ["x"])


def test_a_wrapper_is_frozen_with_the_layers_that_it_wraps() -> None:
    cells = {"StackedRNNCells": {"cells": [{"LSTMCell": {"units": 4}}, {"GRUCell": {"units": 2}}]}}
    layers = {
        "both": Layer("Bidirectional", {"layer": {"LSTM": {"units": 4}}}),
        "cells": Layer("RNN", {"cell": cells}),
    }
    nodes = {"x": Node(Layer("Input", {"shape": [None, 3]}))}
    nodes |= {name: Node(layer, ("x",)) for name, layer in layers.items()}
    experiment = Experiment(data=Data(), model=Graph(nodes=nodes, outputs=("both", "cells")))
    frozen = edits.freeze(experiment, "", ["both", "cells"])
    assert frozen.experiment.model.nodes["both"].target == Layer(
        "Bidirectional", {"layer": {"LSTM": {"units": 4, "trainable": False}}, "trainable": False}
    )
    text = document.dump(frozen.experiment)
    assert text.count("trainable: false") == 6
    assert document.read_text(text) == frozen.experiment
    assert edits.freeze(frozen.experiment, "", ["both", "cells"], frozen=False).experiment == experiment
