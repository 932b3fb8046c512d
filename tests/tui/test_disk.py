"""The experiment's file while it is open: somebody else writes it, breaks it, deletes it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from kflab import document
from kflab.tui.actions import disk
from kflab.tui.headless import screen_text
from tests.tui.conftest import OpenLab, graph_of, lab_of, wait_for, wait_for_lab, wait_for_text


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "INTERVAL", 0.05)


@pytest.fixture
def never_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "INTERVAL", 3600.0)


def change(path: Path, old: str = "epochs: 3", new: str = "epochs: 44") -> None:
    path.write_text(path.read_text().replace(old, new))


async def test_a_file_that_changed_is_loaded_where_nothing_is_unsaved(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    async with open_lab() as pilot:
        change(experiment_file)
        await wait_for(pilot, lambda: lab_of(pilot).now.experiment.training.epochs == 44)
        await wait_for_text(pilot, "was changed on disk and is loaded")
        assert not lab_of(pilot).now.unsaved
        await pilot.press("u")
        await wait_for(pilot, lambda: lab_of(pilot).now.experiment.training.epochs == 3)
        assert lab_of(pilot).now.unsaved


async def test_a_comment_by_somebody_else_survives_the_next_save(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    async with open_lab() as pilot:
        before = lab_of(pilot).now
        change(experiment_file, "# one number a map", "# theirs")
        await wait_for(pilot, lambda: lab_of(pilot).now.disk != before.disk)
        assert lab_of(pilot).now.experiment is before.experiment
        lab_of(pilot).put(lab_of(pilot).now.selecting("right"))
        await pilot.press("o", "w")
        await wait_for(pilot, lambda: not lab_of(pilot).now.unsaved)
    assert "# theirs" in experiment_file.read_text()
    assert document.read(experiment_file).model.outputs == ("digit", "right")


@pytest.mark.parametrize("answer", ["k", "t", "a"])
async def test_a_file_that_changed_on_both_sides_is_asked_about(
    open_lab: OpenLab, experiment_file: Path, answer: str
) -> None:
    async with open_lab() as pilot:
        lab_of(pilot).put(lab_of(pilot).now.selecting("right"))
        await pilot.press("o")
        change(experiment_file)
        await wait_for_text(pilot, "Changed on disk")
        await pilot.press(answer)
        if answer == "a":
            await wait_for_text(pilot, "Save as")
            await pilot.press(*"mine", "enter")
            await wait_for(pilot, lambda: lab_of(pilot).now.path == experiment_file.with_name("mine.yaml"))
            assert document.read(experiment_file).training.epochs == 44
            return
        await wait_for_lab(pilot)
        if answer == "t":
            assert lab_of(pilot).now.experiment.training.epochs == 44
            assert not lab_of(pilot).now.unsaved
            await pilot.press("u")
            await wait_for(pilot, lambda: graph_of(pilot).outputs == ("digit", "right"))
            return
        await pilot.press("w")
        await wait_for(pilot, lambda: not lab_of(pilot).now.unsaved)
        assert document.read(experiment_file).training.epochs == 3


async def test_a_save_never_overwrites_what_somebody_else_wrote(
    open_lab: OpenLab, experiment_file: Path, never_look: None
) -> None:
    async with open_lab() as pilot:
        lab_of(pilot).put(lab_of(pilot).now.selecting("right"))
        await pilot.press("o")
        change(experiment_file)
        theirs = experiment_file.read_text()
        await pilot.press("w")
        await wait_for_text(pilot, "Changed on disk")
        assert experiment_file.read_text() == theirs
        await pilot.press("escape")
        await wait_for_lab(pilot)
        assert experiment_file.read_text() == theirs
        # It is asked again and again, until it is decided; then it is saved.
        await pilot.press("q")
        await wait_for_text(pilot, "Unsaved changes")
        await pilot.press("s")
        await wait_for_text(pilot, "Changed on disk")
        await pilot.press("k")
        await wait_for(pilot, lambda: not pilot.app.is_running)
    assert document.read(experiment_file).model.outputs == ("digit", "right")


async def test_a_file_that_is_no_experiment_any_more_is_told_and_nothing_is_lost(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    async with open_lab() as pilot:
        before = lab_of(pilot).now.experiment
        experiment_file.write_text("kflab: [")
        await wait_for_text(pilot, "was changed on disk: ")
        assert lab_of(pilot).now.experiment is before
        assert lab_of(pilot).now.unsaved
        await pilot.press("w")
        await wait_for_text(pilot, "is no experiment now")
        assert "Load theirs" not in screen_text(pilot.app)
        await pilot.press("k")
        await wait_for(pilot, lambda: not lab_of(pilot).now.unsaved)
    assert document.read(experiment_file) == before


async def test_a_file_that_is_gone_is_told_and_written_again(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    async with open_lab() as pilot:
        experiment_file.unlink()
        await wait_for_text(pilot, "is gone from disk")
        await wait_for(pilot, lambda: lab_of(pilot).now.unsaved)
        await pilot.press("w")
        await wait_for(pilot, experiment_file.is_file)
        await wait_for(pilot, lambda: not lab_of(pilot).now.unsaved)


async def test_an_edit_during_a_save_stays_unsaved(
    open_lab: OpenLab, experiment_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, write = threading.Event(), document.write

    def slow(*arguments: object, **options: object) -> object:
        assert go_on.wait(10)
        return write(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(document, "write", slow)
    async with open_lab() as pilot:
        lab_of(pilot).put(lab_of(pilot).now.selecting("right"))
        await pilot.press("o", "w")
        # The lab goes on while the file is written.
        lab_of(pilot).put(lab_of(pilot).now.selecting("left"))
        await pilot.press("o")
        await wait_for(pilot, lambda: "left" in graph_of(pilot).outputs)
        go_on.set()
        await wait_for(pilot, lambda: "right" in document.read(experiment_file).model.outputs)
        await asyncio.sleep(0)
        await wait_for_text(pilot, "saved")
        assert lab_of(pilot).now.unsaved
        assert lab_of(pilot).now.edits == 1
        await pilot.press("w")
        await wait_for(pilot, lambda: not lab_of(pilot).now.unsaved)
    assert document.read(experiment_file).model.outputs == ("digit", "right", "left")


async def test_a_file_that_can_not_be_written_is_told(
    open_lab: OpenLab, experiment_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("kflab.document.replace", refuse)
    async with open_lab() as pilot:
        await pilot.press("o", "w")
        await wait_for_text(pilot, "is not saved")
        assert lab_of(pilot).now.unsaved
