"""A line adds nodes: shown as it is understood, completed, refused with the reason, undone in one step."""

from __future__ import annotations

from textual.pilot import Pilot

from kflab.graph.nodes import Layer, Share
from kflab.tui.headless import screen_text
from kflab.tui.screens.quick_add import QuickAdd
from kflab.tui.widgets.form import EditLine
from tests.tui.conftest import (
    OpenLab,
    graph_of,
    lab_of,
    type_text,
    wait_for,
    wait_for_lab,
    wait_for_text,
)


async def open_line(pilot: Pilot[None], after: str = "left") -> None:
    """Opens the line behind a node."""
    lab_of(pilot).put(lab_of(pilot).now.selecting(after))
    await pilot.press("a")
    await wait_for_text(pilot, f"Add after {after}")


async def test_what_was_understood_is_shown_before_enter(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await open_line(pilot)
        await type_text(pilot, "c1: conv2d 8 3 relu same | bn")
        await wait_for_text(pilot, "BatchNormalization")
        for words in ("c1: Conv2D", "filters=8", "kernel_size=3", "activation=relu", "padding=same"):
            assert words in screen_text(pilot.app)
        assert "c1" not in graph_of(pilot).nodes
        await pilot.press("enter")
        await wait_for_lab(pilot)
        nodes = graph_of(pilot).nodes
        assert nodes["c1"].inputs == ("left",)
        assert nodes["joined"].inputs == ("batch_normalization", "right")


async def test_a_line_is_undone_in_one_step(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        before = graph_of(pilot)
        await open_line(pilot)
        await type_text(pilot, "conv2d 8 3 same | relu | add +left | dropout .1")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        assert len(graph_of(pilot).nodes) == len(before.nodes) + 4
        await pilot.press("u")
        await wait_for(pilot, lambda: graph_of(pilot) == before)
        await wait_for_text(pilot, "undone: add conv2d, re_lu, add and 1 more")


async def test_what_is_wrong_is_said_and_the_line_stays(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        before = graph_of(pilot)
        await open_line(pilot)
        await type_text(pilot, "dense 3 activation=rellu")
        await pilot.press("enter")
        await wait_for_text(pilot, "did you mean relu")
        assert graph_of(pilot) is before
        await pilot.press(*["backspace"] * 5)
        await type_text(pilot, "elu")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        assert graph_of(pilot).nodes["dense"].target == Layer("Dense", {"units": 3, "activation": "elu"})


async def test_an_edit_that_is_refused_keeps_the_line(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await open_line(pilot)
        await type_text(pilot, "add +digit")
        await pilot.press("enter")
        await wait_for_text(pilot, "circle")
        assert isinstance(pilot.app.screen, QuickAdd)
        await pilot.press("escape")
        await wait_for_lab(pilot)


async def test_tab_completes_names_arguments_and_values(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await open_line(pilot)
        await pilot.press(*"batchn", "tab", *"mom", "tab", *".8", "space", *"cen", "tab", "tab", "enter")
        await wait_for_lab(pilot)
        target = graph_of(pilot).nodes["batch_normalization"].target
        assert target == Layer("BatchNormalization", {"momentum": 0.8, "center": True})


async def test_the_catalog_can_be_browsed_without_knowing_a_name(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await open_line(pilot)
        await wait_for_text(pilot, "convolution")
        await pilot.press("enter")
        await wait_for_text(pilot, "choose it with the arrows")
        await pilot.press("down", "down", "down", "down")
        await wait_for_text(pilot, "Identity layer")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        assert graph_of(pilot).nodes["identity"].inputs == ("left",)


async def test_what_is_there_can_be_shared_from_the_list(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await open_line(pilot, "right")
        await type_text(pilot, "share ")
        await pilot.press("down", "enter")
        await wait_for_lab(pilot)
        assert graph_of(pilot).nodes["left_1"].target == Share("left")


async def test_each_node_of_a_line_is_asked_for_what_it_lacks(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await open_line(pilot, "pooled")
        await type_text(pilot, "dense | relu | dense relu")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        for name, units in (("dense", 5), ("dense_1", 7)):
            await wait_for(pilot, lambda: isinstance(pilot.app.screen.focused, EditLine), "a line to type")
            await wait_for(pilot, lambda name=name: lab_of(pilot).now.selected == name, name)
            await type_text(pilot, str(units))
            await pilot.press("enter")
            await wait_for(pilot, lambda name=name, units=units: units_of(pilot, name) == units)
        await wait_for(pilot, lambda: pilot.app.screen.focused and pilot.app.screen.focused.id == "graph")
        assert lab_of(pilot).now.selected == "dense_1"


def units_of(pilot: Pilot[None], name: str) -> object:
    target = graph_of(pilot).nodes[name].target
    assert isinstance(target, Layer)
    return target.arguments.get("units")


async def test_leaving_what_is_asked_for_asks_no_more(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await open_line(pilot, "pooled")
        await type_text(pilot, "dense | dense")
        await pilot.press("enter")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen.focused, EditLine), "a line to type")
        await pilot.press("escape")
        await wait_for(pilot, lambda: pilot.app.screen.focused and pilot.app.screen.focused.id == "graph")
        assert units_of(pilot, "dense_1") is None


async def test_a_burst_of_keys_goes_where_it_is_meant(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        lab_of(pilot).put(lab_of(pilot).now.selecting("left"))
        await pilot.press(
            "a", *"relu", "enter", "a", *"dropout", "space", *".5", "enter", "b", *"bn", "enter"
        )
        await wait_for(pilot, lambda: "batch_normalization" in graph_of(pilot).nodes)
        nodes = graph_of(pilot).nodes
        assert nodes["dropout"].inputs == ("re_lu",)
        assert nodes["dropout"].target == Layer("Dropout", {"rate": 0.5})
        assert nodes["batch_normalization"].inputs == ("dropout",)


async def test_marked_nodes_are_all_merged(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        lab_of(pilot).put(lab_of(pilot).now.marking("left", "right", "image"))
        await pilot.press("m")
        await wait_for_text(pilot, "Merge 3 nodes")
        await type_text(pilot, "m: average")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        assert graph_of(pilot).nodes["m"].inputs == ("left", "right", "image")
        lab_of(pilot).put(lab_of(pilot).now.marking("left", "right"))
        await open_line(pilot, "m")
        await type_text(pilot, "concat | relu")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        assert graph_of(pilot).nodes["concatenate"].inputs == ("left", "right")
        assert graph_of(pilot).nodes["re_lu"].inputs == ("concatenate",)
        assert lab_of(pilot).now.marked == ()


async def test_it_fits_the_smallest_terminal(open_lab: OpenLab) -> None:
    async with open_lab((60, 16)) as pilot:
        await open_line(pilot)
        await type_text(pilot, "conv2d 32 3 padding=")
        await wait_for_text(pilot, "valid")
        screen = screen_text(pilot.app)
        for words in ("Add after left", "conv2d 32 3 padding=", "filters=32", "valid", "enter add"):
            assert words in screen
