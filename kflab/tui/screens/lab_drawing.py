"""How the lab's screen draws its session into the panes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec
from rich.text import Text
from textual.timer import Timer
from textual.widget import Widget

from kflab.catalog.datasets import DatasetInfo
from kflab.diagnose.findings import Finding, Severity, worst_first
from kflab.engine.client import EngineError, State
from kflab.tui import keys
from kflab.tui.actions.cost import CostActions
from kflab.tui.actions.data import DataActions
from kflab.tui.actions.devices import DeviceActions
from kflab.tui.actions.files import FileActions
from kflab.tui.actions.forms import FormActions
from kflab.tui.actions.graph import GraphActions
from kflab.tui.actions.moving import MovingActions
from kflab.tui.actions.predict import PredictActions
from kflab.tui.actions.problems import ProblemActions
from kflab.tui.actions.queue import QueueActions
from kflab.tui.actions.steering import SteeringActions
from kflab.tui.actions.surface import SurfaceActions
from kflab.tui.engine_link import STARTING, status_text
from kflab.tui.graph_view import view_of
from kflab.tui.keys import Situation
from kflab.tui.layer_text import target_name
from kflab.tui.marks import MARKS, PARTS
from kflab.tui.problems import counts_text
from kflab.tui.rows.node import first_argument, node_rows
from kflab.tui.rows.row import Row as FormRow
from kflab.tui.rows.setting import Setting
from kflab.tui.rows.setup import setup_rows
from kflab.tui.session import Session
from kflab.tui.text import count_text, plural, shape_text
from kflab.tui.widgets.code import CodePane
from kflab.tui.widgets.footer import Footer
from kflab.tui.widgets.form import Form
from kflab.tui.widgets.graph import GraphPane
from kflab.tui.widgets.header import Header
from kflab.tui.widgets.problems import ProblemsPane
from kflab.tui.widgets.rowlist import RowList
from kflab.tui.widgets.summary import SummaryPane

if TYPE_CHECKING:
    from kflab.tui.live_code import LiveCode

_USUAL_WIDTH = 46
"""The width of a pane that was not laid out yet."""

AT_ONCE = 0.06
"""Seconds within which an answer of the engine comes at once: until then, nothing is drawn twice."""


class LabDrawing(
    MovingActions,
    GraphActions,
    FormActions,
    FileActions,
    DataActions,
    DeviceActions,
    ProblemActions,
    CostActions,
    QueueActions,
    SteeringActions,
    SurfaceActions,
    PredictActions,
):
    """Draws the session; every pane shows what it says and holds no other truth."""

    def __init__(self) -> None:
        super().__init__()
        self._shown_node = ("", "")
        self._code: LiveCode | None = None
        self._wait: Timer | None = None
        self._is_late = False
        self._held = ExitStack()
        self._titles: WeakKeyDictionary[Widget, tuple[Text, Text]] = WeakKeyDictionary()

    @property
    def engine_failed(self) -> bool:
        """Whether there is no engine to ask."""
        raise NotImplementedError

    def situation(self) -> Situation:
        """What the keys would act on now."""
        raise NotImplementedError

    def show_session(self, session: Session) -> None:
        """Draws everything."""
        if session.stale:
            self._hold_back()
        elif self._wait is not None:
            self._wait.stop()
            self._wait, self._is_late = None, False
        self._show_graph(session)
        self.show_side(session)
        self.show_header()
        self.show_footer()
        if not self.run_followed:
            self.show_training_hint(session)
        if not session.stale:
            self._let_draw()

    def run_changed(self) -> None:
        """The keys depend on whether a run is at work."""
        self.show_footer()
        self.follow_surface()
        self.predict_after_run()

    def _show_graph(self, session: Session) -> None:
        pane = self.query_one(GraphPane)
        pane.show(msgspec.structs.replace(view_of(session), stale=session.stale and self._is_late))
        self._entitle(pane, Text(" › ".join(("Graph", *session.trail))), self._facts(session))

    def _hold_back(self) -> None:
        """Draws nothing until the engine has answered, as far as it does so at once.

        To draw the screen takes longer than most answers, and figures that turn old and new again flicker.
        """
        if self._wait is not None:
            return
        self._wait = self.set_timer(AT_ONCE, self._answer_is_late)
        status = self.lab.engine_status
        if status is not None and status.state is State.READY:
            self._held.enter_context(self.app.batch_update())
            for rows in self.query(RowList):
                rows.hold_back(held=True)

    def _answer_is_late(self) -> None:
        self._is_late = True
        self._show_graph(self.session)
        self._let_draw()

    def _let_draw(self) -> None:
        for rows in self.query(RowList):
            rows.hold_back(held=False)
        self._held.close()
        self.check_idle()
        for form in self.query(Form):
            form.keep_line()

    def _entitle(self, pane: Widget, title: Text, subtitle: Text) -> None:
        """Draws the titles of a pane where they have changed: setting one draws the whole border anew."""
        before = self._titles.get(pane)
        if before is None or before[0] != title:
            pane.border_title = title
        if before is None or before[1] != subtitle:
            pane.border_subtitle = subtitle
        self._titles[pane] = (title, subtitle)

    def _facts(self, session: Session) -> Text:
        facts = [plural(len(session.graph.nodes), "node")]
        if session.report is not None:
            facts.append(f"{count_text(session.graph_report.totals.total)} params")
        return Text(" · ".join(facts))

    def _color(self, name: str) -> str:
        return (
            self.app.theme_variables.get(name, "")
            if not self.app.current_theme.ansi
            else {"error": "red", "warning": "yellow"}.get(name, "")
        )

    def show_side(self, session: Session) -> None:
        """Draws the panes beside the graph that can be seen."""
        if self.query_one("#node").display:
            self._show_node(session)
        if self.query_one("#setup").display:
            self._show_setup(session)
        if self.query_one("#summary").display:
            self.show_summary()
        if self.query_one("#code").display:
            self.show_code()
        if self.query_one("#data").display:
            self.show_data(session)
        if self.query_one("#problems").display:
            self.show_problems(session)

    def _show_node(self, session: Session) -> None:
        form = self.query_one("#node", Form)
        name = session.selected
        if not name:
            self._entitle(form, Text("Node"), Text())
            form.show([], Text("No node yet: a adds an Input."))
            return
        report = session.graph_report.nodes.get(name)
        shapes = " ".join(shape_text(output.shape[1:]) for output in report.outputs) if report else ""
        params = f"{count_text(report.params)} params" if report and report.params else ""
        title = Text(f"{name} · {target_name(session.graph, name)}")
        self._entitle(form, title, Text(" · ".join(part for part in (shapes, params) if part)))
        notes = self._notes(session.findings_of(name))
        rows = self.node_rows()
        form.show(rows, notes, f"{session.graph_name}/{name}")
        shown = (session.graph_name, name)
        if shown != self._shown_node:
            self._shown_node = shown
            form.select(first_argument(rows))

    def node_rows(self) -> list[FormRow]:
        """The rows of the selected node."""
        session = self.session
        outputs = {name: len(node.outputs) for name, node in session.graph_report.nodes.items()}
        return node_rows(self.lab.catalog, session.experiment, session.graph_name, session.selected, outputs)

    def _notes(self, findings: Iterable[Finding]) -> Text | None:
        notes = Text()
        for finding in findings:
            notes.append("\n" if notes else "")
            notes.append(f"{MARKS[finding.severity]} {finding.message}", self._color(PARTS[finding.severity]))
        return notes or None

    def _first_note(self, findings: Sequence[Finding], width: int) -> Text | None:
        """The worst of many findings in two lines: the rows need the room, and the list has all in full."""
        notes = self._notes(findings[:1])
        if notes is None:
            return None
        more = f" {len(findings) - 1} more on p" if len(findings) > 1 else ""
        # Words are not broken: a line is not quite full.
        notes.truncate(max(2 * width - len(more) - 12, 20), overflow="ellipsis")
        return notes.append(more)

    def _show_setup(self, session: Session) -> None:
        form = self.query_one("#setup", Form)
        told = (finding for finding in session.findings if finding.severity is not Severity.INFO)
        about = worst_first(finding for finding in told if not finding.node)
        self._entitle(form, Text("Setup"), Text(_about_data(session)))
        rows = setup_rows(
            Setting(self.lab.catalog, session.experiment, session.info, session.folder, session.findings)
        )
        form.show(rows, self._first_note(about, form.content_size.width or _USUAL_WIDTH))

    def show_summary(self) -> None:
        """Asks the engine for the summary and draws it."""
        self.run_worker(self._ask_summary(), group="summary", exclusive=True)

    async def _ask_summary(self) -> None:
        pane = self.query_one(SummaryPane)
        pane.border_title = Text(" › ".join(("Summary", *self.session.trail)))
        try:
            answer = await self.lab.summary(max(pane.scrollable_content_region.width, 60))
        except EngineError as problem:
            pane.show(str(problem), is_table=False)
            return
        if answer is not None:
            reasons = [f"{finding.place}: {finding.message}" for finding in answer.findings]
            pane.show(answer.text or "\n".join(reasons), is_table=bool(answer.text))

    def show_code(self) -> None:
        """Writes the code of the experiment beside the keys, and draws it."""
        self.run_worker(self._write_code(), group="code", exclusive=True)

    async def _write_code(self) -> None:
        from kflab.tui.live_code import write

        session = self.session
        if self._code is None or not self._code.is_of(session):
            self._code = await asyncio.to_thread(write, session)
        pane = self.query_one(CodePane)
        pane.border_subtitle = Text(self._code.missing(session))
        pane.show(self._code.block.lines, self._code.lines_of(session.graph_name, session.selected))

    def show_problems(self, session: Session) -> None:
        """Draws what is wrong."""
        pane = self.query_one(ProblemsPane)
        pane.show(session.findings, session.verdict, stale=session.stale, empty=self._nothing_wrong(session))
        counts = [counts_text(session.findings)] if session.findings else []
        fixes = len(self.safe_fixes())
        facts = [*counts, f"{fixes} to fix on F"] if fixes > 1 else counts
        self._entitle(pane, Text("Problems"), Text(" · ".join(facts)))

    def _nothing_wrong(self, session: Session) -> str:
        if session.stale:
            return "Nothing is wrong so far; the shapes are being worked out."
        data = "\n\nThe data is being looked at." if session.looking else ""
        if session.look and session.look.error:
            data = f"\n\nThe data was not looked at: {session.look.error}"
        return f"Nothing is wrong.\n\nK tells what it will cost, t trains it.{data}"

    def show_header(self) -> None:
        """Draws file and engine."""
        session, status = self.session, self.lab.engine_status
        name = session.path.name if session.path else session.source
        self.query_one(Header).show(
            name,
            unsaved=session.unsaved,
            engine=status_text(status, trainer_ready=self.lab.trainer_ready) if status else STARTING,
            failed=self.engine_failed,
            problems=[
                (f"{count} {MARKS[severity]}", PARTS[severity])
                for severity in (Severity.ERROR, Severity.WARNING)
                if (count := sum(finding.severity is severity for finding in session.findings))
            ],
        )

    def show_footer(self) -> None:
        """Draws the keys that apply now."""
        self.query_one(Footer).show(keys.footer(self.situation()))


def _about_data(session: Session) -> str:
    """What is known of the data so far."""
    facts = [_counts(session.info)] if session.info else []
    if session.looking:
        facts.append("looking…")
    elif session.look and session.look.error and not session.look.unusable:
        facts.append("not looked at")
    return " · ".join(fact for fact in facts if fact)


def _counts(info: DatasetInfo) -> str:
    """How many samples a dataset has, where that is known."""
    counts = [plural(info.train, "training sample")] if info.train else []
    return " · ".join([*counts, f"{info.test:,} test"] if info.test else counts)
