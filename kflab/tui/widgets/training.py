"""The training pane: live curves of a run, with the facts in its title."""

from __future__ import annotations

import itertools
import textwrap
import time
from collections.abc import Sequence
from typing import NamedTuple

from textual import events

from kflab.diagnose.findings import Finding
from kflab.runs.ending import Ending
from kflab.runs.history import Curve, RunState, said
from kflab.runs.names import VALIDATION
from kflab.runs.series import Series as Points
from kflab.runs.status import Status
from kflab.tui import charts
from kflab.tui.axes import Axis
from kflab.tui.curve_marks import marks_of
from kflab.tui.lines import Line, Part, Run, blank, cut, fitted, width_of
from kflab.tui.logtail import one_line
from kflab.tui.reduce import Envelope, Settled
from kflab.tui.text import to_ascii
from kflab.tui.training_facts import BAR_WIDTHS, Fact, facts, progress_bar, verdict, verdict_lines
from kflab.tui.widgets.painted import Painted

CHART_WIDTH, CHART_HEIGHT = 28, 8
"""The least room that a chart gets; where there is less for a second one, the first has it all."""

_GAP = 2
_NAME = "Training"


class _Grid(NamedTuple):
    columns: int
    rows: int

    @property
    def cells(self) -> int:
        return self.columns * self.rows


