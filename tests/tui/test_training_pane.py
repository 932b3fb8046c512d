"""Watching a run: what the training pane shows in each state, at each size, and how little it repaints."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region

from kflab.runs.control import ask_stop
from kflab.runs.ending import Ending
from kflab.runs.events import (
    Batch,
    End,
    Epoch,
    Event,
    Fault,
    Finished,
    Loading,
    Logs,
    Noted,
    Prepared,
    Started,
)
from kflab.runs.folder import create
from kflab.runs.history import RunState
from kflab.runs.info import CONSOLE
from kflab.runs.status import Status
from kflab.tui.follow import RunFollower, RunUpdated
from kflab.tui.headless import screen_text
from kflab.tui.themes import THEMES
from kflab.tui.widgets.console import ConsolePane
from kflab.tui.widgets.training import TrainingPane
from tests.tui.conftest import STUB_TRAINER, wait_for

SIZES = [(30, 8), (31, 9), (47, 8), (80, 24), (120, 12), (120, 40), (200, 60)]


class PaneApp(App[None]):
    """The pane alone, following a run where one is given."""

    def __init__(self, run_dir: Path | None = None, *, ascii_only: bool = False) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "kflab-dark"
        self.pane = TrainingPane("t trains 20 epochs on 1,437 digits, about 6 s", ascii_only=ascii_only)
        self.follower = RunFollower(run_dir, self) if run_dir else None
        self.updates: list[Status] = []

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        if self.follower:
            self.follower.start()

    def on_run_updated(self, event: RunUpdated) -> None:
        self.updates.append(event.status)
        self.pane.show_run(event.state, event.status, name=event.run_dir.name, problem=event.problem)


def state_after(*events: Event) -> RunState:
    state = RunState()
    state.apply_all(events)
    return state


def prepared(epochs: int = 20) -> list[Event]:
    return [
        Started(time=100.0, pid=1),
        Prepared(
            time=103.0, epochs=epochs, steps=10, batch_size=32, train_samples=320, validation_samples=32,
            test_samples=32, params=906, outputs=("digit",),
        ),
    ]  # fmt: skip


def epochs_of(count: int, metrics: Iterable[str] = ("loss", "accuracy")) -> list[Event]:
    found: list[Event] = []
    for epoch in range(1, count + 1):
        train: Logs = dict.fromkeys(metrics, 1 / epoch)
        end = 103.0 + epoch
        found.append(Batch(time=end - 0.5, epoch=epoch, step=5, steps=10, logs=train, learning_rate=1e-3))
        both = {**train, **{f"val_{name}": value + 0.1 for name, value in train.items() if value is not None}}
        found.append(Epoch(time=end, epoch=epoch, seconds=1.0, logs=both, learning_rate=1e-3))
    return found


def ended(status: End, epochs: int, cause: str = "") -> Finished:
    test: Logs = {} if status is End.FAILED else {"loss": 0.1203, "accuracy": 0.9644}
    return Finished(time=200.0, status=status, test=test, seconds=6.0, cause=cause, epochs=epochs)


async def test_without_a_run_it_teaches() -> None:
    app = PaneApp()
    async with app.run_test(size=(120, 12)):
        assert "t trains 20 epochs on 1,437 digits, about 6 s" in screen_text(app)
        app.pane.show_hint("no data yet")
        await app.pane.wait_for_refresh()
        assert "no data yet" in screen_text(app)


@pytest.mark.parametrize(
    ("events", "status", "words"),
    [
        ([], Status.CREATED, ["waiting for a trainer"]),
        ([Started(time=1.0, pid=1)], Status.STARTING, ["importing Keras"]),
        (
            [Started(time=1.0, pid=1), Loading(time=2.0, source="mnist", done=4_200_000, total=11_490_434)],
            Status.STARTING,
            ["loading mnist", "4.2 MB of 11.5 MB"],
        ),
        (
            [*prepared(), *epochs_of(6)],
            Status.RUNNING,
            ["epoch 7/20", "━", "lr 1e-3", "val_loss 0.2667 (best, epoch 6)", "validation 0.2667"],
        ),
        ([*prepared(), *epochs_of(6)], Status.STOPPING, ["epoch 7/20", "stopping"]),
        (
            [*prepared(6), *epochs_of(6), ended(End.DONE, 6)],
            Status.DONE,
            ["done", "6 epochs in 6 s", "test accuracy 0.9644 · loss 0.1203"],
        ),
        (
            [*prepared(), *epochs_of(7), Noted(1.0, "EarlyStopping [val_loss]"), ended(End.STOPPED, 7)],
            Status.STOPPED,
            ["stopped", "7 of 20 epochs", "EarlyStopping [val_loss]"],
        ),
        (
            [*prepared(), *epochs_of(2), ended(End.FAILED, 2, "Input 0 of layer [digit]: got (None, 32)")],
            Status.FAILED,
            ["failed", "Failed: Input 0 of layer [digit]: got (None, 32)", "console.log", "train 0.5000"],
        ),
        ([ended(End.FAILED, 0, "no module named jax")], Status.FAILED, ["Failed: no module named jax"]),
        ([*prepared(), *epochs_of(2)], Status.CRASHED, ["crashed", "ended without a word", "console.log"]),
    ],
)  # fmt: skip
async def test_every_state_is_told(events: list[Event], status: Status, words: list[str]) -> None:
    app = PaneApp()
    async with app.run_test(size=(120, 14)) as pilot:
        app.pane.show_run(state_after(*events), status, name="a-run")
        await pilot.pause()
        screen = screen_text(app)
        assert [word for word in words if word not in screen] == []
        assert "a-run" in screen


@pytest.mark.parametrize("status", [Status.CRASHED, Status.FAILED, Status.STOPPED])
async def test_why_a_run_ended_and_what_to_do_stand_below_its_curves(status: Status) -> None:
    app = PaneApp()
    async with app.run_test(size=(120, 16)) as pilot:
        ending = Ending(status, "the machine was restarted", "`kflab resume a-run` goes on", Fault.RESTARTED)
        app.pane.show_run(state_after(*prepared(), *epochs_of(2)), status, name="a-run", ending=ending)
        await pilot.pause()
        screen = screen_text(app)
        assert f"{status.value.capitalize()}: the machine was restarted" in screen
        assert "Next: `kflab resume a-run` goes on." in screen
        assert "train 0.5000" in screen


async def test_what_a_run_says_cannot_act_on_the_terminal() -> None:
    app = PaneApp()
    async with app.run_test(size=(120, 14)) as pilot:
        evil = "\x1b[2Jgone\x07\r\nnext"
        said = [Noted(1.0, evil), ended(End.FAILED, 2, evil)]
        app.pane.show_run(
            state_after(*prepared(), *epochs_of(2, ["loss", evil]), *said), Status.FAILED, name=evil
        )
        await pilot.pause()
        text = screen_text(app)
        assert "gone" in text
        assert all(character.isprintable() for line in text.split("\n") for character in line)


async def test_what_came_while_hidden_is_there_when_shown() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 14)) as pilot:
        app.pane.show_run(state_after(*prepared(), *epochs_of(2)), Status.RUNNING)
        app.pane.display = False
        await pilot.pause()
        app.pane.show_run(state_after(*prepared(), *epochs_of(9)), Status.RUNNING)
        app.pane.display = True
        await wait_for(pilot, lambda: "epoch 10/20" in screen_text(app))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_it_fits_every_size(size: tuple[int, int], ascii_only: bool) -> None:
    app = PaneApp(ascii_only=ascii_only)
    async with app.run_test(size=size) as pilot:
        names = ["loss", *(f"output_{letter}_accuracy" for letter in "abcde")]
        for status, extra in ((Status.RUNNING, []), (Status.FAILED, [ended(End.FAILED, 3, "a cause " * 40)])):
            app.pane.show_run(state_after(*prepared(), *epochs_of(3, names), *extra), status, name="a-run")
            await pilot.pause()
            lines = screen_text(app).split("\n")
            assert len(lines) == size[1]
            edges = "++" if ascii_only else "╭╮"
            assert (lines[0][0], lines[0][-1]) == tuple(edges)
            assert "loss" in "".join(lines)
            assert not ascii_only or "".join(lines).isascii()


async def test_it_survives_any_resize() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.pane.show_run(state_after(*prepared(), *epochs_of(3)), Status.RUNNING)
        for size in ((1, 1), (2, 3), (4, 3), (13, 4), (300, 3), (5, 90), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert "epoch 4/20" in screen_text(app)


async def test_charts_that_do_not_fit_are_a_page_away() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 12)) as pilot:
        names = ["loss", "accuracy", "precision", "recall", "auc"]
        app.pane.show_run(state_after(*prepared(), *epochs_of(3, names)), Status.RUNNING)
        await pilot.pause()
        assert "charts 1–2 of 5" in screen_text(app)
        assert "recall" not in screen_text(app)
        app.pane.next_charts()
        await pilot.pause()
        assert "charts 3–4 of 5" in screen_text(app)
        assert "recall" in screen_text(app)
        for _ in range(9):
            app.pane.next_charts()
        await pilot.pause()
        assert "charts 5–5 of 5" in screen_text(app)
        await pilot.resize_terminal(200, 12)
        await pilot.pause()
        assert all(name in screen_text(app) for name in names)


async def test_the_y_axis_turns_logarithmic_and_back() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 20)) as pilot:
        app.pane.show_run(state_after(*prepared(), *epochs_of(3, ["loss"])), Status.RUNNING)
        await pilot.pause()
        linear = screen_text(app)
        app.pane.toggle_log_scale()
        await pilot.pause()
        assert "log" in screen_text(app).replace("loss", "")
        app.pane.toggle_log_scale()
        await pilot.pause()
        assert screen_text(app).split("\n")[1:] == linear.split("\n")[1:]


async def test_a_new_value_repaints_little_and_the_same_ones_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = PaneApp()
    async with app.run_test(size=(120, 12)) as pilot:
        state = state_after(*prepared(), *epochs_of(6))
        # A fixed clock: the time left is among the facts.
        monkeypatch.setattr("kflab.tui.widgets.training.time.time", lambda: 109.0)
        app.pane.show_run(state, Status.RUNNING)
        await pilot.pause()
        areas: list[int] = []
        refresh = app.pane.refresh

        def counted(*regions: Region, **options: bool) -> TrainingPane:
            areas.append(sum(region.area for region in regions) if regions else app.pane.size.area)
            return refresh(*regions, **options)

        monkeypatch.setattr(app.pane, "refresh", counted)
        app.pane.show_run(state, Status.RUNNING)
        assert areas == []
        state.apply_all(epochs_of(7)[-2:])
        app.pane.show_run(state, Status.RUNNING)
        assert 0 < sum(areas) < app.pane.size.area / 3


async def test_a_run_is_followed_to_its_end(runs_dir: Path) -> None:
    run_dir = create("kflab: 1\n", "a stub", runs_dir, seed=1, backend="tensorflow")
    app = PaneApp(run_dir)
    async with app.run_test(size=(120, 12)) as pilot:
        assert app.follower
        await wait_for(pilot, lambda: "waiting for a trainer" in screen_text(app))
        arguments = ["--epochs", "6", "--pace", "0.03", "--start", "0.3", str(run_dir)]
        with subprocess.Popen([sys.executable, str(STUB_TRAINER), *arguments], stderr=subprocess.DEVNULL):
            await wait_for(pilot, lambda: "left" in screen_text(app))
            await wait_for(pilot, lambda: "test accuracy" in screen_text(app))
        await wait_for(pilot, lambda: app.follower and not app.follower.is_following)
        assert app.updates[-1] is Status.DONE
        assert "done" in screen_text(app)


async def test_a_killed_trainer_is_told_as_crashed(runs_dir: Path) -> None:
    run_dir = create("kflab: 1\n", "a stub", runs_dir, seed=1, backend="tensorflow")
    arguments = ["--epochs", "600", "--pace", "0.05", str(run_dir)]
    with subprocess.Popen(
        [sys.executable, str(STUB_TRAINER), *arguments], stderr=subprocess.DEVNULL
    ) as trainer:
        app = PaneApp(run_dir)
        async with app.run_test(size=(120, 12)) as pilot:
            await wait_for(pilot, lambda: "epoch 1/600" in screen_text(app))
            trainer.kill()
            killed = time.monotonic()
            await wait_for(pilot, lambda: "crashed" in screen_text(app))
            assert time.monotonic() - killed < 5


async def test_a_stop_is_shown_until_the_run_has_stopped(runs_dir: Path) -> None:
    run_dir = create("kflab: 1\n", "a stub", runs_dir, seed=1, backend="tensorflow")
    arguments = ["--epochs", "600", "--pace", "0.05", "--deaf", str(run_dir)]
    with subprocess.Popen(
        [sys.executable, str(STUB_TRAINER), *arguments], stderr=subprocess.DEVNULL
    ) as trainer:
        app = PaneApp(run_dir)
        async with app.run_test(size=(120, 12)) as pilot:
            await wait_for(pilot, lambda: "epoch 1/600" in screen_text(app))
            ask_stop(run_dir)
            await wait_for(pilot, lambda: "stopping" in screen_text(app))
            trainer.terminate()
            await wait_for(pilot, lambda: "stopped" in screen_text(app))


async def test_a_folder_that_vanished_is_told() -> None:
    app = PaneApp(Path("/nowhere/at/all"))
    async with app.run_test(size=(120, 12)) as pilot:
        await wait_for(pilot, lambda: "cannot be followed" in screen_text(app))


class ConsoleApp(App[None]):
    """The console pane alone."""

    def __init__(self, run_dir: Path | None) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "kflab-dark"
        self.run_dir = run_dir
        self.pane = ConsolePane()

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.pane.follow(self.run_dir)


async def test_the_console_follows_its_log_unless_one_reads_above(tmp_path: Path) -> None:
    log = tmp_path / CONSOLE
    app = ConsoleApp(tmp_path)
    async with app.run_test(size=(60, 12)) as pilot:
        await wait_for(pilot, lambda: "Nothing has been printed yet" in screen_text(app))
        log.write_text("".join(f"\x1b[31mline {number} [/b]\x1b[0m\n" for number in range(100)))
        await wait_for(pilot, lambda: "line 99 [/b]" in screen_text(app))
        app.pane.focus()
        await pilot.press("home")
        await wait_for(pilot, lambda: "line 0 [/b]" in screen_text(app))
        with log.open("a") as file:
            file.write("one more\n")
        await wait_for(pilot, lambda: app.pane.virtual_size.height == 101)
        assert "line 0 [/b]" in screen_text(app)
        await pilot.press("end")
        await wait_for(pilot, lambda: "one more" in screen_text(app))
        assert app.pane.find("line 42")
        await wait_for(pilot, lambda: "line 42 [/b]" in screen_text(app))
        assert not app.pane.find("nowhere")


async def test_a_long_line_of_the_console_can_be_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / CONSOLE).write_text("ValueError: " + "very " * 30 + "wrong\n")
    app = ConsoleApp(tmp_path)
    async with app.run_test(size=(40, 12)) as pilot:
        await wait_for(pilot, lambda: "ValueError" in screen_text(app) and "wrong" in screen_text(app))
        rows = app.pane.virtual_size.height
        await pilot.resize_terminal(80, 12)
        await wait_for(pilot, lambda: app.pane.virtual_size.height < rows)
        assert "wrong" in screen_text(app)


async def test_the_console_without_a_run_says_so() -> None:
    app = ConsoleApp(None)
    async with app.run_test(size=(80, 10)) as pilot:
        await wait_for(pilot, lambda: "No run is followed" in screen_text(app))
