"""Copies of nodes: duplicated in place, cut, pasted behind other nodes and into other experiments."""

from __future__ import annotations

import pytest

from kflab import clipboard, document
from kflab.errors import KflabError
from kflab.experiment import Data, Experiment
from kflab.graph import edits
from kflab.graph.edits import Clip, EditRefusedError
from kflab.graph.nodes import Call, Graph, Layer, Node, Share


def start() -> Node:
    return Node(Layer("Input", {"shape": [8]}))


def dense(*inputs: str, units: int = 4) -> Node:
    return Node(Layer("Dense", {"units": units}), inputs)


def experiment(nodes: dict[str, Node], *outputs: str, **models: Graph) -> Experiment:
    return Experiment(data=Data(), model=Graph(nodes=nodes, outputs=outputs), models=models)


@pytest.fixture
def residual() -> Experiment:
    return experiment(
        {
            "x": start(),
            "first": dense("x"),
            "second": dense("first"),
            "sum": Node(Layer("Add"), ("second", "x")),
            "y": dense("sum", units=2),
        },
        "y",
    )


@pytest.fixture
def other() -> Experiment:
    return experiment({"image": start(), "first": dense("image"), "out": dense("first")}, "out")


def test_copies_feed_each_other_and_take_what_fed_the_nodes_from_outside(residual: Experiment) -> None:
    edited = edits.duplicate(residual, "", ["first", "second"])
    nodes = edited.experiment.model.nodes
    assert nodes["first_1"].inputs == ("x",)
    assert nodes["second_1"].inputs == ("first_1",)
    assert nodes["sum"].inputs == ("second", "x")
    assert list(nodes)[1:5] == ["first", "second", "first_1", "second_1"]
    again = edits.duplicate(edited.experiment, "", ["second_1"]).experiment.model.nodes
    assert again["second_2"].inputs == ("first_1",)


def test_a_copy_of_a_sharing_node_shares_what_was_copied_or_else_the_same_layer(residual: Experiment) -> None:
    twin = edits.add_branch(residual, "", "x", Share("first"), "twin").experiment
    both = edits.duplicate(twin, "", ["first", "twin"]).experiment.model.nodes
    assert both["twin_1"].target == Share("first_1")
    alone = edits.duplicate(twin, "", ["twin"]).experiment.model.nodes
    assert alone["twin_1"].target == Share("first")


def test_a_block_that_one_tensor_feeds_is_pasted_into_the_row(
    residual: Experiment, other: Experiment
) -> None:
    clip = edits.copy(residual, "", ["first", "second", "sum"])
    edited = edits.paste(other, "", "first", clip)
    nodes = edited.experiment.model.nodes
    assert nodes["first_1"].inputs == ("first",)
    assert nodes["second"].inputs == ("first_1",)
    assert nodes["sum"].inputs == ("second", "first")
    assert nodes["out"].inputs == ("sum",)
    assert edited.node == "sum"
    at_the_end = edits.paste(other, "", "out", clip).experiment.model
    assert at_the_end.outputs == ("sum",)


def test_a_merge_keeps_the_inputs_that_are_there_and_takes_the_node_for_the_others(
    residual: Experiment, other: Experiment
) -> None:
    clip = edits.copy(residual, "", ["sum"])
    here = edits.paste(residual, "", "y", clip).experiment.model.nodes
    assert here["sum_1"].inputs == ("second", "x")
    there = edits.paste(other, "", "out", clip).experiment.model
    assert there.nodes["sum"].inputs == ("out", "out")
    assert there.outputs == ("out",)


def test_what_nothing_can_feed_stays_open(residual: Experiment) -> None:
    empty = experiment({})
    model = edits.paste(empty, "", "", edits.copy(residual, "", ["first", "second"])).experiment.model
    assert model.nodes == {"first": dense(), "second": dense("first")}
    assert model.outputs == ("second",)


def test_cutting_closes_the_gap_and_pasting_moves(residual: Experiment) -> None:
    clip, edited = edits.cut(residual, "", ["first"])
    assert edited.experiment.model.nodes["second"].inputs == ("x",)
    moved = edits.paste(edited.experiment, "", "second", clip).experiment.model.nodes
    assert moved["first"].inputs == ("second",)
    assert moved["sum"].inputs == ("first", "x")