class TrainingPane(Painted, can_focus=True):
    """Shows how a run goes: a chart of the loss and of each metric, progress, time left, and how it ended.

    Only cells that changed are sent to the terminal, and nothing moves by itself.

    Args:
        hint: what to do to see something here, while no run is followed.
        ascii_only: whether the terminal shows plain ASCII only.
    """

    DEFAULT_CSS = """
    TrainingPane { height: 1fr; }
    """

    def __init__(self, hint: str = "", *, ascii_only: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.ascii_only = ascii_only
        self.log_scale = False
        self._hint = hint
        self._name = ""
        self._state: RunState | None = None
        self._status = Status.CREATED
        self._problem = ""
        self._ending: Ending | None = None
        self._found: Sequence[Finding] = ()
        self._asked: tuple[str, str] | None = None
        self._first = 0
        self._forget()

    def show_hint(self, text: str) -> None:
        """Sets the line that teaches what to do while there is no run."""
        self._hint = text
        self.repaint()

    def show_run(
        self,
        state: RunState,
        status: Status,
        *,
        name: str = "",
        problem: str = "",
        ending: Ending | None = None,
    ) -> None:
        """Shows a run as it is now; call it again whenever it has gone on.

        Args:
            state: what has happened so far.
            status: what became of it.
            name: what the run is called.
            problem: why it cannot be followed any more.
            ending: how it ended, once that is known.
        """
        if state is not self._state:
            self._forget()
            if name != self._name:
                self._first, self._asked = 0, None
        self._state, self._status, self._name, self._problem = state, status, one_line(name), problem
        self._ending = ending
        self.repaint()

    def show_verdict(self, found: Sequence[Finding]) -> None:
        """Says below the curves what a run that is over turned out to be, the most important first."""
        self._found = found
        self.repaint()

    def show_asked(self, request: str, words: str) -> None:
        """Says below the curves that something was asked of the run, until that is answered.

        Args:
            request: the id of the request.
            words: what was asked.
        """
        self._asked = (request, words)
        self.repaint()

    def clear(self) -> None:
        """Goes back to the hint."""
        self._state, self._name, self._problem, self._first = None, "", "", 0
        self._forget()
        self.repaint()

    def next_charts(self) -> None:
        """Shows the charts that there was no room for."""
        self._turn(1)

    def previous_charts(self) -> None:
        """Shows the charts before."""
        self._turn(-1)

    def toggle_log_scale(self) -> None:
        """Makes the y axes logarithmic, or linear again."""
        self.log_scale = not self.log_scale
        self.repaint()

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        """The wheel turns to more charts."""
        self.next_charts()

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        """The wheel turns back."""
        self.previous_charts()

    def on_focus(self) -> None:
        """The edge shows the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The edge no longer shows the focus."""
        self.refresh()

    def paint(self, width: int, height: int) -> Sequence[Line]:
        """The pane at that size."""
        if width < 4 or height < 3:
            return [fitted(self._facts_line(width), width)]
        inner = width - 4
        body = self._body(inner, height - 2)
        side = (Run("│", Part.EDGE), Run(" "))
        lines = [
            fitted(self._title(width), width),
            *((*side, *fitted(line, inner), *reversed(side)) for line in body),
            fitted(self._foot(width), width),
        ]
        return [self._plain(line) for line in lines] if self.ascii_only else lines

    def _forget(self) -> None:
        self._envelopes: dict[str, Envelope] = {}
        self._means: dict[str, Settled] = {}
        self._axes: dict[tuple[str, bool], Axis | None] = {}

    def _turn(self, pages: int) -> None:
        if self._state is None:
            return
        grid = self._grid(self.size.width - 4, self.size.height - 2)
        first = self._first + pages * grid.cells
        if 0 <= first < len(self._state.metric_names):
            self._first = first
            self.repaint()

    # The edges

    def _facts(self) -> list[Fact]:
        return facts(self._state, self._status, time.time()) if self._state else []

    def _facts_line(self, width: int) -> list[Run]:
        found = self._facts()
        return [Run(cut(found[0].text if found else _NAME, width), Part.FACT)]

    def _title(self, width: int) -> list[Run]:
        found, state = self._facts(), self._state
        is_moving = state is not None and bool(state.epochs) and not self._status.is_over
        bars = BAR_WIDTHS if is_moving else (0,)
        progress = state.progress if state and is_moving else 0.0
        room = width - 4
        while True:
            # First a shorter bar, then fewer facts, then no bar, and at last the end of the text goes.
            fitting = (
                runs for bar in bars if width_of(runs := self._title_runs(found, progress, bar)) <= room
            )
            chosen = next(fitting, None)
            spare = [fact for fact in found if fact.rank > 1]
            if chosen is None and spare:
                found.remove(max(spare, key=lambda fact: fact.rank))
            elif chosen is None and bars != (0,):
                bars = (0,)
            else:
                break
        runs = chosen or self._title_runs(found, 0, 0)
        if (over := width_of(runs) - room) > 0:
            last = found[-1]
            found[-1] = last._replace(text=cut(last.text, max(1, len(last.text) - over)))
            runs = self._title_runs(found, 0, 0)
        if width_of(runs) > room:
            runs = [Run(cut(f" {_NAME}", room), Part.TITLE)]
        fill = "─" * max(0, width - 3 - width_of(runs))
        return [Run("╭─", Part.EDGE), *runs, Run(f"{fill}╮", Part.EDGE)]

    def _title_runs(self, found: Sequence[Fact], progress: float, bar: int) -> list[Run]:
        runs = [Run(f" {_NAME} ", Part.TITLE)]
        for index, fact in enumerate(found):
            runs += [Run("─", Part.EDGE), Run(f" {fact.text} ", fact.part)]
            if index == 0 and bar:
                runs += [*progress_bar(progress, bar), Run(" ")]
        return runs

    def _foot(self, width: int) -> list[Run]:
        right = ""
        if self._state:
            count = len(self._state.metric_names)
            shown = self._grid(width - 4, self.size.height - 2).cells
            pages = f"charts {self._first + 1}–{min(self._first + shown, count)} of {count}"
            right = " ─ ".join(text for text in (pages if count > shown else "", self._name) if text)
        right = f" {cut(right, width - 6)} " if right and width > 24 else ""
        room = width - 7 - len(right)
        note = one_line(self._note())
        left = f" {cut(note, room)} " if note and room > 12 else ""
        fill = "─" * max(0, width - 4 - width_of([Run(left + right)]))
        return [
            Run("╰─", Part.EDGE),
            Run(left, Part.QUIET),
            Run(fill, Part.EDGE),
            Run(right, Part.QUIET),
            Run("─╯", Part.EDGE),
        ]

    def _note(self) -> str:
        """The newest that was asked, answered or noted."""
        state = self._state
        if state is None:
            return ""
        if self._asked is not None and not self._status.is_over:
            request, words = self._asked
            if not any(answer.id == request for answer in state.steered):
                return f"{words}…"
            self._asked = None
        newest = state.told[-1:]
        return said(newest[0]) if newest else ""

    # What is between them

    def _body(self, width: int, height: int) -> list[Line]:
        state = self._state
        if state is None:
            return _message([Run(self._hint, Part.QUIET)], width, height)
        said = verdict(state, self._status, self._problem, self._ending)
        if not state.curves:
            return _message(said or [Run("The curves start with the first step.", Part.QUIET)], width, height)
        banner = [
            *(line for run in said for line in _wrapped(run, width)),
            *verdict_lines(self._found, width),
        ]
        banner = banner[: max(0, min(4, height - CHART_HEIGHT + 3))]
        return [*self._charts(state, width, height - len(banner)), *banner]

    def _grid(self, width: int, height: int) -> _Grid:
        count = len(self._state.metric_names) if self._state else 1
        columns = max(1, min(count, (width + _GAP) // (CHART_WIDTH + _GAP)))
        rows = max(1, min(-(-count // columns), height // CHART_HEIGHT))
        return _Grid(-(-count // rows) if rows * columns >= count else columns, rows)

    def _charts(self, state: RunState, width: int, height: int) -> list[Line]:
        names = state.metric_names
        grid = self._grid(width, height)
        # A window that grew may show what was turned away.
        self._first = min(self._first, (len(names) - 1) // grid.cells * grid.cells)
        shown = names[self._first : self._first + grid.cells]
        widths = _shares(width - _GAP * (grid.columns - 1), grid.columns)
        lines: list[Line] = []
        for row, row_height in enumerate(_shares(height, grid.rows)):
            of_row = shown[row * grid.columns : (row + 1) * grid.columns]
            drawn = [
                self._chart(name, state, chart_width, row_height)
                for name, chart_width in zip(of_row, widths, strict=False)
            ]
            for parts in zip(*drawn, strict=True):
                gaps = itertools.chain.from_iterable((Run(" " * _GAP), *part) for part in parts)
                lines.append(fitted(list(gaps)[1:], width))
        return lines

    def _chart(self, name: str, state: RunState, width: int, height: int) -> tuple[Line, ...]:
        key = (name, self.log_scale)
        marks = charts.PLAIN if self.ascii_only else charts.BRAILLE
        drawn = charts.draw(
            one_line(name),
            self._series(name, state, width),
            width,
            height,
            epochs=state.epochs,
            ended=self._status.is_over,
            log=self.log_scale,
            marks=marks,
            before=self._axes.get(key),
            events=marks_of(state, name),
        )
        self._axes[key] = drawn.axis
        return drawn.lines

    def _series(self, name: str, state: RunState, width: int) -> list[charts.Series]:
        curve = state.curves[name]
        found = []
        pieces = self._training_pieces(name, curve, state, width)
        if any(pieces):
            found.append(charts.Series(charts.Role.TRAIN, pieces, _last(state, name)))
        if curve.validation:
            pieces = (self._envelope(f"{name} validation", curve.validation),)
            found.append(charts.Series(charts.Role.VALIDATION, pieces, _last(state, VALIDATION + name)))
        return found

    def _training_pieces(self, name: str, curve: Curve, state: RunState, width: int) -> tuple[Envelope, ...]:
        """The training curve, batch by batch where an epoch is wide enough for it.

        Elsewhere it is so in the first epoch only, where it falls the most, and has one point an epoch after.
        """
        batches = self._settled(name, curve.batches)
        axis_end = state.epochs_done if self._status.is_over else state.epochs
        if not state.epochs_done or axis_end * 4 <= width - charts.LABEL_WIDTH - 1:
            return (batches,)
        head = self._envelopes.get(f"{name} head")
        if head is None:
            stop = sum(1 for _ in itertools.takewhile(lambda x: x <= 1, curve.batches.xs))
            head = Envelope(curve.batches.xs[:stop], curve.batches.ys[:stop])
            self._envelopes[f"{name} head"] = head
        return head, self._envelope(f"{name} training", curve.training)

    def _envelope(self, key: str, points: Points) -> Envelope:
        found = self._envelopes.get(key)
        # A series that was thinned out has other arrays than before.
        if found is None or found.xs is not points.xs or found.ys is not points.ys:
            found = self._envelopes[key] = Envelope(points.xs, points.ys)
        return found

    def _settled(self, key: str, points: Points) -> Envelope:
        found = self._means.get(key)
        if found is None or not found.follows(points.xs, points.ys):
            found = self._means[key] = Settled(points.xs, points.ys)
        return found.update()

    @staticmethod
    def _plain(line: Line) -> Line:
        return tuple(Run(to_ascii(text), part) for text, part in line)


def _last(state: RunState, name: str) -> float:
    value = state.logs.get(name)
    return float("nan") if value is None else value


def _shares(whole: int, count: int) -> list[int]:
    """`whole` in `count` parts that differ by one at most."""
    return [whole * (index + 1) // count - whole * index // count for index in range(count)]


def _wrapped(run: Run, width: int) -> list[Line]:
    return [(Run(text, run.part),) for text in textwrap.wrap(one_line(run.text), max(1, width))]


def _message(runs: Sequence[Run], width: int, height: int) -> list[Line]:
    """Text in the middle of the height, wrapped."""
    lines = [line for run in runs for line in _wrapped(run, min(width, 90))][:height]
    above = (height - len(lines)) // 2
    return [*[blank(width)] * above, *lines, *[blank(width)] * (height - above - len(lines))]
