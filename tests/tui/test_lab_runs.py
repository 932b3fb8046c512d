"""Training from the lab: start, watch, stop, come back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kflab import document
from kflab.runs.listing import list_runs
from kflab.runs.status import Status
from kflab.tui.headless import screen_text
from tests.tui.conftest import BRANCHES, OpenLab, lab_of, wait_for, wait_for_lab, wait_for_text


async def test_train_shows_curves_until_it_is_done(
    open_lab: OpenLab, stub_trainer: Callable[..., None], runs_dir: Path
) -> None:
    stub_trainer("--epochs", "4", "--pace", "0.001")
    async with open_lab() as pilot:
        await wait_for_text(pilot, "t trains 3 epochs")
        await pilot.press("t")
        await wait_for_text(pilot, "done ─ 4 epochs")
        assert "accuracy" in screen_text(pilot.app)
    [run] = list_runs(runs_dir)
    assert run.status is Status.DONE
    assert document.read(Path(run.path) / "experiment.yaml") == lab_of(pilot).now.experiment
    kept, written = Path(run.path) / "experiment.yaml", lab_of(pilot).now.path
    assert written is not None
    assert kept.read_text() == written.read_text()


async def test_the_hint_counts_the_samples_that_a_limit_leaves(
    open_lab: OpenLab, experiment_file: Path
) -> None:
    experiment_file.write_text(BRANCHES.replace("source: digits", "source: digits, limit: 300"))
    async with open_lab() as pilot:
        await wait_for_text(pilot, "t trains 3 epochs of digits on 300 samples")


async def test_stop_is_asked_for_and_heeded(
    open_lab: OpenLab, stub_trainer: Callable[..., None], runs_dir: Path
) -> None:
    stub_trainer("--epochs", "10000", "--pace", "0.01")
    async with open_lab() as pilot:
        await pilot.press("t")
        await wait_for_text(pilot, "/10,000")
        await pilot.press("s")
        await wait_for_text(pilot, "─ stopped ─")
    assert list_runs(runs_dir)[0].status is Status.STOPPED


async def test_errors_refuse_the_start(open_lab: OpenLab, runs_dir: Path) -> None:
    async with open_lab() as pilot:
        await pilot.press("end", "o", "t")
        await wait_for_text(pilot, "Not started")
    assert list_runs(runs_dir) == []


async def test_leaving_leaves_the_run_alive_and_the_lab_finds_it_again(
    open_lab: OpenLab, stub_trainer: Callable[..., None], runs_dir: Path
) -> None:
    stub_trainer("--epochs", "10000", "--pace", "0.01")
    async with open_lab() as pilot:
        await pilot.press("t")
        await wait_for_text(pilot, "/10,000")
        await pilot.press("q")
        await wait_for(pilot, lambda: not pilot.app.is_running)
    assert list_runs(runs_dir)[0].status is Status.RUNNING
    async with open_lab() as pilot:
        await wait_for_text(pilot, "A run is at work")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        await wait_for_text(pilot, "/10,000")
        await pilot.press("s")
        await wait_for_text(pilot, "─ stopped ─")


async def test_a_small_terminal_goes_to_the_curves_when_training_starts(
    open_lab: OpenLab, stub_trainer: Callable[..., None]
) -> None:
    stub_trainer("--epochs", "3", "--steps", "5")
    async with open_lab((80, 24)) as pilot:
        footer = screen_text(pilot.app).splitlines()[-1]
        assert "t Train" in footer
        assert "? Help" in footer
        await pilot.press("t")
        await wait_for_text(pilot, "Training ─ done")


async def test_crash_is_told(open_lab: OpenLab, stub_trainer: Callable[..., None]) -> None:
    stub_trainer("--epochs", "10000", "--pace", "0.001", "--die-at", "3")
    async with open_lab() as pilot:
        await pilot.press("t")
        await wait_for_text(pilot, "─ crashed ─")


async def test_console_takes_the_place_of_the_curves(
    open_lab: OpenLab, stub_trainer: Callable[..., None]
) -> None:
    stub_trainer("--epochs", "2", "--pace", "0.001")
    async with open_lab() as pilot:
        await pilot.press("t")
        await wait_for_text(pilot, "done ─")
        await pilot.press("O")
        await wait_for_text(pilot, "Console")
        await pilot.press("O")
        await wait_for_text(pilot, "done ─")


async def test_runs_are_listed_and_watched(open_lab: OpenLab, stub_trainer: Callable[..., None]) -> None:
    stub_trainer("--epochs", "2", "--pace", "0.001")
    async with open_lab() as pilot:
        await pilot.press("t")
        await wait_for_text(pilot, "done ─")
        await pilot.press("R")
        await wait_for_text(pilot, "Runs · 1")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        await wait_for_text(pilot, "done ─")