def test_a_shared_layer_comes_along_where_its_owner_does_not(residual: Experiment, other: Experiment) -> None:
    twins = edits.add_branch(residual, "", "x", Share("second"), "twin").experiment
    twins = edits.add_branch(twins, "", "x", Share("second"), "third").experiment
    clip = edits.copy(twins, "", ["twin", "third"])
    nodes = edits.paste(other, "", "out", clip).experiment.model.nodes
    assert sorted(str(nodes[name].target) for name in ("twin", "third")) == sorted(
        [
            str(Layer("Dense", {"units": 4})),
            str(Share("twin" if nodes["twin"].target == dense().target else "third")),
        ]
    )
    # In the graph it is of, the layer is there: the copies share it, too.
    back = edits.paste(twins, "", "y", clip).experiment.model.nodes
    assert back["twin_1"].target == back["third_1"].target == Share("second")


def nested(units: int) -> Experiment:
    inner = Graph(name="inner", nodes={"a": start(), "b": dense("a", units=units)}, outputs=("b",))
    outer = Graph(name="outer", nodes={"a": start(), "c": Node(Call("inner"), ("a",))}, outputs=("c",))
    return experiment({"x": start(), "y": Node(Call("outer"), ("x",))}, "y", inner=inner, outer=outer)


def test_nested_models_come_along_and_equal_ones_are_not_doubled(other: Experiment) -> None:
    clip = edits.copy(nested(4), "", ["y"])
    pasted = edits.paste(other, "", "out", clip).experiment
    assert pasted.models == nested(4).models
    assert edits.paste(pasted, "", "out", clip).experiment.models == pasted.models


def test_a_nested_model_gets_another_name_where_a_different_one_has_it(other: Experiment) -> None:
    first = edits.paste(other, "", "out", edits.copy(nested(4), "", ["y"])).experiment
    clip = edits.copy(nested(5), "", ["y"])
    second = edits.paste(first, "", "out", clip).experiment
    assert list(second.models) == ["inner", "outer", "inner_1", "outer_1"]
    assert second.models["outer_1"].nodes["c"].target == Call("inner_1")
    assert second.models["inner_1"].name == "inner_1"
    assert second.models["inner"] == first.models["inner"]
    assert edits.paste(second, "", "out", clip).experiment.models == second.models
    document.decode(document.encode(second))


def test_a_model_is_not_pasted_into_itself() -> None:
    whole = nested(4)
    with pytest.raises(EditRefusedError, match="call itself"):
        edits.paste(whole, "inner", "b", edits.copy(whole, "", ["y"]))


def test_what_is_not_there_is_not_copied(residual: Experiment) -> None:
    with pytest.raises(EditRefusedError, match="nothing is marked"):
        edits.copy(residual, "", [])
    with pytest.raises(EditRefusedError, match="'gone'"):
        edits.cut(residual, "", ["gone"])


@pytest.fixture
def state_dir(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFLAB_STATE_DIR", str(tmp_path_factory.mktemp("state") / "new"))


@pytest.mark.usefixtures("state_dir")
def test_what_one_lab_copied_another_one_pastes(residual: Experiment) -> None:
    assert clipboard.kept() is None
    twin = edits.add_branch(residual, "", "x", Share("first"), "twin").experiment
    named = edits.add_after(twin, "", "twin", Layer("LSTM", {"units": 3}), "lstm").experiment
    named = edits.connect(named, "", "first:1", "lstm", "initial_state").experiment
    for clip in (
        edits.copy(named, "", ["twin", "lstm", "sum"]),
        edits.copy(named, "", list(named.model.nodes)),
        edits.copy(nested(4), "", ["y"]),
    ):
        clipboard.keep(clip)
        assert clipboard.kept() == clip
    assert clipboard.path().stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("state_dir")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "damaged"),
        ("[1]", "damaged"),
        ('{"copied": ["a"', "damaged"),
        ('{"kflab": 1}', "copied"),
        ('{"copied": 3}', "copied"),
        ('{"copied": ["a"], "model": {"nodes": {}}}', "no node 'a'"),
        ('{"copied": ["a"], "model": {"nodes": {"a": {"Lambda": {"function": "x"}}}}}', "code"),
        ('{"copied": ["a"], "model": {"nodes": {"a": {"Dens": {}}}}}', "Dense"),
        ('{"copied": ["a"], "model": {"nodes": {"a": {"Dense": {}, "from": "b"}}}}', "no node 'b'"),
        ('{"copied": ["a"], "model": {"nodes": {"a": {"share": "b"}, "b": {"ops.add": {}}}}}', "no layer"),
        ('{"copied": ["a"], "model": {"nodes": {"a": {"model": "b"}}}}', "no nested model"),
    ],
)
def test_a_damaged_clipboard_is_told(text: str, words: str) -> None:
    clipboard.keep(Clip({"a": dense()}))
    clipboard.path().write_text(text)
    with pytest.raises(KflabError, match=words) as told:
        clipboard.kept()
    assert str(clipboard.path()) in str(told.value)
