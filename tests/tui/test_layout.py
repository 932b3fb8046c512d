"""What is where, at every size, by key and by mouse."""

from __future__ import annotations

from pathlib import Path

import pytest

from kflab import presets
from kflab.tui.app import Lab
from kflab.tui.headless import screen_text
from kflab.tui.keys import Pane
from kflab.tui.widgets.footer import tab_names
from tests.tui.conftest import OpenLab, StubEngine, graph_of, lab_of, wait_for, wait_for_text


async def test_wide_terminal_shows_graph_node_and_training_at_once(open_lab: OpenLab) -> None:
    async with open_lab((120, 40)) as pilot:
        text = screen_text(pilot.app)
        assert all(title in text for title in ("Graph", "image · Input", "Training"))
        assert "1 Graph" not in text


async def test_small_terminal_shows_one_pane_under_tabs(open_lab: OpenLab) -> None:
    async with open_lab((80, 24)) as pilot:
        text = screen_text(pilot.app)
        assert all(f"{number} {pane}" in text for number, pane in enumerate(Pane, 1))
        assert "Conv2D 16 3×3 relu" in text
        assert "Training" not in text
        for digit, title in (
            ("2", "image · Input"),
            ("3", "optimizer"),
            ("4", "Training"),
            ("5", "summary of"),
            ("6", "keras.Input("),
        ):
            await pilot.press(digit)
            await wait_for_text(pilot, title)
            assert "Conv2D 16 3×3 relu" not in screen_text(pilot.app)


async def test_resizing_changes_between_all_panes_and_one(open_lab: OpenLab) -> None:
    async with open_lab((120, 40)) as pilot:
        await pilot.resize_terminal(80, 24)
        await wait_for_text(pilot, "1 Graph")
        await pilot.resize_terminal(40, 10)
        await wait_for_text(pilot, "kflab needs 60×16")
        await pilot.resize_terminal(120, 40)
        await wait_for_text(pilot, "Training")
        await wait_for_text(pilot, "image · Input")
        assert "kflab needs" not in screen_text(pilot.app)


@pytest.mark.parametrize(
    "size", [(60, 16), (61, 20), (80, 24), (110, 32), (200, 60), (59, 16), (20, 5), (1, 1)]
)
@pytest.mark.parametrize("preset", ["digits_mlp", "tickets", "ensemble", "digits_siamese"])
async def test_every_pane_fits_every_size(open_lab: OpenLab, preset: str, size: tuple[int, int]) -> None:
    async with open_lab(size, path=presets.path(preset)) as pilot:
        for digit in "123456":
            await pilot.press(digit)
        assert all(len(line) <= size[0] for line in screen_text(pilot.app).splitlines())


async def test_cursor_moves_by_letters_arrows_and_ends(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        for keys, node in (
            (["j"], "left"),
            (["down"], "right"),
            (["k"], "left"),
            (["up"], "image"),
            (["end"], "digit"),
            (["home"], "image"),
            (["pagedown"], "digit"),
            (["pageup"], "image"),
            (["up"], "image"),
        ):
            await pilot.press(*keys)
            await wait_for(pilot, lambda node=node: lab_of(pilot).now.selected == node, node)


async def test_mouse_selects_opens_and_presses_the_footer(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        lines = screen_text(pilot.app).splitlines()
        row = next(index for index, line in enumerate(lines) if "pooled" in line)
        await pilot.click(offset=(12, row))
        await wait_for(pilot, lambda: lab_of(pilot).now.selected == "pooled")
        footer = lines[-1]
        await pilot.click(offset=(footer.index("Delete"), len(lines) - 1))
        await wait_for(pilot, lambda: "pooled" not in graph_of(pilot).nodes)


async def test_mouse_changes_panes_by_the_tabs(open_lab: OpenLab) -> None:
    async with open_lab((80, 24)) as pilot:
        bar = screen_text(pilot.app).splitlines()[1]
        await pilot.click(offset=(bar.index("Setup"), 1))
        await wait_for_text(pilot, "optimizer")


async def test_setup_takes_the_place_of_the_node_and_back(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("g")
        await wait_for_text(pilot, "optimizer")
        await pilot.press("g")
        await wait_for_text(pilot, "image · Input")
        await pilot.press("V")
        await wait_for_text(pilot, "summary of image")
        await pilot.press("escape")
        assert pilot.app.screen.focused is not None
        assert pilot.app.screen.focused.id == "graph"


async def test_nested_model_is_entered_and_left(open_lab: OpenLab) -> None:
    async with open_lab(path=presets.path("digits_autoencoder")) as pilot:
        name = next(name for name in graph_of(pilot).nodes if "▸" in _row(pilot, name))
        lab_of(pilot).put(lab_of(pilot).now.selecting(name))
        outer = graph_of(pilot)
        await pilot.press("enter")
        await wait_for_text(pilot, "Graph › ")
        assert graph_of(pilot) != outer
        await pilot.press("escape")
        await wait_for(pilot, lambda: graph_of(pilot) == outer)


def _row(pilot, name: str) -> str:  # type: ignore[no-untyped-def]
    lines = screen_text(pilot.app).splitlines()
    return next((line for line in lines if f" {name} " in line), "")


async def test_thousand_nodes_scroll(runs_dir: Path, tmp_path: Path) -> None:
    nodes = ["    n0: {Input: {shape: [8]}}"]
    nodes += [f"    n{number}: {{Dense: {{units: 8}}, from: n{number - 1}}}" for number in range(1, 1000)]
    path = tmp_path / "long.yaml"
    path.write_text(
        "kflab: 1\ndata: {source: digits}\nmodel:\n  nodes:\n"
        + "\n".join(nodes)
        + "\n  outputs: [n999]\ntraining: {loss: MeanSquaredError}\n"
    )
    lab = Lab(path, make_engine=StubEngine)
    async with lab.run_test(size=(120, 40)) as pilot:
        await wait_for(pilot, lambda: lab.session and not lab.session.stale)
        assert "1,000 nodes" in screen_text(lab)
        await pilot.press("end")
        await wait_for_text(pilot, "n999")
        await pilot.press("home")
        await wait_for_text(pilot, "n0 ")


async def test_plain_ascii(runs_dir: Path, experiment_file: Path) -> None:
    lab = Lab(experiment_file, make_engine=StubEngine, ascii_only=True)
    async with lab.run_test(size=(120, 40)) as pilot:
        await wait_for(pilot, lambda: lab.session and not lab.session.stale)
        drawn = "".join(
            segment.text
            for strip in lab.screen._compositor.render_strips()
            for line_filter in lab.get_line_filters()
            if type(line_filter).__name__ == "AsciiFilter"
            for segment in line_filter.apply(list(strip), lab.screen.background_colors[1])
        )
        assert "Conv2D 16 3x3 relu" in drawn
        assert drawn.isascii()


def test_panes_are_numbered_in_their_order() -> None:
    first = ["Graph", "Node", "Setup", "Train", "Summary", "Code"]
    assert [pane.value for pane in Pane][: len(first)] == first


def test_the_tabs_fit_and_the_one_that_is_shown_is_told_in_full() -> None:
    for width in (58, 78, 108):
        for now in Pane:
            names, gap = tab_names(now, width)
            assert (
                sum(len(f"{number} {name}") for number, name in enumerate(names)) + gap * len(names[1:])
                <= width
            )
            assert now.value in names
    assert tab_names(Pane.GRAPH, 200) == ([pane.value for pane in Pane], 3)
