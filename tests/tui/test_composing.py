"""Every edit of the graph by its key: what becomes of the graph, and what the screen says."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from kflab import clipboard
from kflab.graph.nodes import Call, Layer, Node, Share
from kflab.tui.headless import screen_text
from kflab.values import Arguments
from tests.tui.conftest import OpenLab, graph_of, lab_of, type_text, wait_for, wait_for_lab, wait_for_text


async def select(pilot: Pilot[None], name: str) -> None:
    """Goes to a node by its name."""
    lab = lab_of(pilot)
    await wait_for_lab(pilot)
    lab.put(lab.now.selecting(name))
    await wait_for(pilot, lambda: lab.now.selected == name)


async def add(pilot: Pilot[None], key: str, title: str, line: str, name: str) -> None:
    """Presses a key that adds, types a line and waits for the new node."""
    await pilot.press(key)
    await wait_for_text(pilot, title)
    await type_text(pilot, line)
    await pilot.press("enter")
    await wait_for_lab(pilot)
    await wait_for(pilot, lambda: name in graph_of(pilot).nodes, name)


async def test_nodes_are_added_before_between_and_as_a_merge_of_the_marked(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        lab = lab_of(pilot)
        await select(pilot, "left")
        await add(pilot, "A", "Add before left", "relu", "re_lu")
        assert graph_of(pilot).nodes["left"].inputs == ("re_lu",)
        await select(pilot, "joined")
        await pilot.press("i")
        await wait_for_text(pilot, "Insert before which input of joined?")
        await type_text(pilot, "right")
        await pilot.press("enter")
        await wait_for_text(pilot, "Insert between right and joined")
        await type_text(pilot, "bn")
        await pilot.press("enter")
        await wait_for(pilot, lambda: "batch_normalization" in graph_of(pilot).nodes)
        assert graph_of(pilot).nodes["joined"].inputs == ("left", "batch_normalization")
        # The order of the marks is the order of the inputs; a mark is seen, and escape takes it away.
        await select(pilot, "right")
        await pilot.press("space")
        await wait_for(pilot, lambda: lab.now.marked == ("right",))
        assert lab.now.selected != "right"
        await select(pilot, "left")
        await pilot.press("space")
        await wait_for(pilot, lambda: lab.now.marked == ("right", "left"))
        await add(pilot, "m", "Merge right and left", "add", "add")
        assert graph_of(pilot).nodes["add"].inputs == ("right", "left")
        assert lab.now.marked == ()
        await pilot.press("m")
        await wait_for_text(pilot, "Nothing to merge")
        await select(pilot, "left")
        await pilot.press("space", "escape")
        await wait_for(pilot, lambda: lab.now.marked == ())
        for expected in ("add add", "add batch_normalization", "add re_lu"):
            await pilot.press("u")
            await wait_for_text(pilot, f"undone: {expected}")
        assert lab.now.experiment == lab.now.saved


async def test_inputs_and_outputs_are_put_in_order(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await select(pilot, "joined")
        await pilot.press("I")
        await wait_for(pilot, lambda: graph_of(pilot).nodes["joined"].inputs == ("right", "left"))
        await pilot.press("c")
        await wait_for_text(pilot, "Connect to joined")
        await type_text(pilot, "image")
        await pilot.press("enter")
        await wait_for(pilot, lambda: len(graph_of(pilot).nodes["joined"].inputs) == 3)
        await pilot.press("I")
        await wait_for_text(pilot, "Move which of the inputs of joined?")
        await type_text(pilot, "image")
        await pilot.press("enter")
        await wait_for_text(pilot, "Move image")
        await type_text(pilot, "before right")
        await pilot.press("enter")
        await wait_for(pilot, lambda: graph_of(pilot).nodes["joined"].inputs == ("image", "right", "left"))
        await select(pilot, "image")
        await pilot.press("I")
        await wait_for_text(pilot, "Nothing to put in order: inputs of the model: image")


async def test_copies_are_made_and_pasted_also_in_another_lab(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    async with open_lab() as pilot:
        lab = lab_of(pilot)
        await pilot.press("P")
        await wait_for_text(pilot, "Nothing was copied yet")
        await select(pilot, "left")
        await pilot.press("D")
        await wait_for(pilot, lambda: lab.now.selected == "left_1")
        assert graph_of(pilot).nodes["left_1"] == graph_of(pilot).nodes["left"]
        await select(pilot, "joined")
        await pilot.press("space")
        await select(pilot, "pooled")
        await pilot.press("space", "Y")
        await wait_for_text(pilot, "copied 2 nodes")
        assert lab.now.marked == ()
        await select(pilot, "left_1")
        await pilot.press("X")
        await wait_for_text(pilot, "cut left_1")
        assert "left_1" not in graph_of(pilot).nodes
        await select(pilot, "pooled")
        await pilot.press("space")
        await select(pilot, "digit")
        await pilot.press("space", "d")
        await wait_for(pilot, lambda: list(graph_of(pilot).nodes) == ["image", "left", "right", "joined"])
    async with open_lab(path=experiment_file) as pilot:
        await select(pilot, "pooled")
        await pilot.press("P")
        await wait_for(pilot, lambda: "left_1" in graph_of(pilot).nodes)
        assert graph_of(pilot).nodes["left_1"].inputs == ("pooled",)
        assert graph_of(pilot).nodes["digit"].inputs == ("left_1",)
        clipboard.path().write_text("{")
        await pilot.press("P")
        await wait_for_text(pilot, "damaged")


async def test_a_layer_changes_its_type_is_shared_and_frozen(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        lab = lab_of(pilot)
        await select(pilot, "left")
        await pilot.press("T")
        await wait_for_text(pilot, "Change left to")
        await type_text(pilot, "separableconv2d")
        await pilot.press("enter")
        kept: Arguments = {"filters": 16, "kernel_size": 3, "padding": "same", "activation": "relu"}
        await wait_for(pilot, lambda: graph_of(pilot).nodes["left"].target == Layer("SeparableConv2D", kept))
        await pilot.press("u")
        await wait_for_text(pilot, "undone: change left to SeparableConv2D")
        await select(pilot, "right")
        await pilot.press("S")
        await wait_for_text(pilot, "right shares the layer of")
        await type_text(pilot, "left")
        await pilot.press("enter")
        await wait_for(pilot, lambda: graph_of(pilot).nodes["right"].target == Share("left"))
        await wait_for_lab(pilot)
        await pilot.press("S")
        await wait_for(pilot, lambda: graph_of(pilot).nodes["right"] == graph_of(pilot).nodes["left"])
        await pilot.press("F")
        await wait_for(pilot, lambda: _frozen(graph_of(pilot).nodes["right"]))
        await select(pilot, "left")
        await pilot.press("space")
        await select(pilot, "right")
        # One of the two is frozen already: the key freezes the rest, and then thaws both.
        await pilot.press("space", "F")
        await wait_for(pilot, lambda: _frozen(graph_of(pilot).nodes["left"]))
        await pilot.press("F")
        await wait_for(pilot, lambda: not any(_frozen(node) for node in graph_of(pilot).nodes.values()))
        assert lab.now.marked == ("left", "right")
        await pilot.press("escape")
        await select(pilot, "image")
        await pilot.press("F")
        await wait_for_text(pilot, "'image' has no weights")
        await pilot.press("S")
        await wait_for_text(pilot, "No other node has a layer that image could share")


def _frozen(node: Node) -> bool:
    return isinstance(node.target, Layer) and node.target.arguments.get("trainable") is False


async def test_nodes_become_a_nested_model_in_a_nested_model_and_nodes_again(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        lab = lab_of(pilot)
        for name in ("left", "right", "joined"):
            await select(pilot, name)
            await pilot.press("space")
        await pilot.press("E")
        await wait_for_text(pilot, "Group 3 nodes into a nested model")
        await pilot.press("ctrl+u")
        await type_text(pilot, "feat")
        await pilot.press("enter")
        await wait_for(pilot, lambda: lab.now.selected == "feat" and not lab.now.stale)
        assert graph_of(pilot).nodes["feat"] == Node(Call("feat"), ("image",))
        await pilot.press("enter")
        await wait_for_text(pilot, "Graph › feat")
        # One node alone becomes a model, too: a model in the model.
        await select(pilot, "right")
        await pilot.press("E")
        await wait_for_text(pilot, "Group right into a nested model")
        await pilot.press("enter")
        await wait_for(pilot, lambda: lab.now.selected == "block" and not lab.now.stale)
        await pilot.press("enter")
        await wait_for_text(pilot, "Graph › feat › block")
        await pilot.press("colon")
        await type_text(pilot, "model: rename")
        await pilot.press("enter")
        await wait_for_text(pilot, "Rename the model block")
        await pilot.press("ctrl+u")
        await type_text(pilot, "wide")
        await pilot.press("enter")
        await wait_for_text(pilot, "Graph › feat › wide")
        await pilot.press("escape")
        await wait_for(pilot, lambda: lab.now.trail == ("feat",))
        assert graph_of(pilot).nodes["block"].target == Call("wide")
        await pilot.press("F")
        await wait_for(pilot, lambda: not lab.now.experiment.models["wide"].trainable)
        # The same weights again, in another place.
        await pilot.press("escape")
        await wait_for(pilot, lambda: lab.now.trail == ())
        await select(pilot, "image")
        await add(pilot, "b", "Branch off image", "feat", "feat_1")
        assert graph_of(pilot).nodes["feat_1"].target == Call("feat")
        await pilot.press("E")
        await wait_for(pilot, lambda: "feat" not in lab.now.experiment.models)
        assert graph_of(pilot).nodes["left_1"].target == Share("left")
        for _ in range(10):
            if lab.now.history.done:
                await pilot.press("u")
        await wait_for(pilot, lambda: lab.now.experiment == lab.now.saved)


async def test_what_a_group_can_not_be_is_told_at_the_prompt(open_lab: OpenLab) -> None:
    async with open_lab((80, 24)) as pilot:
        for name in ("image", "joined", "left"):
            await select(pilot, name)
            await pilot.press("space")
        await wait_for_text(pilot, "Merge")
        await select(pilot, "pooled")
        await pilot.press("space")
        await select(pilot, "left")
        await pilot.press("space", "E")
        await wait_for_text(pilot, "Group 3 nodes")
        await pilot.press("ctrl+u")
        await type_text(pilot, "no good")
        await pilot.press("enter")
        await wait_for_text(pilot, "no name for a model")
        await pilot.press("escape")
        await wait_for_lab(pilot)
        await pilot.press("colon")
        await wait_for_text(pilot, "Commands")
        assert "Delete a nested model" not in screen_text(pilot.app)


async def test_a_folded_block_is_marked_copied_and_grouped_as_a_whole(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        lab = lab_of(pilot)
        await select(pilot, "pooled")
        await add(pilot, "A", "Add before pooled", "bn | relu | bn | relu", "re_lu_1")
        await select(pilot, "re_lu")
        await pilot.press("z")
        await wait_for(pilot, lambda: len(lab.now.block) == 4)
        names = lab.now.block
        await pilot.press("space")
        await wait_for(pilot, lambda: lab.now.marked == names)
        await pilot.press("up", "space")
        await wait_for(pilot, lambda: lab.now.marked == ())
        await pilot.press("up", "Y")
        await wait_for_text(pilot, "copied 4 nodes")
        await wait_for(pilot, lambda: not lab.now.stale)
        await pilot.press("E")
        await wait_for_text(pilot, "Group 4 nodes into a nested model")
        await pilot.press("enter")
        await wait_for(pilot, lambda: lab.now.selected == "block")
        assert list(lab.now.experiment.models["block"].nodes)[1:] == list(names)
