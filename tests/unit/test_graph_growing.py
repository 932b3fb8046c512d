"""Edits that add nodes, wire them, and change what they call: what follows, and what they refuse."""

from __future__ import annotations

import pytest

from kflab.experiment import Data, Experiment, Spec, Training
from kflab.graph import edits
from kflab.graph.edits import EditRefusedError, Slot
from kflab.graph.nodes import Call, Graph, Layer, Node, Op, Share, Target
from kflab.values import Arguments


def start() -> Node:
    return Node(Layer("Input", {"shape": [8, 3]}))


def dense(*inputs: str) -> Node:
    return Node(Layer("Dense", {"units": 4}), inputs)


RELU = Layer("ReLU")


@pytest.fixture
def experiment() -> Experiment:
    nodes = {
        "x": start(),
        "left": dense("x"),
        "right": dense("x"),
        "joined": Node(Layer("Concatenate"), ("left", "right")),
        "y": dense("joined"),
    }
    return Experiment(data=Data(), model=Graph(nodes=nodes, outputs=("y",)))


def test_adding_before_a_node_takes_over_its_input(experiment: Experiment) -> None:
    edited = edits.add_before(experiment, "", "right", RELU)
    nodes = edited.experiment.model.nodes
    assert nodes["re_lu"].inputs == ("x",)
    assert nodes["right"].inputs == ("re_lu",)
    assert nodes["left"].inputs == ("x",)
    assert list(nodes) == ["x", "left", "re_lu", "right", "joined", "y"]


@pytest.mark.parametrize("target", [Layer("Add"), Op("ops.add")])
def test_only_a_merge_comes_before_a_node_with_several_inputs(experiment: Experiment, target: Target) -> None:
    nodes = edits.add_before(experiment, "", "joined", target, "sum").experiment.model.nodes
    assert nodes["sum"].inputs == ("left", "right")
    assert nodes["joined"].inputs == ("sum",)
    with pytest.raises(EditRefusedError, match="2 inputs"):
        edits.add_before(experiment, "", "joined", RELU)
    with pytest.raises(EditRefusedError, match="Input"):
        edits.add_before(experiment, "", "x", RELU)


def test_an_input_before_a_node_is_one_more_input_of_it(experiment: Experiment) -> None:
    nodes = edits.add_before(
        experiment, "", "joined", Layer("Input", {"shape": [2]}), "more"
    ).experiment.model.nodes
    assert nodes["joined"].inputs == ("left", "right", "more")
    assert list(nodes)[:2] == ["x", "more"]


def test_adding_on_an_edge_leaves_the_other_edges_alone(experiment: Experiment) -> None:
    nodes = edits.add_between(experiment, "", "joined", Slot(1), RELU, "act").experiment.model.nodes
    assert nodes["act"].inputs == ("right",)
    assert nodes["joined"].inputs == ("left", "act")
    for slot in (Slot(2), Slot(0, "mask")):
        with pytest.raises(EditRefusedError, match="'joined' has"):
            edits.add_between(experiment, "", "joined", slot, RELU)
    with pytest.raises(EditRefusedError, match="feeds an Input"):
        edits.add_between(experiment, "", "joined", Slot(1), Layer("Input"))


def test_a_merge_takes_the_nodes_in_the_order_they_were_marked(experiment: Experiment) -> None:
    branched = edits.add_branch(experiment, "", "x", dense().target, "aside").experiment
    edited = edits.add_merge(branched, "", ["y", "aside"], Layer("Concatenate"), "all")
    assert edited.experiment.model.nodes["all"].inputs == ("y", "aside")
    # `y` fed nothing but the output of the model, which is what they are merged to now.
    assert edited.experiment.model.outputs == ("all",)
    inner = edits.add_merge(experiment, "", ["right", "left"], Layer("Add"), "sum").experiment.model
    assert inner.nodes["sum"].inputs == ("right", "left")
    assert inner.outputs == ("y",)
    assert list(inner.nodes)[:4] == ["x", "left", "right", "sum"]
    with pytest.raises(EditRefusedError, match="nothing is marked"):
        edits.add_merge(experiment, "", [], Layer("Add"))


