"""Steering a run from the lab: keys, what is said of them, and marks on the curves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kflab.runs.events import Steered
from kflab.runs.follow import Follow
from kflab.runs.listing import list_runs
from kflab.runs.status import Status
from kflab.tui.headless import screen_text
from tests.tui.conftest import OpenLab, lab_of, type_text, wait_for, wait_for_lab, wait_for_text


def answers(runs_dir: Path) -> list[Steered]:
    follow = Follow(Path(list_runs(runs_dir)[0].path))
    while follow.poll():
        pass
    return follow.state.steered


async def test_every_key_steers_the_run_and_tells_what_became_of_it(
    open_lab: OpenLab, stub_trainer: Callable[..., None], runs_dir: Path
) -> None:
    stub_trainer("--epochs", "40", "--pace", "0.02", "--steps", "20")
    async with open_lab() as pilot:
        await pilot.press("t")
        await wait_for_text(pilot, "epoch 1/40")
        await pilot.press("4", "space")
        await wait_for_text(pilot, "─ paused ─")
        await wait_for_text(pilot, "╰─ pause was done ─")
        assert list_runs(runs_dir)[0].status is Status.PAUSED

        await pilot.press("k")
        await wait_for_text(pilot, "It is 1e-3 now")
        await type_text(pilot, "fast")
        await pilot.press("enter")
        await wait_for_text(pilot, "expected a learning rate")
        await pilot.press("ctrl+u")
        await type_text(pilot, "x0.5")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        await wait_for_text(pilot, "lr 1e-3 → 5e-4")

        await pilot.press("plus")
        await wait_for_text(pilot, "/41")
        await pilot.press("minus")
        await wait_for_text(pilot, "/40")
        await pilot.press("V")
        await wait_for_text(pilot, "╰─ evaluate was done ─")
        await pilot.press("w")
        await wait_for_text(pilot, "╰─ snapshot was done ─")
        await pilot.press("space")
        await wait_for(pilot, lambda: "─ paused ─" not in screen_text(pilot.app), "the end of the pause")
        await pilot.press("s")
        await wait_for_text(pilot, "─ stopped ─")
    kinds = [answer.request for answer in answers(runs_dir)]
    assert kinds == ["pause", "rate", "epochs", "epochs", "evaluate", "snapshot", "go_on", "stop"]


async def test_a_key_pressed_twice_takes_back_what_it_asked(
    open_lab: OpenLab, stub_trainer: Callable[..., None], runs_dir: Path
) -> None:
    stub_trainer("--epochs", "10000", "--pace", "0.02")
    async with open_lab() as pilot:
        await pilot.press("t")
        await wait_for_text(pilot, "/10,000")
        await pilot.press("4", "space", "space")
        await wait_for(pilot, lambda: len(answers(runs_dir)) == 2, "two answers")
        assert [answer.request for answer in answers(runs_dir)] == ["pause", "go_on"]
        await pilot.press("s")


async def test_the_keys_mean_what_they_do_elsewhere_where_no_run_can_be_steered(
    open_lab: OpenLab, stub_trainer: Callable[..., None], runs_dir: Path, experiment_file: Path
) -> None:
    stub_trainer("--epochs", "2", "--pace", "0.001")
    async with open_lab() as pilot:
        await pilot.press("d")
        await pilot.press("u", "t")
        await wait_for_text(pilot, "─ done ─")
        await pilot.press("o")  # an edit that is not saved
        await wait_for(pilot, lambda: lab_of(pilot).now.unsaved, "an edit")
        before = experiment_file.read_bytes()
        await pilot.press("4", "w")
        await wait_for(pilot, lambda: experiment_file.read_bytes() != before, "the saved file")
    assert answers(runs_dir) == []


async def test_a_small_terminal_shows_marks_and_the_palette_steers(
    open_lab: OpenLab, stub_trainer: Callable[..., None], runs_dir: Path
) -> None:
    stub_trainer("--epochs", "40", "--pace", "0.02", "--steps", "20", "--metrics", "")
    async with open_lab((80, 24)) as pilot:
        await pilot.press("t")
        await wait_for_text(pilot, "epoch 1/40")
        await pilot.press("colon")
        await wait_for_text(pilot, "Commands")
        await type_text(pilot, "pause")
        await pilot.press("enter")
        await wait_for_lab(pilot)
        await wait_for(pilot, lambda: screen_text(pilot.app).count("paused") == 2, "the mark on the curves")
        await wait_for_text(pilot, "─ paused ─")
        footer = screen_text(pilot.app).splitlines()[-1]
        assert "space Pause/go on" in footer
        assert "s Stop" in footer
        await pilot.press("J")
        await wait_for(pilot, lambda: len(answers(runs_dir)) == 2, "the answer")
