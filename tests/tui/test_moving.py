"""Moving over the graph by key: along edges, into and out of folds, to a node by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from kflab import document, presets
from kflab.experiment import Data, Experiment
from kflab.graph.nodes import Graph, Layer, Node
from kflab.tui.headless import screen_text
from kflab.tui.rows.row import Option
from kflab.tui.screens.choose import matches
from tests.bench.graphs import residual
from tests.tui.conftest import OpenLab, graph_of, lab_of, type_text, wait_for, wait_for_lab, wait_for_text


def chain() -> Experiment:
    nodes = {"x": Node(Layer("Input", {"shape": [8, 8, 3]}))}
    last = "x"
    for block in range(3):
        nodes[f"conv{block}"] = Node(Layer("Conv2D", {"filters": 8, "kernel_size": 3}), (last,))
        nodes[f"norm{block}"] = Node(Layer("BatchNormalization"), (f"conv{block}",))
        nodes[f"relu{block}"] = Node(Layer("ReLU"), (f"norm{block}",))
        last = f"relu{block}"
    nodes["flat"] = Node(Layer("Flatten"), (last,))
    nodes["digit"] = Node(Layer("Dense", {"units": 10}), ("flat",))
    return Experiment(data=Data(source="digits"), model=Graph(nodes=nodes, outputs=("digit",)))


@pytest.fixture
def chain_file(tmp_path: Path) -> Path:
    path = tmp_path / "chain.yaml"
    path.write_text(document.dump(chain()))
    return path


def selected(pilot: Pilot[None]) -> str:
    return lab_of(pilot).now.selected


def row(pilot: Pilot[None]) -> str:
    return lab_of(pilot).now.row


def lines(pilot: Pilot[None]) -> int:
    return len(lab_of(pilot).now.picture.lines)


async def test_left_and_right_follow_an_edge_and_ask_where_there_are_several(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        lab_of(pilot).put(lab_of(pilot).now.selecting("joined"))
        await pilot.press("right")
        await wait_for(pilot, lambda: selected(pilot) == "pooled")
        await pilot.press("left")
        await wait_for(pilot, lambda: selected(pilot) == "joined")
        await pilot.press("left")
        await wait_for_text(pilot, "Inputs of joined")
        assert "Conv2D 16 5×5 relu" in screen_text(pilot.app)
        await type_text(pilot, "right")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        await wait_for(pilot, lambda: selected(pilot) == "right")
        await pilot.press("left", "left")
        await wait_for_text(pilot, "image has no input")
        assert selected(pilot) == "image"


async def test_a_block_is_folded_at_the_cursor_and_opened_again(open_lab: OpenLab, chain_file: Path) -> None:
    async with open_lab(path=chain_file) as pilot:
        assert lines(pilot) == 12
        await pilot.press("down", "down", "z")
        await wait_for_text(pilot, "conv → bn → relu ×3")
        assert lines(pilot) == 4
        assert " 90 " in next(line for line in screen_text(pilot.app).splitlines() if "×3" in line)
        # What is done with the fold is done with all its nodes.
        await pilot.press("d")
        await wait_for(pilot, lambda: len(graph_of(pilot).nodes) == 3)
        await pilot.press("u")
        await wait_for(pilot, lambda: len(graph_of(pilot).nodes) == 12)
        assert lines(pilot) == 4
        await pilot.press("home", "down")
        await wait_for(pilot, lambda: selected(pilot) == "relu2")
        await pilot.press("left")
        await wait_for(pilot, lambda: selected(pilot) == "x")
        await pilot.press("right", "right")
        await wait_for(pilot, lambda: selected(pilot) == "flat")
        await pilot.press("up", "enter")
        await wait_for(pilot, lambda: lines(pilot) == 12)
        assert selected(pilot) == "conv0"


async def test_find_and_undo_open_the_fold_that_hides_a_node(open_lab: OpenLab, chain_file: Path) -> None:
    async with open_lab(path=chain_file) as pilot:
        await pilot.press("down", "down", "d")
        await wait_for(pilot, lambda: "norm0" not in graph_of(pilot).nodes)
        await pilot.press("Z")
        await pilot.press("u")
        await wait_for(pilot, lambda: "norm0" in graph_of(pilot).nodes)
        await pilot.press("Z")
        await wait_for(pilot, lambda: lines(pilot) == 4, "the folded graph")
        await pilot.press("slash")
        await wait_for_text(pilot, "Find a node")
        await type_text(pilot, "nm1")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        await wait_for(pilot, lambda: selected(pilot) == "norm1")
        assert lines(pilot) == 12


async def test_an_edit_leaves_a_fold_elsewhere_closed(open_lab: OpenLab, chain_file: Path) -> None:
    async with open_lab(path=chain_file) as pilot:
        await pilot.press("down", "z", "end", "d")
        await wait_for(pilot, lambda: "digit" not in graph_of(pilot).nodes)
        await wait_for(pilot, lambda: lines(pilot) == 3)
        await pilot.press("u")
        await wait_for(pilot, lambda: lines(pilot) == 4)


async def test_a_nested_model_unfolds_below_its_call_to_be_read_and_entered(open_lab: OpenLab) -> None:
    async with open_lab(path=presets.path("digits_autoencoder")) as pilot:
        await pilot.press("down", "z")
        await wait_for_text(pilot, "encoder ▾")
        await pilot.press("down", "down")
        await wait_for(pilot, lambda: row(pilot) == "encoded/edges")
        before = graph_of(pilot)
        await pilot.press("d", "r", "x")
        assert graph_of(pilot) == before
        await pilot.press("left")
        await wait_for(pilot, lambda: row(pilot) == "encoded/picture")
        await pilot.press("right", "enter")
        await wait_for_text(pilot, "Graph › encoder")
        assert selected(pilot) == "edges"
        await pilot.press("escape")
        await wait_for(pilot, lambda: graph_of(pilot) == before)
        assert "encoder ▾" in screen_text(pilot.app)
        await pilot.press("z")
        await wait_for_text(pilot, "encoder ▸")


async def test_everything_folds_and_opens_at_once(open_lab: OpenLab) -> None:
    async with open_lab(path=presets.path("digits_autoencoder")) as pilot:
        await pilot.press("Z")
        await wait_for(pilot, lambda: lines(pilot) == 15)
        await pilot.press("Z")
        await wait_for(pilot, lambda: lines(pilot) == 3)


async def test_a_large_graph_opens_folded_and_can_be_taken_in_at_a_glance(
    open_lab: OpenLab, tmp_path: Path
) -> None:
    path = tmp_path / "residual.yaml"
    path.write_text(document.dump(residual(160)))
    async with open_lab(path=path) as pilot:
        assert lines(pilot) < 25
        await wait_for_text(pilot, "×")
        await pilot.press("end")
        await wait_for(pilot, lambda: selected(pilot) == list(graph_of(pilot).nodes)[-1])
        await pilot.press("a")
        assert len(graph_of(pilot).nodes) > 60


def test_typing_finds_by_letters_in_order_last() -> None:
    options = [
        Option(name, name, detail=detail)
        for name, detail in (("conv2_block1_1_conv", "Conv2D"), ("c2b1", "Dense"), ("pool", "c2b1"))
    ]
    assert [option.label for option in matches(options, "c2b1")] == ["c2b1", "pool", "conv2_block1_1_conv"]
    assert [option.label for option in matches(options, "blk1")] == ["conv2_block1_1_conv"]
    assert matches(options, "xyz") == []