def test_tensors_are_connected_by_name_and_taken_away(experiment: Experiment) -> None:
    lstm = edits.add_branch(experiment, "", "x", Layer("LSTM", {"units": 4}), "lstm").experiment
    one = edits.connect(lstm, "", "left", "lstm", "initial_state").experiment
    two = edits.connect(one, "", "right", "lstm", "initial_state").experiment
    assert two.model.nodes["lstm"].named == {"initial_state": ("left", "right")}
    masked = edits.connect(two, "", "right", "lstm", "mask").experiment
    assert masked.model.nodes["lstm"].named["mask"] == "right"
    edited = edits.disconnect(two, "", "lstm", Slot(0, "initial_state"))
    assert edited.experiment.model.nodes["lstm"].named == {"initial_state": ("right",)}
    assert edited.name == "disconnect left from initial_state of lstm"
    bare = edits.disconnect(edited.experiment, "", "lstm", Slot(0, "initial_state")).experiment
    assert bare == lstm
    between = edits.add_between(two, "", "lstm", Slot(1, "initial_state"), RELU).experiment.model.nodes
    assert between["lstm"].named == {"initial_state": ("left", "re_lu")}
    with pytest.raises(EditRefusedError, match="no tensor called 'state'; it has initial_state, mask"):
        edits.connect(lstm, "", "left", "lstm", "state")
    with pytest.raises(EditRefusedError, match="circle"):
        edits.connect(one, "", "lstm", "left")


def test_inputs_and_outputs_change_their_order(experiment: Experiment) -> None:
    moved = edits.move_input(experiment, "", "joined", 1, 0).experiment
    assert moved.model.nodes["joined"].inputs == ("right", "left")
    with pytest.raises(EditRefusedError, match="no number 3"):
        edits.move_input(experiment, "", "joined", 0, 2)
    training = Training(loss={"y": Spec("MeanSquaredError"), "left": Spec("MeanAbsoluteError")})
    two_outputs = edits.toggle_output(experiment, "", "left").experiment
    both = edits.add_after(two_outputs, "", "", start().target, "more").experiment
    several = Experiment(data=Data(inputs={"x": "a", "more": "b"}), model=both.model, training=training)
    swapped = edits.move_output(several, "", 1, 0).experiment
    assert swapped.model.outputs == ("left", "y")
    assert swapped.training == training
    turned = edits.move_model_input(several, "", 0, 1).experiment
    assert turned.model.input_names() == ("more", "x")
    assert turned.data == several.data


@pytest.mark.parametrize(
    ("old", "arguments", "new", "kept", "dropped"),
    [
        (
            "Conv2D",
            {"filters": 8, "kernel_size": [3, 3], "padding": "same", "kernel_initializer": "zeros"},
            "SeparableConv2D",
            {"filters": 8, "kernel_size": [3, 3], "padding": "same"},
            ("kernel_initializer",),
        ),
        ("LSTM", {"units": 8, "unit_forget_bias": False}, "GRU", {"units": 8}, ("unit_forget_bias",)),
        ("LSTM", {"units": 8, "unit_forget_bias": True}, "GRU", {"units": 8}, ()),
        ("Dense", {"units": 8, "activation": "relu"}, "EinsumDense", {"activation": "relu"}, ("units",)),
        ("Conv2D", {"kernel_size": [5, 5], "strides": [1, 2]}, "Conv1D", {"kernel_size": 5}, ("strides",)),
        ("Conv2D", {"kernel_size": 3, "filters": 2}, "Conv3D", {"kernel_size": 3, "filters": 2}, ()),
        ("Dropout", {"rate": 0.5, "seed": 3}, "Flatten", {}, ("rate", "seed")),
    ],
)  # fmt: skip
def test_another_layer_keeps_the_arguments_that_fit(
    experiment: Experiment,
    old: str,
    arguments: Arguments,
    new: str,
    kept: Arguments,
    dropped: tuple[str, ...],
) -> None:
    before = edits.add_after(experiment, "", "x", Layer(old, arguments), "node").experiment
    edited = edits.set_target(before, "", "node", Layer(new))
    assert edited.experiment.model.nodes["node"].target == Layer(new, kept)
    without = f", without {', '.join(dropped)}" if dropped else ""
    assert edited.name == f"change node to {new}{without}"


def test_what_is_given_with_the_new_layer_counts(experiment: Experiment) -> None:
    edited = edits.set_target(
        experiment, "", "left", Layer("EinsumDense", {"units": 1, "activation": "relu"})
    )
    assert edited.experiment.model.nodes["left"].target == Layer(
        "EinsumDense", {"units": 1, "activation": "relu"}
    )


