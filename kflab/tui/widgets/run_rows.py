"""The list of runs in columns: what became of each, those that wait in their order."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.style import Style
from rich.text import Text
from textual.message import Message

from kflab.runs.listing import RunSummary
from kflab.runs.names import VALIDATION
from kflab.runs.queueing import Row
from kflab.runs.status import Status
from kflab.tui.axes import short_number
from kflab.tui.logtail import one_line
from kflab.tui.text import duration, fit, to_ascii
from kflab.tui.widgets.rowlist import RowList

MARKS = {
    Status.CREATED: "○", Status.QUEUED: "○", Status.STARTING: "○", Status.RUNNING: "●", Status.PAUSED: "■",
    Status.STOPPING: "●",
    Status.DONE: "✓", Status.STOPPED: "■", Status.FAILED: "✗", Status.CRASHED: "✗",
}  # fmt: skip
"""A mark beside the word, so that a long list can be read at a glance."""

_STYLES = {
    Status.QUEUED: "quiet", Status.PAUSED: "warning", Status.STARTING: "accent", Status.RUNNING: "accent",
    Status.STOPPING: "warning", Status.FAILED: "error", Status.CRASHED: "error",
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
_LONGEST_TITLE = 24
_WIDEST = 1000


def when_text(seconds: float, now: float) -> str:
    """A time in at most twelve columns: `14:32` today, `22 Nov 14:32` this year, `2025-11-22` before."""
    then, today = time.localtime(seconds), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    return time.strftime("%d %b %H:%M" if then.tm_year == today.tm_year else "%Y-%m-%d", then).lstrip("0")


def result_text(run: RunSummary, width: int) -> str:
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


def waiting_text(row: Row, titles: Mapping[str, str]) -> str:
    """What a run in the queue waits for, in the titles of runs, and when its turn comes."""
    why = row.why(lambda name: fit(one_line(titles.get(name) or name), _LONGEST_TITLE))
    if row.expected is None:
        return why
    return f"{time.strftime('%H:%M', time.localtime(row.expected))}, {why}"


def _cells(run: RunSummary, row: Row | None, result: str, now: float) -> _Cells:
    is_whole = run.status is Status.DONE and run.epoch == run.epochs
    epochs = f"{run.epoch}/{run.epochs}" if run.epochs and not is_whole else str(run.epochs or "")
    seconds = run.seconds or (max(now - (run.started or run.created), 0.0) if run.status.is_alive else 0.0)
    return _Cells(
        f"{MARKS[run.status]} {run.status.value}{f' {row.place}' if row else ''}",
        one_line(run.title or run.name),
        one_line(run.name.rpartition("-")[2]),
        when_text(run.started or run.created, now),
        epochs,
        result,
        duration(seconds) if seconds else "",
    )


class RunRows(RowList):
    """The runs, one a row, in columns."""

    class Measured(Message):
        """The columns have other widths now."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.runs: list[RunSummary] = []
        self._waiting: dict[str, Row] = {}
        self._ascii_only = ascii_only
        self._cells: list[_Cells] = []
        self._widths = [0] * len(_HEADINGS)

    def show(self, runs: Sequence[RunSummary], waiting: Sequence[Row] = ()) -> None:
        """Shows runs, those that wait first; the cursor stays on the run that it stood on.

        Args:
            runs: all of them, in order.
            waiting: what is known of those that wait, in the order of the queue.
        """
        current = self.current
        self._waiting = {row.path: row for row in waiting}
        by_path = {run.path: run for run in runs}
        first = [by_path[row.path] for row in waiting if row.path in by_path]
        runs = [*first, *(run for run in runs if run.path not in self._waiting)]
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
        self._cells = [
            _cells(run, self._waiting.get(run.path), self._result(run, _WIDEST), now) for run in self.runs
        ]
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
            cells._replace(result=self._result(run, rest - title))
            for run, cells in zip(self.runs, self._cells, strict=True)
        ]

        if self.scrollable_content_region.width:
            self.post_message(self.Measured())

    def _result(self, run: RunSummary, width: int) -> str:
        if row := self._waiting.get(run.path):
            return waiting_text(row, {other.name: other.title for other in self.runs})
        return result_text(run, width)

    @property
    def waiting(self) -> Row | None:
        """What is known of the run under the cursor, where it is in the queue."""
        return self._waiting.get(self.current.path) if self.current else None

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
