"""Saving, opening and leaving."""

from __future__ import annotations

from pathlib import Path

import pytest

from kflab import document, presets
from kflab.tui.headless import screen_text
from tests.tui.conftest import (
    OpenLab,
    graph_of,
    lab_of,
    type_text,
    wait_for,
    wait_for_lab,
    wait_for_text,
)


async def test_save_keeps_the_comments_of_the_file(open_lab: OpenLab, experiment_file: Path) -> None:
    async with open_lab() as pilot:
        assert "•" not in screen_text(pilot.app).splitlines()[0]
        lab_of(pilot).put(lab_of(pilot).now.selecting("right"))
        await pilot.press("o")
        await wait_for_text(pilot, "branches.yaml •")
        await pilot.press("w")
        await wait_for(pilot, lambda: not lab_of(pilot).now.unsaved)
    assert document.read(experiment_file).model.outputs == ("digit", "right")
    assert "# one number a map" in experiment_file.read_text()


async def test_preset_is_saved_elsewhere(
    open_lab: OpenLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = presets.path("digits_mlp").read_text()
    async with open_lab(path=presets.path("digits_mlp")) as pilot:
        await pilot.press("end", "up", "d", "w")
        await wait_for_text(pilot, "Save as")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        await wait_for(pilot, (tmp_path / "digits_mlp.yaml").is_file)
        assert lab_of(pilot).now.path == tmp_path / "digits_mlp.yaml"
    assert presets.path("digits_mlp").read_text() == before
    assert "second" not in document.read(tmp_path / "digits_mlp.yaml").model.nodes


async def test_other_file_is_not_overwritten_unasked(open_lab: OpenLab, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("precious")
    async with open_lab() as pilot:
        await pilot.press("W")
        await wait_for_text(pilot, "Save as")
        await type_text(pilot, "other")
        await pilot.press("enter")
        await wait_for_text(pilot, "is there already")
        await pilot.press("escape")
        await wait_for_lab(pilot)
        assert other.read_text() == "precious"


async def test_folder_that_is_missing_is_told(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("W")
        await wait_for_text(pilot, "Save as")
        await type_text(pilot, "nowhere/x.yaml")
        await pilot.press("enter")
        await wait_for_text(pilot, "there is no folder")
        await pilot.press("escape")
        await wait_for_lab(pilot)


async def test_open_a_preset(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("e")
        await wait_for_text(pilot, "presets")
        await type_text(pilot, "digits_mlp")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        assert "hidden" in graph_of(pilot).nodes


async def test_open_a_file_by_its_path(open_lab: OpenLab, tmp_path: Path) -> None:
    other = tmp_path / "sub" / "mlp.yaml"
    other.parent.mkdir()
    other.write_text(presets.path("digits_mlp").read_text())
    async with open_lab() as pilot:
        await pilot.press("e")
        await wait_for_text(pilot, "files in")
        await type_text(pilot, str(other))
        await pilot.press("enter")
        await wait_for_lab(pilot)
        await wait_for(pilot, lambda: lab_of(pilot).now.path == other)


async def test_broken_file_is_told_and_nothing_is_lost(open_lab: OpenLab, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("kflab: 1\nmodel: {nodes: {a: {Dens: {units: 3}}}}\ndata: {source: digits}\n")
    async with open_lab() as pilot:
        before = graph_of(pilot)
        await pilot.press("e")
        await wait_for_text(pilot, "files in")
        await type_text(pilot, str(broken))
        await pilot.press("enter")
        await wait_for_text(pilot, "Dens")
        assert graph_of(pilot) == before


async def test_new_starts_with_the_inputs_of_a_dataset(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("n")
        await wait_for_text(pilot, "New experiment on")
        await type_text(pilot, "tickets")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        nodes = graph_of(pilot).nodes
        assert len(nodes) == 3
        assert all(node.is_input for node in nodes.values())


async def test_leaving_asks_about_changes(open_lab: OpenLab, experiment_file: Path) -> None:
    before = experiment_file.read_text()
    async with open_lab() as pilot:
        await pilot.press("o", "q")
        await wait_for_text(pilot, "Unsaved changes")
        await pilot.press("escape")
        await wait_for_lab(pilot)
        assert pilot.app.is_running
        await pilot.press("q")
        await wait_for_text(pilot, "Unsaved changes")
        await pilot.press("d")
        await wait_for(pilot, lambda: not pilot.app.is_running)
    assert experiment_file.read_text() == before


async def test_leaving_can_save_first(open_lab: OpenLab, experiment_file: Path) -> None:
    async with open_lab() as pilot:
        lab_of(pilot).put(lab_of(pilot).now.selecting("pooled"))
        await pilot.press("o", "q")
        await wait_for_text(pilot, "Unsaved changes")
        await pilot.press("s")
        await wait_for(pilot, lambda: not pilot.app.is_running)
    assert document.read(experiment_file).model.outputs == ("digit", "pooled")


async def test_leaving_without_changes_asks_nothing(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("ctrl+q")
        await wait_for(pilot, lambda: not pilot.app.is_running)
