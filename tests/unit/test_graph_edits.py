"""Edits of a graph: what they change, what follows, and what they refuse."""

import pytest

from kflab.experiment import Data, Experiment, Spec, Training
from kflab.graph import edits
from kflab.graph.edits import EditRefusedError
from kflab.graph.history import History
from kflab.graph.nodes import Call, Graph, Layer, Node, Share


def dense(*inputs: str) -> Node:
    return Node(Layer("Dense", {"units": 4}), inputs)


def start(shape: tuple[int, ...] = (8,)) -> Node:
    return Node(Layer("Input", {"shape": list(shape)}))


@pytest.fixture
def experiment() -> Experiment:
    nodes = {
        "x": start(),
        "left": dense("x"),
        "right": dense("x"),
        "joined": Node(Layer("Concatenate"), ("left", "right")),
        "y": dense("joined"),
    }
    return Experiment(
        data=Data(source="iris"),
        model=Graph(nodes=nodes, outputs=("y",)),
        training=Training(loss={"y": Spec("MeanSquaredError")}),
    )


def test_adding_after_a_node_takes_over_what_it_fed(experiment: Experiment) -> None:
    edited = edits.add_after(experiment, "", "left", Layer("Dropout", {"rate": 0.5}))
    nodes = edited.experiment.model.nodes
    assert edited.node == "dropout"
    assert nodes["dropout"].inputs == ("left",)
    assert nodes["joined"].inputs == ("dropout", "right")
    assert list(nodes) == ["x", "left", "dropout", "right", "joined", "y"]


def test_adding_after_the_output_moves_the_output_and_its_loss(experiment: Experiment) -> None:
    edited = edits.add_after(experiment, "", "y", Layer("Dense", {"units": 2}), "z").experiment
    assert edited.model.outputs == ("z",)
    assert edited.training.loss_of("z") == Spec("MeanSquaredError")


def test_a_branch_leaves_everything_else_as_it_is(experiment: Experiment) -> None:
    nodes = edits.add_branch(experiment, "", "x", Layer("Dense", {"units": 1})).experiment.model.nodes
    assert nodes["dense"].inputs == ("x",)
    assert {name: nodes[name] for name in experiment.model.nodes} == experiment.model.nodes


def test_an_input_stands_on_its_own(experiment: Experiment) -> None:
    edited = edits.add_after(experiment, "", "y", Layer("Input", {"shape": [3]}))
    assert edited.experiment.model.nodes["input"].inputs == ()
    assert edited.experiment.model.outputs == ("y",)


def test_the_first_layer_of_an_empty_graph_becomes_its_output() -> None:
    empty = Experiment(data=Data(source="iris"), model=Graph())
    one = edits.add_after(empty, "", "", Layer("Input", {"shape": [4]})).experiment
    two = edits.add_after(one, "", "input", Layer("Dense", {"units": 3})).experiment
    assert one.model.outputs == ()
    assert two.model.outputs == ("dense",)


def test_connecting_appends_an_input(experiment: Experiment) -> None:
    edited = edits.connect(experiment, "", "x", "joined").experiment
    assert edited.model.nodes["joined"].inputs == ("left", "right", "x")


@pytest.mark.parametrize(("source", "node"), [("y", "left"), ("left", "left"), ("joined", "right")])
def test_a_connection_that_would_run_in_a_circle_is_refused(
    experiment: Experiment, source: str, node: str
) -> None:
    with pytest.raises(EditRefusedError, match="circle"):
        edits.connect(experiment, "", source, node)
    assert source not in edits.connectable(experiment.model, node)


def test_what_is_offered_to_connect_is_what_connects(experiment: Experiment) -> None:
    # `twin` calls the layer of `right`, so `right` comes first although nothing flows between them.
    shared = edits.add_branch(experiment, "", "x", Share("right"), "twin").experiment
    for node in shared.model.nodes:
        offered = edits.connectable(shared.model, node)
        for source in shared.model.nodes:
            if source in offered:
                assert source in edits.connect(shared, "", source, node).experiment.model.nodes[node].inputs
            else:
                with pytest.raises(EditRefusedError):
                    edits.connect(shared, "", source, node)
    assert "twin" not in edits.connectable(shared.model, "right")