def test_a_shared_layer_goes_on_where_its_owner_turns_to_something_else(experiment: Experiment) -> None:
    shared = edits.share(experiment, "", "right", "left").experiment
    turned = edits.set_target(shared, "", "left", Op("ops.relu")).experiment.model.nodes
    assert turned["right"].target == Layer("Dense", {"units": 4})
    assert list(turned) == list(experiment.model.nodes)
    both = edits.set_target(shared, "", "left", Layer("EinsumDense")).experiment.model
    assert both.own("right").target == Layer("EinsumDense")
    apart = edits.set_target(shared, "", "right", Layer("ReLU")).experiment.model.nodes
    assert apart["left"] == experiment.model.nodes["left"]


def test_sharing_and_having_a_layer_of_its_own_again(experiment: Experiment) -> None:
    third = edits.add_branch(experiment, "", "x", Share("right"), "third").experiment
    shared = edits.share(third, "", "right", "left")
    nodes = shared.experiment.model.nodes
    assert nodes["right"].target == nodes["third"].target == Share("left")
    assert shared.name == "share the layer of left with right"
    own = edits.unshare(shared.experiment, "", "right").experiment.model.nodes
    assert own["right"] == experiment.model.nodes["right"]
    # Through a node that shares it, one gets the layer itself.
    assert edits.share(shared.experiment, "", "y", "third").experiment.model.nodes["y"].target == Share(
        "left"
    )


@pytest.mark.parametrize(
    ("name", "owner", "reason"),
    [
        ("left", "y", "'y' depends on 'left'"),
        ("x", "y", "Input"),
        ("y", "x", "no layer of its own"),
        ("y", "total", "no layer of its own"),
        ("right", "right", "already"),
        ("right", "gone", "no node 'gone'"),
    ],
)
def test_a_layer_that_can_not_be_shared_is_refused_with_the_reason(
    experiment: Experiment, name: str, owner: str, reason: str
) -> None:
    with_op = edits.add_branch(experiment, "", "x", Op("ops.sum"), "total").experiment
    with pytest.raises(EditRefusedError, match=reason):
        edits.share(with_op, "", name, owner)
    if name in with_op.model.nodes:
        assert owner not in edits.shareable(with_op.model, name)


def test_what_is_offered_to_share_is_what_can_be_shared(experiment: Experiment) -> None:
    twin = edits.add_branch(experiment, "", "joined", Share("left"), "twin").experiment
    for name in twin.model.nodes:
        for owner in twin.model.nodes:
            if owner in edits.shareable(twin.model, name):
                assert edits.share(twin, "", name, owner).experiment.model.owner(name) == owner
            elif isinstance(twin.model.nodes[owner].target, Layer):
                with pytest.raises(EditRefusedError):
                    edits.share(twin, "", name, owner)


def test_several_nodes_are_deleted_as_one_edit(experiment: Experiment) -> None:
    edited = edits.delete_all(experiment, "", ["joined", "left"])
    assert edited.experiment.model.nodes["y"].inputs == ("x",)
    assert edited.name == "delete 2 nodes"
    everything = edits.delete_all(experiment, "", list(experiment.model.nodes)).experiment.model
    assert everything == Graph()


def test_an_edit_of_a_nested_model_that_is_not_there_is_refused(experiment: Experiment) -> None:
    with pytest.raises(EditRefusedError, match="no nested model"):
        edits.add_before(experiment, "", "y", Call("gone"))


def test_one_of_several_tensors_becomes_an_output(experiment: Experiment) -> None:
    lstm = Layer("LSTM", {"units": 4, "return_state": True})
    plain = edits.add_branch(experiment, "", "x", lstm, "lstm").experiment
    second = edits.toggle_output(plain, "", "lstm:1")
    assert second.experiment.model.outputs == ("y", "lstm:1")
    assert second.name == "lstm:1 is an output"
    both = edits.toggle_output(second.experiment, "", "lstm:0").experiment
    assert both.model.outputs == ("y", "lstm:1", "lstm")
    assert edits.toggle_output(both, "", "lstm:0").experiment == second.experiment
    assert edits.toggle_output(both, "", "lstm").experiment == plain
