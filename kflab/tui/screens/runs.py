"""The list of runs: what became of each, to watch one, look at one, or stop one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from kflab.errors import KflabError
from kflab.runs.control import ask_stop
from kflab.runs.listing import RunSummary, list_runs, summarize
from kflab.runs.names import VALIDATION
from kflab.runs.status import Status
from kflab.tui import keys
from kflab.tui.axes import short_number
from kflab.tui.logtail import one_line
from kflab.tui.text import duration, fit, to_ascii
from kflab.tui.widgets.rowlist import RowList

_LOOK_SECONDS = 1.0

MARKS = {
    Status.CREATED: "○", Status.STARTING: "○", Status.RUNNING: "●", Status.STOPPING: "●",
    Status.DONE: "✓", Status.STOPPED: "■", Status.FAILED: "✗", Status.CRASHED: "✗",
}  # fmt: skip
"""A mark beside the word, so that a long list can be read at a glance."""

_STYLES = {
    Status.STARTING: "accent", Status.RUNNING: "accent", Status.STOPPING: "warning",
    Status.FAILED: "error", Status.CRASHED: "error",
}  # fmt: skip


class _Cells(NamedTuple):
    status: str
    title: str
    tag: str
    when: str
    epochs: str
    result: str
    time: str


_HEADINGS = _Cells("status", "title", "id", "started", "epochs", "result", "time")
_GAP = "  "
_ROOM_FOR_ID = 90


def when_text(seconds: float, now: float) -> str:
    """A time in at most twelve columns: `14:32` today, `22 Nov 14:32` this year, `2025-11-22` before."""
    then, today = time.localtime(seconds), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    return time.strftime("%d %b %H:%M" if then.tm_year == today.tm_year else "%Y-%m-%d", then).lstrip("0")


def result_text(run: RunSummary, width: int = 1000) -> str:
    """The values that matter most: on the test split, else on the validation or the training samples.

    Where they do not all fit, whole ones are left out; of the first, its name is cut rather than its value.
    """
    validation = {name: value for name, value in run.logs.items() if name.startswith(VALIDATION)}
    logs = run.test or validation or run.logs
    # The logs of a model with several outputs hold the metrics of each as well: the plain ones lead.
    names = sorted(logs, key=lambda name: (name.endswith("loss"), name.removeprefix(VALIDATION).count("_")))
    text = ""
    for name in names:
        number = "nan" if (value := logs[name]) is None else short_number(value)
        if not text:
            label = one_line(f"test {name}" if run.test else name)
            text = f"{fit(label, max(1, width - len(number) - 1))} {number}"
        elif len(text) + len(f" · {name} {number}") <= width:
            text += f" · {name} {number}"
    return text


def _cells(run: RunSummary, now: float) -> _Cells:
    is_whole = run.status is Status.DONE and run.epoch == run.epochs
    epochs = f"{run.epoch}/{run.epochs}" if run.epochs and not is_whole else str(run.epochs or "")
    seconds = run.seconds or (max(now - run.created, 0.0) if run.status.is_alive else 0.0)
    return _Cells(
        f"{MARKS[run.status]} {run.status.value}",
        one_line(run.title or run.name),
        one_line(run.name.rpartition("-")[2]),
        when_text(run.created, now),
        epochs,
        result_text(run),
        duration(seconds) if seconds else "",
    )


class RunRows(RowList):
    """The runs, one a row, in columns."""

    class Measured(Message):
        """The columns have other widths now."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.runs: list[RunSummary] = []
        self._ascii_only = ascii_only
        self._cells: list[_Cells] = []
        self._widths = [0] * len(_HEADINGS)

    def show(self, runs: Sequence[RunSummary]) -> None:
        """Shows runs; the cursor stays on the run that it stood on."""
        current = self.current
        self.runs = list(runs)
        self._measure()
        self.rows_changed()
        if current:
            self.put_cursor(
                next((row for row, run in enumerate(runs) if run.path == current.path), self.cursor)
            )

    def count(self) -> int:
        """As many rows as runs."""
        return len(self.runs)

    @property
    def current(self) -> RunSummary | None:
        """The run under the cursor."""
        return self.runs[self.cursor] if self.cursor < len(self.runs) else None

    def on_resize(self) -> None:
        """The columns share the new width."""
        self._measure()
        super().on_resize()

    def _measure(self) -> None:
        now = time.time()
        self._cells = [_cells(run, now) for run in self.runs]
        widths = [
            max(len(cells[column]) for cells in (_HEADINGS, *self._cells)) for column in range(len(_HEADINGS))
        ]
        if self.scrollable_content_region.width < _ROOM_FOR_ID:
            widths[_HEADINGS._fields.index("tag")] = 0
        room = self.scrollable_content_region.width - len(_GAP) * (sum(map(bool, widths)) - 1)
        wide = _HEADINGS._fields.index("title"), _HEADINGS._fields.index("result")
        rest = max(0, room - sum(width for column, width in enumerate(widths) if column not in wide))
        # The title gets what it needs up to half of the room, the result what is left.
        title = min(widths[wide[0]], max(rest // 2, rest - widths[wide[1]]))
        widths[wide[0]], widths[wide[1]] = title, rest - title
        self._widths = widths
        self._cells = [
            cells._replace(result=result_text(run, rest - title))
            for run, cells in zip(self.runs, self._cells, strict=True)
        ]

        if self.scrollable_content_region.width:
            self.post_message(self.Measured())

    def heading(self) -> Text:
        """The names of the columns."""
        return self._line(_HEADINGS, {}, self.part("quiet"))

    def draw(self, row: int, width: int) -> Text:
        """One run."""
        status = _STYLES.get(self.runs[row].status, "")
        styles = {"status": status, "tag": "quiet", "when": "quiet"}
        line = self._line(self._cells[row], styles)
        line.truncate(width)
        return line

    def _line(self, cells: _Cells, styles: dict[str, str], base: Style | None = None) -> Text:
        line = Text(no_wrap=True, end="", style=base or "")
        for column, (name, text, width) in enumerate(zip(cells._fields, cells, self._widths, strict=True)):
            if not width:
                continue
            cell = fit(text, width)
            cell = cell.rjust(width) if name in {"epochs", "time"} else cell.ljust(width)
            style = styles.get(name, "")
            line.append((_GAP if column else "") + (to_ascii(cell) if self._ascii_only else cell),
                        self.part(style) if style else "")  # fmt: skip
        return line


class RunsScreen(ModalScreen[Path | None]):
    """Lists the runs of a folder, newest first. Ends with the folder of the run to watch, or with None.

    Args:
        runs_dir: the folder of all runs.
        ascii_only: whether the terminal shows plain ASCII only.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(keys.Place.DIALOG),
        Binding("s", "stop_run", "Stop the run", show=False, id="RUNS.stop"),
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
        self._problem = ""

    def compose(self) -> ComposeResult:
        """The list under its headings, and a line about the run under the cursor."""
        with Vertical() as box:
            box.border_title = Text("Runs")
            box.border_subtitle = Text("↵ watch · s stop · esc back")
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
            runs = await asyncio.to_thread(list_runs, self._runs_dir)
        except (KflabError, OSError) as error:
            self.query_one("#empty", Static).update(Text(f"The runs cannot be listed: {error}"))
            return
        train = keys.find("train")
        how = f"{train.key_text} in the lab trains" if train else "kflab run trains"
        words = f"No runs yet. {how} the experiment, and the run is listed here."
        self.query_one("#empty", Static).update(Text(f"{words}\nRuns are kept in {self._runs_dir}."))
        self._show(runs)

    async def _look_again(self) -> None:
        alive = [run for run in self._rows.runs if not run.status.is_over]
        if not alive:
            return
        seen = await asyncio.to_thread(lambda: [summarize(Path(run.path)) for run in alive])
        fresh = {run.path: run for run in seen}
        runs = [fresh.get(run.path, run) for run in self._rows.runs]
        if runs != self._rows.runs or any(run.status.is_alive for run in runs):
            self._show(runs)

    def _show(self, runs: Sequence[RunSummary]) -> None:
        self.set_class(not runs, "-empty")
        self.set_class(bool(runs), "-full")
        alive = sum(run.status.is_alive for run in runs)
        title = f"Runs · {len(runs):,}" if runs else "Runs"
        self.query_one(Vertical).border_title = Text(f"{title} · {alive} alive" if alive else title)
        self._rows.show(runs)
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
        run = self._rows.current
        about = self._problem
        if run is not None and not about:
            cause = f"{run.status.value}: {run.cause}" if run.cause else ""
            about = " · ".join(text for text in (run.name, cause, run.advice) if text)
        self.query_one("#about", Static).update(Text(one_line(about)))

    def action_accept(self) -> None:
        """Ends with the run under the cursor."""
        if run := self._rows.current:
            self.dismiss(Path(run.path))

    async def action_stop_run(self) -> None:
        """Asks the run under the cursor to stop; its model is kept."""
        run = self._rows.current
        if run is None:
            return
        if not run.status.is_alive:
            self._problem = f"{run.name} is not running: it is {run.status.value}"
            self._tell()
            return
        try:
            await asyncio.to_thread(ask_stop, Path(run.path))
        except (KflabError, OSError) as error:
            self._problem = f"{run.name} cannot be asked to stop: {error}"
            self._tell()
            return
        await self._look_again()

    def action_cancel(self) -> None:
        """Ends with no run."""
        self.dismiss(None)
