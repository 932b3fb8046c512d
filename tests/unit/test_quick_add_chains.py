"""The nodes of a line become one edit: one behind the other, with their names and further inputs."""

from __future__ import annotations

import pytest

from kflab import catalog
from kflab.experiment import Data, Experiment
from kflab.graph import edits
from kflab.graph.edits import Edited, EditRefusedError
from kflab.graph.history import History
from kflab.graph.nodes import Graph, Layer, Node, Share, Target
from kflab.quick_add import understand
from kflab.quick_add.chains import Added, add_chain

EXPERIMENT = Experiment(
    data=Data(source="digits"),
    model=Graph(
        nodes={
            "image": Node(Layer("Input", {"shape": [8, 8, 1]})),
            "conv": Node(Layer("Conv2D", {"filters": 4, "kernel_size": 3}), inputs=("image",)),
            "out": Node(Layer("Flatten"), inputs=("conv",)),
        },
        outputs=("out",),
    ),
)


def add(line: str, after: str = "conv", *, branch: bool = False) -> Added:
    def place(experiment: Experiment, target: Target, name: str) -> Edited:
        edit = edits.add_branch if branch else edits.add_after
        return edit(experiment, "", after, target, name)

    understood = understand(line, catalog.load(), EXPERIMENT, rank=2)
    assert understood.complete, understood.problems
    return add_chain(EXPERIMENT, "", understood.segments, place)


def test_a_line_goes_between_a_node_and_what_it_fed():
    added = add("c1: conv 8 3 same relu | bn | add +conv")
    nodes = added.edited.experiment.model.nodes
    assert added.nodes == ("c1", "batch_normalization", "add")
    assert nodes["c1"].inputs == ("conv",)
    assert nodes["batch_normalization"].inputs == ("c1",)
    assert nodes["add"].inputs == ("batch_normalization", "conv")
    assert nodes["out"].inputs == ("add",)
    assert added.edited.node == "add"
    assert added.edited.name == "add c1, batch_normalization, add"


def test_a_line_is_one_step_for_undo():
    edited = add("conv 8 3 | bn | relu | maxpool | dropout .2").edited
    history = History(EXPERIMENT).edit(edited.experiment, edited.name)
    assert history.undo().now is EXPERIMENT
    assert edited.name.endswith("and 2 more")


def test_a_branch_leaves_what_was_there():
    added = add("conv 8 3 | gap", branch=True)
    nodes = added.edited.experiment.model.nodes
    assert nodes["out"].inputs == ("conv",)
    assert nodes[added.nodes[1]].inputs == (added.nodes[0],)


def test_a_node_of_the_line_can_be_shared_and_be_an_input():
    added = add("a: dense 4 | b: share a | concat +a")
    nodes = added.edited.experiment.model.nodes
    assert nodes["b"].target == Share("a")
    assert nodes["concatenate"].inputs == ("b", "a")


def test_the_call_gets_its_arguments_and_tensors():
    added = add("a: flatten | repeatvector 3 | lstm 4 initial_state=a,a training=false")
    node = added.edited.experiment.model.nodes["lstm"]
    assert node.inputs == ("repeat_vector",)
    assert node.named == {"initial_state": ("a", "a")}
    assert node.call == {"training": False}


def test_what_lacks_arguments_is_told():
    assert add("conv 8 | relu | dense").incomplete == ("conv2d", "dense")


def test_a_circle_is_refused():
    with pytest.raises(EditRefusedError, match="circle"):
        add("add +out")
