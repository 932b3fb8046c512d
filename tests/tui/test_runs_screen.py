"""The list of runs: every state told, any number of them, watch and stop."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from textual.app import App

from kflab.runs.folder import create
from kflab.runs.info import EVENTS
from kflab.tui.headless import screen_text
from kflab.tui.screens.runs import RunsScreen
from kflab.tui.themes import THEMES
from kflab.tui.widgets.run_rows import when_text
from tests.tui.conftest import STUB_TRAINER, wait_for

NOTHING = object()


class ListApp(App[None]):
    """An app with nothing but the list."""

    def __init__(self, runs_dir: Path, *, ascii_only: bool = False) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "kflab-dark"
        self.runs_screen = RunsScreen(runs_dir, ascii_only=ascii_only)
        self.answer: object = NOTHING

    def on_mount(self) -> None:
        self.push_screen(self.runs_screen, self.take)

    def take(self, answer: Path | None) -> None:
        self.answer = answer


def row_of(app: App[None], word: str) -> str:
    return next((line for line in screen_text(app).splitlines() if word in line), "")


def trained(runs_dir: Path, title: str, *arguments: str) -> Path:
    run_dir = create("kflab: 1\n", title, runs_dir, seed=1, backend="tensorflow")
    command = [sys.executable, str(STUB_TRAINER), "--pace", "0.001", *arguments, str(run_dir)]
    subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
    return run_dir


async def test_a_run_is_paused_and_goes_on(runs_dir: Path) -> None:
    run_dir = create("kflab: 1\n", "a stub", runs_dir, seed=1, backend="tensorflow")
    arguments = ["--epochs", "600", "--pace", "0.02", str(run_dir)]
    with subprocess.Popen([sys.executable, str(STUB_TRAINER), *arguments], stderr=subprocess.DEVNULL) as run:
        app = ListApp(runs_dir)
        async with app.run_test(size=(100, 24)) as pilot:
            await wait_for(pilot, lambda: "running" in row_of(app, "a stub"))
            assert "space pause" in screen_text(app)
            await pilot.press("space")
            await wait_for(pilot, lambda: "paused" in row_of(app, "a stub"))
            assert "space go on" in screen_text(app)
            await pilot.press("space")
            await wait_for(pilot, lambda: "running" in row_of(app, "a stub"))
        run.kill()


async def test_no_runs_teaches_how_to_get_one(runs_dir: Path) -> None:
    app = ListApp(runs_dir)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: row_of(app, "No runs yet"))
        await pilot.press("enter")
        await pilot.press("s")
        assert app.answer is NOTHING
        await pilot.press("escape")
        await wait_for(pilot, lambda: app.answer is None)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_each_run_tells_what_became_of_it(runs_dir: Path, size: tuple[int, int]) -> None:
    trained(runs_dir, "works [8, 8] [/b]")
    trained(runs_dir, "fails", "--fail-at", "2", "--cause", "the [loss] became NaN")
    trained(runs_dir, "dies", "--die-at", "2")
    create("kflab: 1\n", "waits", runs_dir, seed=1, backend="tensorflow")
    (runs_dir / "broken").mkdir()
    (runs_dir / "broken" / "run.json").write_text("{")
    app = ListApp(runs_dir)
    async with app.run_test(size=size) as pilot:
        await wait_for(pilot, lambda: "done" in row_of(app, "works [8, 8] [/b]"))
        assert "0.9" in row_of(app, "works")
        assert "failed" in row_of(app, "fails")
        assert "crashed" in row_of(app, "dies")
        assert "created" in row_of(app, "waits")
        assert "crashed" in row_of(app, "broken")
        await wait_for(pilot, lambda: "title" in row_of(app, "started"))
        heading = row_of(app, "started")
        for title in ("works", "fails", "dies", "waits"):
            assert row_of(app, title).index(title) == heading.index("title"), screen_text(app)
        await pilot.press("home")
        for _ in range(4):
            if row_of(app, "failed: the [loss] became NaN"):
                break
            await pilot.press("down")
        assert row_of(app, "failed: the [loss] became NaN")


async def test_enter_watches_the_run_under_the_cursor(runs_dir: Path) -> None:
    first = trained(runs_dir, "the first")
    trained(runs_dir, "the second")
    app = ListApp(runs_dir)
    async with app.run_test(size=(100, 20)) as pilot:
        await wait_for(pilot, lambda: row_of(app, "the first"))
        await pilot.press("down", "enter")
        await wait_for(pilot, lambda: app.answer == first)


async def test_s_stops_a_run_and_the_list_tells_when_it_has(runs_dir: Path) -> None:
    run_dir = create("kflab: 1\n", "long", runs_dir, seed=1, backend="tensorflow")
    arguments = ["--epochs", "600", "--pace", "0.05", str(run_dir)]
    with subprocess.Popen([sys.executable, str(STUB_TRAINER), *arguments], stderr=subprocess.DEVNULL):
        app = ListApp(runs_dir)
        async with app.run_test(size=(100, 20)) as pilot:
            await wait_for(pilot, lambda: "running" in row_of(app, "long"))
            await pilot.press("s")
            await wait_for(pilot, lambda: "stopped" in row_of(app, "long"))
            await pilot.press("s")
            await wait_for(pilot, lambda: row_of(app, "is not running"))


async def test_hundreds_of_runs_scroll(runs_dir: Path) -> None:
    for number in range(500):
        run_dir = create("kflab: 1\n", f"number {number:03}", runs_dir, seed=number, backend="tensorflow")
        (run_dir / EVENTS).write_text("")
    app = ListApp(runs_dir, ascii_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: row_of(app, "Runs") and row_of(app, "500"))
        await wait_for(pilot, lambda: row_of(app, "number 499"))
        await pilot.press("end")
        await wait_for(pilot, lambda: row_of(app, "number 000"))


def test_times_are_short() -> None:
    now = time.mktime((2026, 11, 22, 14, 32, 0, 0, 0, -1))
    assert when_text(now - 3600, now) == "13:32"
    assert when_text(time.mktime((2026, 3, 5, 9, 5, 0, 0, 0, -1)), now) == "5 Mar 09:05"
    assert when_text(time.mktime((2025, 3, 5, 9, 5, 0, 0, 0, -1)), now) == "2025-03-05"
