"""The queue in the lab: a key puts the experiment there, the list of runs shows and changes the order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kflab.runs import queueing
from kflab.runs.folder import create
from kflab.runs.listing import list_runs
from kflab.runs.queue_file import read_queue
from kflab.runs.status import Status, status
from kflab.tui.headless import screen_text
from tests.tui.conftest import OpenLab, wait_for, wait_for_lab, wait_for_text

LONG = "--epochs 10000 --pace 0.01"


def queued(runs_dir: Path) -> list[str]:
    return [waiting.name for waiting in read_queue(runs_dir).waiting]


async def test_a_queued_experiment_is_followed_when_its_turn_comes_and_the_next_waits(
    open_lab: OpenLab, stub_keeper: Callable[[str], None], runs_dir: Path
) -> None:
    stub_keeper(LONG)
    async with open_lab() as pilot:
        await pilot.press("Q")
        await wait_for_text(pilot, "Queued at place 1")
        await wait_for_text(pilot, "/10,000")
        await pilot.press("t")
        await wait_for_text(pilot, "Q lets this one wait")
        await pilot.press("Q")
        await wait_for(pilot, lambda: len(queued(runs_dir)) == 1)
        assert "/10,000" in screen_text(pilot.app)
        await pilot.press("s")
        await wait_for_text(pilot, "─ stopped ─")
        await wait_for(pilot, lambda: queued(runs_dir) == [])
    assert sorted(str(run.status) for run in list_runs(runs_dir))[-1] == "stopped"


async def test_what_has_errors_is_not_queued(open_lab: OpenLab, runs_dir: Path) -> None:
    async with open_lab() as pilot:
        await pilot.press("end", "o", "Q")
        await wait_for_text(pilot, "Not queued, ")
    assert list_runs(runs_dir) == []


async def test_the_list_of_runs_shows_and_changes_the_queue(
    open_lab: OpenLab, stub_keeper: Callable[[str], None], runs_dir: Path
) -> None:
    stub_keeper(LONG)
    queueing.hold(runs_dir)
    a, b, c = (create("kflab: 1\n", word, runs_dir, seed=1, backend="tensorflow") for word in ("a", "b", "c"))
    for run in (a, b, c):
        queueing.submit(run)
    async with open_lab((80, 24)) as pilot:
        await pilot.press("R")
        await wait_for_text(pilot, "3 waiting · the queue is held")
        await wait_for_text(pilot, "queued 3")
        assert "u up · d down · s take out · h release" in screen_text(pilot.app)
        await pilot.press("home", "d")
        await wait_for(pilot, lambda: queued(runs_dir) == [b.name, a.name, c.name])
        await wait_for_text(pilot, f"{a.name} · the queue is held")
        await pilot.press("u")
        await wait_for(pilot, lambda: queued(runs_dir) == [a.name, b.name, c.name])
        await pilot.press("s")
        await wait_for(pilot, lambda: status(a) is Status.CREATED)
        await wait_for_text(pilot, "2 waiting")
        await wait_for_text(pilot, "Q queue")
        await pilot.press("Q")
        await wait_for(pilot, lambda: queued(runs_dir) == [b.name, c.name, a.name])
        await pilot.press("h")
        await wait_for(pilot, lambda: status(b).is_alive)
        await wait_for_text(pilot, "queued 1  c")
        await pilot.press("home", "s")
        await wait_for(pilot, lambda: queued(runs_dir) == [a.name])
        await pilot.press("escape")
        await wait_for_lab(pilot)


async def test_an_open_lab_sees_to_what_waits(
    open_lab: OpenLab, stub_keeper: Callable[[str], None], runs_dir: Path
) -> None:
    stub_keeper("--epochs 1 --pace 0.001")
    queueing.hold(runs_dir)
    run = create("kflab: 1\n", "left", runs_dir, seed=1, backend="tensorflow")
    queueing.submit(run)
    queueing.queue_file.set_held(runs_dir, False)  # as if its keeper had been killed
    async with open_lab() as pilot:
        await wait_for(pilot, lambda: status(run) is Status.DONE)
