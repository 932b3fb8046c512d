"""The code pane: the script of what is open as it is edited, lit where the selected node is."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from kflab import code, document, presets
from kflab.graph import edits
from kflab.tui.headless import screen_text
from kflab.tui.highlight import Shade, shade
from kflab.tui.widgets.code import CodePane
from tests.tui.conftest import OpenLab, lab_of, wait_for, wait_for_text


def pane_of(pilot: Pilot[None]) -> CodePane:
    return pilot.app.screen.query_one(CodePane)


def lines_of(pilot: Pilot[None]) -> list[str]:
    return ["".join(piece for piece, _ in line) for line in pane_of(pilot)._lines]


def lit(pilot: Pilot[None]) -> str:
    lines = lines_of(pilot)
    return "\n".join(lines[number] for number in sorted(pane_of(pilot)._lit))


async def test_code_is_the_script_and_follows_the_selection(open_lab: OpenLab, experiment_file: Path) -> None:
    async with open_lab() as pilot:
        await pilot.press("v", "1", "down")
        await wait_for(pilot, lambda: 'name="left"' in lit(pilot), "the line of left")
        script = code.script(document.read(experiment_file), experiment_file.parent)
        assert "\n".join(lines_of(pilot)) + "\n" == script
        await wait_for_text(pilot, "▌ left = layers.Conv2D(16, 3")
        await pilot.press("end")
        await wait_for(pilot, lambda: lit(pilot).startswith("digit = layers.Dense(10"), "the line of digit")
        await wait_for_text(pilot, "▌ digit = layers.Dense(10")


async def test_an_edit_and_its_undo_are_in_the_code(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("v", "1")
        await wait_for(pilot, lambda: "joined" in "\n".join(lines_of(pilot)), "the code")
        lab = lab_of(pilot)
        lab.put(lab.now.edited(edits.delete(lab.now.experiment, "", "pooled")))
        await wait_for(pilot, lambda: 'name="pooled"' not in "\n".join(lines_of(pilot)), "the edit")
        await pilot.press("u")
        await wait_for(pilot, lambda: 'name="pooled"' in "\n".join(lines_of(pilot)), "its undo")


async def test_v_shows_code_and_the_node_again_and_code_is_a_tab_where_there_is_little_room(
    open_lab: OpenLab,
) -> None:
    async with open_lab() as pilot:
        await pilot.press("v")
        await wait_for_text(pilot, "─ Code ─")
        assert pilot.app.screen.focused is pane_of(pilot)
        await pilot.press("v")
        await wait_for_text(pilot, "image · Input")
        await pilot.resize_terminal(80, 24)
        await wait_for_text(pilot, "6 Code")
        await pilot.press("6")
        await wait_for_text(pilot, "▌ image = keras.Input")
        await pilot.press("home")
        await wait_for_text(pilot, "import keras")
        await pilot.press("end")
        await wait_for_text(pilot, 'model.save("model.keras")')
        await pilot.press("escape")
        await wait_for_text(pilot, "Conv2D 16 3×3 relu")


async def test_code_scrolls_into_the_nested_model_that_is_open(open_lab: OpenLab) -> None:
    async with open_lab(path=presets.path("digits_autoencoder")) as pilot:
        await pilot.press("v", "1", "down", "enter")
        await wait_for(
            pilot, lambda: lit(pilot).strip().startswith("picture = keras.Input"), "the nested model"
        )
        await wait_for_text(pilot, "▌     picture = keras.Input(shape=(8, 8, 1)")


async def test_what_is_missing_is_told_in_one_line_and_what_there_is_is_shown(
    open_lab: OpenLab, tmp_path: Path
) -> None:
    path = tmp_path / "unfinished.yaml"
    path.write_text(
        "kflab: 1\ndata: {source: digits}\nmodel:\n  nodes:\n    image: {Input: {shape: [8, 8, 1]}}\n"
        "    half: {Conv2D: {kernel_size: 3}, from: image}\n"
        "    joined: {Concatenate: {}}\n  outputs: [joined]\n"
    )
    async with open_lab(path=path) as pilot:
        await pilot.press("v")
        await wait_for_text(pilot, "# half = layers.Conv2D(")
        await wait_for_text(pilot, 'joined = layers.Concatenate(name="joined")(...)')
        await wait_for_text(pilot, "✗ ")
        assert "Conv2D needs filters" in str(pane_of(pilot).border_subtitle)
        assert "\n" not in str(pane_of(pilot).border_subtitle)
        assert "Traceback" not in screen_text(pilot.app)


async def test_hidden_code_is_not_written(open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[object] = []
    monkeypatch.setattr("kflab.tui.live_code.sketch", lambda *args, **_: written.append(args))
    async with open_lab() as pilot:
        lab = lab_of(pilot)
        lab.put(lab.now.edited(edits.delete(lab.now.experiment, "", "pooled")))
        await wait_for(pilot, lambda: not lab.now.stale, "the answer of the engine")
        assert not written


def test_code_is_drawn_in_shades() -> None:
    lines = ['"""Words of', 'a class."""', "import keras", 'x = f(1, name="a")  # why']
    first, second, third, fourth = shade(lines)
    assert first[0][1] is second[0][1] is Shade.COMMENT
    assert ("import", Shade.KEYWORD) in third
    assert {piece: way for piece, way in fourth if way is not Shade.PLAIN} == {
        "1": Shade.VALUE,
        '"a"': Shade.VALUE,
        "# why": Shade.COMMENT,
    }
    assert ["".join(piece for piece, _ in line) for line in shade(lines)] == lines