def test_nothing_feeds_an_input(experiment: Experiment) -> None:
    with pytest.raises(EditRefusedError, match="Input"):
        edits.connect(experiment, "", "y", "x")
    assert edits.connectable(experiment.model, "x") == ()


def test_deleting_closes_the_gap(experiment: Experiment) -> None:
    edited = edits.delete(experiment, "", "joined")
    assert edited.experiment.model.nodes["y"].inputs == ("left",)
    assert edited.node == "left"


def test_deleting_the_output_hands_it_to_what_fed_it(experiment: Experiment) -> None:
    edited = edits.delete(experiment, "", "y").experiment
    assert edited.model.outputs == ("joined",)
    assert edited.training.loss_of("joined") == Spec("MeanSquaredError")


def test_deleting_both_branches_feeds_the_merge_once(experiment: Experiment) -> None:
    first = edits.delete(experiment, "", "left").experiment
    second = edits.delete(first, "", "right").experiment
    assert second.model.nodes["joined"].inputs == ("x",)


def test_deleting_the_owner_of_a_shared_layer_passes_it_on(experiment: Experiment) -> None:
    twin = edits.add_branch(experiment, "", "x", Share("left"), "twin").experiment
    third = edits.add_branch(twin, "", "x", Share("left"), "third").experiment
    nodes = edits.delete(third, "", "left").experiment.model.nodes
    owner = next(
        name for name, node in nodes.items() if isinstance(node.target, Layer) and name in {"twin", "third"}
    )
    other = "third" if owner == "twin" else "twin"
    assert nodes[owner].target == Layer("Dense", {"units": 4})
    assert nodes[other].target == Share(owner)


def test_every_reference_follows_a_new_name(experiment: Experiment) -> None:
    shared = edits.add_branch(experiment, "", "x", Share("left"), "twin").experiment
    edited = edits.rename(shared, "", "left", "port").experiment
    assert edited.model.nodes["joined"].inputs == ("port", "right")
    assert edited.model.nodes["twin"].target == Share("port")
    renamed = edits.rename(edited, "", "y", "answer").experiment
    assert renamed.model.outputs == ("answer",)
    assert renamed.training.loss == {"answer": Spec("MeanSquaredError")}


@pytest.mark.parametrize("name", ["right", "", "a b", "a/b", "12", "ключ"])
def test_a_name_that_is_taken_or_none_is_refused(experiment: Experiment, name: str) -> None:
    with pytest.raises(EditRefusedError):
        edits.rename(experiment, "", "left", name)


def test_arguments_of_a_shared_layer_are_set_at_its_owner(experiment: Experiment) -> None:
    twin = edits.add_branch(experiment, "", "x", Share("left"), "twin").experiment
    edited = edits.set_argument(twin, "", "twin", "units", 7).experiment
    assert edited.model.nodes["left"].target == Layer("Dense", {"units": 7})
    again = edits.reset_argument(edited, "", "left", "units").experiment
    assert again.model.nodes["left"].target == Layer("Dense", {})


def test_a_nested_model_can_not_call_itself(experiment: Experiment) -> None:
    inner = Graph(name="inner", nodes={"a": start(), "b": dense("a")}, outputs=("b",))
    outer = Graph(name="outer", nodes={"a": start(), "b": Node(Call("inner"), ("a",))}, outputs=("b",))
    nested = edits.replace_graph(edits.replace_graph(experiment, "inner", inner), "outer", outer)
    with pytest.raises(EditRefusedError, match="call itself"):
        edits.add_after(nested, "inner", "b", Call("outer"))
    assert edits.add_after(nested, "", "left", Call("outer")).node == "outer"


def test_undo_returns_the_same_experiment_and_redo_the_edit(experiment: Experiment) -> None:
    history = History(experiment)
    edited = edits.delete(experiment, "", "left")
    after = history.edit(edited.experiment, edited.name)
    assert after.undo().now == experiment
    assert after.undo().redo() == after
    assert after.done[-1].name == "delete left"
    assert history.edit(experiment, "nothing") is history
