"""Nothing is lost: changes that were not saved are kept beside the file and offered back after a crash."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from kflab import document, recovery
from kflab.recovery import Found
from kflab.runs.process import identify
from kflab.tui import keeping
from kflab.tui.app import Recovery
from tests.tui.conftest import OpenLab, graph_of, lab_of, wait_for, wait_for_lab, wait_for_text


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "PAUSE", 0.02)


def kept(path: Path) -> list[Found]:
    return recovery.find(path)


async def make_output(pilot: Pilot[None], node: str) -> None:
    lab_of(pilot).put(lab_of(pilot).now.selecting(node))
    await pilot.press("o")
    await wait_for_text(pilot, "•")


async def crash_after(open_lab: OpenLab, path: Path, node: str = "pooled") -> None:
    """A lab that edits a file and then is gone: what it kept seems to come from another process."""
    async with open_lab(path=path) as pilot:
        await make_output(pilot, node)
        await wait_for(pilot, lambda: kept(path), "the recovery file")
    bury(kept(path)[0].place)


def bury(place: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        dead = identify(process.pid)
    own(place, lambda unsaved: msgspec.structs.replace(unsaved, process=dead))


def own(place: Path, change: Callable[[recovery.Unsaved], recovery.Unsaved]) -> None:
    recovery.keep(change(recovery.read(place)), place)


async def test_changes_are_kept_as_they_are_made_and_go_with_a_save(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    async with open_lab() as pilot:
        assert kept(experiment_file) == []
        await make_output(pilot, "right")
        await wait_for(pilot, lambda: kept(experiment_file), "the recovery file")
        unsaved = kept(experiment_file)[0].unsaved
        assert unsaved is not None
        assert unsaved.experiment() == lab_of(pilot).now.experiment
        assert unsaved.edits == 1
        await pilot.press("w")
        await wait_for(pilot, lambda: not kept(experiment_file), "the end of the recovery file")


async def test_changes_that_are_undone_are_not_kept(open_lab: OpenLab, experiment_file: Path) -> None:
    async with open_lab() as pilot:
        await make_output(pilot, "right")
        await wait_for(pilot, lambda: kept(experiment_file))
        await pilot.press("u")
        await wait_for(pilot, lambda: not kept(experiment_file), "the end of the recovery file")


async def test_changes_that_a_person_discards_are_not_kept(open_lab: OpenLab, experiment_file: Path) -> None:
    async with open_lab() as pilot:
        await make_output(pilot, "right")
        await wait_for(pilot, lambda: kept(experiment_file))
        await pilot.press("ctrl+q")
        await wait_for_text(pilot, "Unsaved changes")
        await pilot.press("d")
        await wait_for(pilot, lambda: not pilot.app.is_running)
    assert kept(experiment_file) == []


async def test_an_edit_right_before_the_end_is_kept(
    open_lab: OpenLab, experiment_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "PAUSE", 60.0)
    async with open_lab() as pilot:
        await make_output(pilot, "right")
    assert kept(experiment_file)[0].unsaved is not None


async def test_unsaved_changes_are_restored_with_undo_to_the_file(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    await crash_after(open_lab, experiment_file)
    before = document.read(experiment_file)
    async with open_lab(recovery=Recovery.OFFER) as pilot:
        await wait_for_text(pilot, "branches.yaml has 1 edit from")
        await pilot.press("r")
        await wait_for_lab(pilot)
        assert graph_of(pilot).outputs == ("digit", "pooled")
        assert lab_of(pilot).now.unsaved
        await pilot.press("u")
        await wait_for(pilot, lambda: graph_of(pilot).outputs == ("digit",))
        assert lab_of(pilot).now.experiment == before
        assert not lab_of(pilot).now.unsaved
        await wait_for(pilot, lambda: not kept(experiment_file))
        await pilot.press("U", "w")
        await wait_for(pilot, lambda: not lab_of(pilot).now.unsaved)
    assert document.read(experiment_file).model.outputs == ("digit", "pooled")
    assert "# one number a map" in experiment_file.read_text()


async def test_a_second_crash_right_after_restoring_loses_nothing(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    await crash_after(open_lab, experiment_file)
    async with open_lab(recovery=Recovery.OFFER) as pilot:
        await wait_for_text(pilot, "not saved")
        await pilot.press("r")
        await wait_for_lab(pilot)
    (found,) = kept(experiment_file)
    assert found.unsaved is not None
    assert found.unsaved.process.pid == os.getpid()
    assert found.unsaved.experiment().model.outputs == ("digit", "pooled")


async def test_unsaved_changes_can_be_looked_at_and_discarded(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    await crash_after(open_lab, experiment_file)
    async with open_lab(size=(80, 24), recovery=Recovery.OFFER) as pilot:
        await wait_for_text(pilot, "not saved")
        await pilot.press("l")
        await wait_for_text(pilot, "+  outputs: [digit, pooled]")
        await pilot.press("escape")
        await wait_for_text(pilot, "not saved")
        await pilot.press("d")
        await wait_for_lab(pilot)
        assert graph_of(pilot).outputs == ("digit",)
    assert kept(experiment_file) == []


async def test_leaving_the_question_open_keeps_the_changes(open_lab: OpenLab, experiment_file: Path) -> None:
    await crash_after(open_lab, experiment_file)
    async with open_lab(recovery=Recovery.OFFER) as pilot:
        await wait_for_text(pilot, "not saved")
        await pilot.press("escape")
        await wait_for_lab(pilot)
        await make_output(pilot, "left")
        await wait_for(pilot, lambda: len(kept(experiment_file)) == 2, "two recovery files")
    outputs = {found.unsaved.experiment().model.outputs for found in kept(experiment_file) if found.unsaved}
    assert outputs == {("digit", "pooled"), ("digit", "left")}


async def test_a_file_that_is_open_in_another_lab_is_told(open_lab: OpenLab, experiment_file: Path) -> None:
    await crash_after(open_lab, experiment_file)
    place = kept(experiment_file)[0].place
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        alive = identify(process.pid)
        own(place, lambda unsaved: msgspec.structs.replace(unsaved, process=alive))
        async with open_lab(recovery=Recovery.OFFER) as pilot:
            await wait_for_text(pilot, "is open in another lab")
            assert place.exists()


async def test_a_damaged_recovery_file_is_told_and_set_aside(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    place = next(recovery.places(str(experiment_file)))
    place.write_bytes(b'{"format": 1, "sou')
    async with open_lab(recovery=Recovery.OFFER) as pilot:
        await wait_for_text(pilot, "can not be restored")
    assert not place.exists()
    assert place.with_name(f"{place.name}-damaged").read_bytes() == b'{"format": 1, "sou'


async def test_an_experiment_without_a_file_is_offered_at_the_next_start(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    async with open_lab() as pilot:
        await pilot.press("n")
        await wait_for_text(pilot, "New experiment on")
        await pilot.press(*"iris", "enter")
        await wait_for_lab(pilot)
        await wait_for(pilot, recovery.find_nameless)
    bury(recovery.find_nameless()[0].place)
    async with open_lab(recovery=Recovery.OFFER_ALL) as pilot:
        await wait_for_text(pilot, "new_iris has changes from")
        await pilot.press("r")
        await wait_for_lab(pilot)
        await wait_for(pilot, lambda: lab_of(pilot).now.source == "new_iris")
        assert lab_of(pilot).now.unsaved


async def test_restoring_over_a_file_that_changed_since_asks_at_the_save(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    await crash_after(open_lab, experiment_file)
    experiment_file.write_text(experiment_file.read_text().replace("epochs: 3", "epochs: 4"))
    async with open_lab(recovery=Recovery.OFFER) as pilot:
        await wait_for_text(pilot, "The file was written at")
        await pilot.press("r")
        await wait_for_lab(pilot)
        await pilot.press("w")
        await wait_for_text(pilot, "Changed on disk")
        await pilot.press("k")
        await wait_for(pilot, lambda: not lab_of(pilot).now.unsaved)
    assert document.read(experiment_file).training.epochs == 3


async def test_a_file_that_is_gone_or_broken_is_restored_all_the_same(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    await crash_after(open_lab, experiment_file)
    for content in ("kflab: [", None):
        if content is None:
            experiment_file.unlink()
        else:
            experiment_file.write_text(content)
        async with open_lab(recovery=Recovery.RESTORE) as pilot:
            assert graph_of(pilot).outputs == ("digit", "pooled")
            assert lab_of(pilot).now.unsaved
    async with open_lab(recovery=Recovery.RESTORE) as pilot:
        await pilot.press("w")
        await wait_for(pilot, lambda: not lab_of(pilot).now.unsaved)
    assert document.read(experiment_file).model.outputs == ("digit", "pooled")


async def test_what_can_not_be_kept_is_told_once(
    open_lab: OpenLab, experiment_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recovery, "replace", full)
    async with open_lab() as pilot:
        await make_output(pilot, "right")
        await wait_for_text(pilot, "can not be kept")
        assert lab_of(pilot).now.unsaved
    assert kept(experiment_file) == []
