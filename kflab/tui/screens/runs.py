"""The list of runs: what became of each, to watch one, stop one, or change the order of those that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from kflab.errors import KflabError
from kflab.runs import queueing
from kflab.runs.control import GoOn, Pause, ask, ask_stop
from kflab.runs.listing import RunSummary, list_runs, summarize
from kflab.runs.queue_keeper import keep
from kflab.runs.resuming import resume
from kflab.runs.status import Status, status
from kflab.tui import keys
from kflab.tui.logtail import one_line
from kflab.tui.widgets.rowlist import RowList
from kflab.tui.widgets.run_rows import RunRows

_LOOK_SECONDS = 1.0


class RunsScreen(ModalScreen[Path | None]):
    """Lists the runs of a folder: those that wait in their order, then the others, newest first.

    Ends with the folder of the run to watch, or with None.

    Args:
        runs_dir: the folder of all runs.
        ascii_only: whether the terminal shows plain ASCII only.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(keys.Place.DIALOG),
        *keys.bindings(keys.Place.RUNS),
    ]
    DEFAULT_CSS = """
    RunsScreen { align: center middle; background: $background 60%; }
    RunsScreen:ansi { background: ansi_default; }
    RunsScreen > Vertical { width: 100%; max-width: 140; height: 100%; max-height: 40; border: round $accent;
                            border-title-color: $foreground; border-title-style: bold;
                            border-subtitle-color: $quiet; background: $background; padding: 0 1; }
    RunsScreen Static { height: 1; background: $background; }
    RunsScreen #about { height: auto; max-height: 3; color: $quiet; }
    RunsScreen RunRows { height: 1fr; }
    RunsScreen #empty { height: auto; padding: 1 0; }
    RunsScreen.-empty #heading, RunsScreen.-empty RunRows { display: none; }
    RunsScreen.-full #empty { display: none; }
    """

    def __init__(self, runs_dir: Path, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._runs_dir = runs_dir
        self._rows = RunRows(ascii_only=ascii_only)
        self._board = queueing.Board(runs_dir)
        self._problem = ""

    def compose(self) -> ComposeResult:
        """The list under its headings, and a line about the run under the cursor."""
        with Vertical() as box:
            box.border_title = Text("Runs")
            yield Static(id="heading", markup=False)
            yield self._rows
            yield Static("Reading the runs…", id="empty", markup=False)
            yield Static(id="about", markup=False)

    def on_mount(self) -> None:
        """Reads the runs, and looks again at those that are alive once a second."""
        self.add_class("-empty")
        self._rows.focus()
        self.run_worker(self._read(), exclusive=True)
        self.set_interval(_LOOK_SECONDS, self._look_again)

    async def _read(self) -> None:
        try:
            runs, rows = await asyncio.to_thread(lambda: (list_runs(self._runs_dir), self._waiting()))
        except (KflabError, OSError) as error:
            self.query_one("#empty", Static).update(Text(f"The runs cannot be listed: {error}"))
            return
        hint = (
            f"No runs yet. {_key('train')} in the lab trains the experiment, and the run is listed here.\n"
            f"{_key('queue')} lets it wait for a free GPU; on a machine without one, for the end of others.\n"
            f"Runs are kept in {self._runs_dir}."
        )
        self.query_one("#empty", Static).update(Text(hint))
        self._show(runs, rows)

    def _waiting(self) -> list[queueing.Row]:
        """What waits; whoever looks at it sees to it that it goes on."""
        keep(self._runs_dir)
        return self._board.rows()

    async def _look_again(self) -> None:
        alive = [run for run in self._rows.runs if not run.status.is_over]
        try:
            rows = await asyncio.to_thread(self._waiting)
            if {row.path for row in rows} - {run.path for run in self._rows.runs}:
                await self._read()
                return
            seen = await asyncio.to_thread(lambda: [summarize(Path(run.path)) for run in alive])
        except (KflabError, OSError) as error:
            self._refuse(str(error))
            return
        fresh = {run.path: run for run in seen}
        runs = [fresh.get(run.path, run) for run in self._rows.runs]
        if runs != self._rows.runs or rows or any(run.status.is_alive for run in runs):
            self._show(sorted(runs, key=lambda run: (run.created, run.name), reverse=True), rows)

    def _show(self, runs: Sequence[RunSummary], rows: Sequence[queueing.Row]) -> None:
        self.set_class(not runs, "-empty")
        self.set_class(bool(runs), "-full")
        alive = sum(run.status.is_alive for run in runs)
        parts = (
            f"Runs · {len(runs):,}" if runs else "Runs",
            f"{alive} alive" if alive else "",
            f"{len(rows)} waiting" if rows else "",
            "the queue is held" if self._board.held else "",
        )
        self.query_one(Vertical).border_title = Text(" · ".join(part for part in parts if part))
        self._rows.show(runs, rows)
        self._tell()

    @on(RunRows.Measured)
    def _measured(self, event: RunRows.Measured) -> None:
        event.stop()
        self.query_one("#heading", Static).update(self._rows.heading())

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._problem = ""
        self._tell()

    @on(RowList.Picked)
    def _picked(self, event: RowList.Picked) -> None:
        event.stop()
        self.action_accept()

    def _tell(self) -> None:
        run, row = self._rows.current, self._rows.waiting
        about = self._problem
        if run is not None and not about:
            cause = f"{run.status.value}: {run.cause}" if run.cause else ""
            about = " · ".join(text for text in (run.name, cause, row.why() if row else run.advice) if text)
        self.query_one("#about", Static).update(Text(one_line(about)))
        self.query_one(Vertical).border_subtitle = Text(" · ".join(self._hints()))

    def _hints(self) -> list[str]:
        """What the keys would do now."""
        run, row = self._rows.current, self._rows.waiting
        hints = []
        if row is not None:
            hints += [("sooner", "up"), ("later", "down"), ("stop_run", "take out")]
        elif run is not None and run.status.is_alive:
            hints += [("stop_run", "stop"), ("pause", "go on" if run.status is Status.PAUSED else "pause")]
        elif run is not None and queueing.can_wait(run.status):
            hints += [("resume", "go on"), ("wait", "queue")]
        if self._board.held:
            hints += [("hold", "release")]
        elif row is not None:
            hints += [("hold", "hold")]
        found = [(keys.find(action, keys.Place.RUNS), word) for action, word in hints]
        words = [f"{command.key_text} {word}" for command, word in found if command is not None]
        return [*(["↵ watch"] if run else []), *words, "esc back"]

    def _refuse(self, why: str) -> None:
        self._problem = why
        self._tell()

    async def _do(self, change: Callable[[], object]) -> None:
        """Changes the queue or a run, and shows what came of it."""
        try:
            await asyncio.to_thread(change)
        except (KflabError, OSError) as error:
            self._refuse(str(error))
            return
        self._problem = ""
        await self._look_again()

    def action_accept(self) -> None:
        """Ends with the run under the cursor."""
        if run := self._rows.current:
            self.dismiss(Path(run.path))

    async def action_stop_run(self) -> None:
        """Asks the run under the cursor to stop and keeps its model; one that waits is taken out."""
        run = self._rows.current
        if run is None:
            return
        await self._do(lambda: _stop(Path(run.path)))

    async def action_pause(self) -> None:
        """Pauses the run under the cursor, or lets it go on."""
        run = self._rows.current
        if run is None:
            return
        if not run.status.is_alive:
            self._refuse(f"{run.name} is not running: it is {run.status.value}")
            return
        request = GoOn() if run.status is Status.PAUSED else Pause()
        await self._do(lambda: ask(Path(run.path), request))

    async def action_resume(self) -> None:
        """Goes on with the run under the cursor from its newest snapshot."""
        if run := self._rows.current:
            await self._do(lambda: resume(Path(run.path)))

    async def action_sooner(self) -> None:
        """Moves the run under the cursor one place up in the queue."""
        await self._move("up")

    async def action_later(self) -> None:
        """Moves the run under the cursor one place down in the queue."""
        await self._move("down")

    async def _move(self, where: str) -> None:
        if run := self._rows.current:
            await self._do(lambda: queueing.move(Path(run.path), where))

    async def action_wait(self) -> None:
        """Puts the run under the cursor in the queue."""
        if run := self._rows.current:
            await self._do(lambda: queueing.submit(Path(run.path)))

    async def action_hold(self) -> None:
        """Starts nothing new for now, or goes on."""
        change = queueing.release if self._board.held else queueing.hold
        await self._do(lambda: change(self._runs_dir))

    def action_cancel(self) -> None:
        """Ends with no run."""
        self.dismiss(None)


def _stop(run_dir: Path) -> None:
    """Stops a run as it is now, which may be more than the list shows.

    Raises:
        KflabError: there is nothing to stop.
    """
    now = status(run_dir)
    if now is Status.QUEUED:
        queueing.take_out(run_dir)
    elif now.is_alive:
        ask_stop(run_dir)
    else:
        raise KflabError(f"{run_dir.name} is not running: it is {now}")


def _key(action: str) -> str:
    command = keys.find(action)
    return command.key_text if command else "kflab run"
