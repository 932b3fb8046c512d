"""The lab's main screen: all panes at once, or one at a time where there is little room."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Static

from kflab.catalog.datasets import DatasetInfo
from kflab.diagnose.findings import Finding, Severity
from kflab.engine.client import EngineError, State
from kflab.graph.layout import Row, lay_out
from kflab.graph.nodes import Graph
from kflab.tui import keys
from kflab.tui.actions.files import FileActions
from kflab.tui.actions.forms import FormActions
from kflab.tui.actions.graph import GraphActions
from kflab.tui.actions.runs import RunActions
from kflab.tui.engine_link import STARTING, status_text
from kflab.tui.keys import Pane, Situation
from kflab.tui.layer_text import target_name
from kflab.tui.rows.node import first_argument, node_rows
from kflab.tui.rows.row import Option
from kflab.tui.rows.row import Row as FormRow
from kflab.tui.rows.setting import Setting
from kflab.tui.rows.setup import setup_rows
from kflab.tui.session import Session
from kflab.tui.text import count_text, plural, shape_text
from kflab.tui.widgets.footer import Footer, TabBar
from kflab.tui.widgets.form import Form
from kflab.tui.widgets.graph import GraphPane, GraphView
from kflab.tui.widgets.header import Header
from kflab.tui.widgets.summary import SummaryPane
from kflab.values import Value

LEAST = (60, 16)
"""The least columns and rows for one pane."""

SIDES = (Pane.NODE, Pane.SETUP, Pane.SUMMARY)
"""The panes that share the place beside the graph."""


class LabScreen(GraphActions, FormActions, FileActions, RunActions):
    """Draws the session and turns keys into edits of it."""

    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings(keys.Place.LAB))
    DEFAULT_CSS = """
    LabScreen { layout: vertical; background: $background; color: $foreground; }
    LabScreen #panes { height: 1fr; }
    LabScreen #top { height: 54%; }
    LabScreen #graph { width: 55%; }
    LabScreen #node, LabScreen #setup, LabScreen #summary { width: 1fr; }
    LabScreen #train { height: 1fr; }
    LabScreen.-narrow #top { height: 1fr; }
    LabScreen.-narrow #graph { width: 1fr; }
    LabScreen #tabs, LabScreen #small { display: none; }
    LabScreen.-narrow #tabs { display: block; }
    LabScreen.-small > * { display: none; }
    LabScreen.-small > #small { display: block; width: 1fr; height: 1fr; content-align: center middle;
                                color: $warning; text-align: center; }
    Toast { background: $panel; border-left: outer $accent; padding: 0 1; width: auto; max-width: 72; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._pane = Pane.GRAPH
        self._side = Pane.NODE
        self._drawn: Graph | None = None
        self._shown_node = ("", "")
        self._rows: tuple[Row, ...] = ()

    def compose(self) -> ComposeResult:
        """Header, tabs, panes, footer, and a notice for a terminal that is too small."""
        yield Header()
        yield TabBar(id="tabs")
        with Vertical(id="panes"):
            with Horizontal(id="top"):
                yield GraphPane(self.lab.catalog, self._select, id="graph")
                yield Form(self, id="node")
                yield Form(self, id="setup")
                yield SummaryPane(id="summary")
            with Container(id="train"):
                yield from self.compose_training()
        yield Footer()
        yield Static(id="small", markup=False)

    def on_mount(self) -> None:
        """Draws the session, now and whenever it changes."""
        self._arrange()
        self.watch(self.app, "session", self._show)
        self.watch(self.app, "engine_status", self._show_header)
        self.show_console(False)
        self.set_focus(self.query_one(GraphPane))
        self.call_after_refresh(lambda: self.run_worker(self.offer_running()))

    # Where things are

    def on_resize(self, event: events.Resize) -> None:
        """Shows all panes or one, as there is room."""
        small = event.size.width < LEAST[0] or event.size.height < LEAST[1]
        self.set_class(small, "-small")
        if small:
            self.query_one("#small", Static).update(
                f"kflab needs {LEAST[0]}×{LEAST[1]} places; this terminal has "
                f"{event.size.width}×{event.size.height}."
            )
        self.set_class(keys.is_narrow(event.size.width, event.size.height), "-narrow")
        self._arrange()

    @property
    def narrow(self) -> bool:
        """Whether one pane is shown at a time."""
        return self.has_class("-narrow")

    @property
    def pane(self) -> Pane:
        """The pane that has the focus."""
        return self._pane

    def _arrange(self) -> None:
        shown = {self._pane} if self.narrow else {Pane.GRAPH, self._side, Pane.TRAIN}
        for pane in Pane:
            self.query_one(f"#{pane.name.lower()}").display = pane in shown
        self.query_one("#top").display = not self.narrow or self._pane is not Pane.TRAIN
        self.query_one(TabBar).show(self._pane)
        self._show_footer()

    def go(self, pane: Pane) -> None:
        """Shows a pane and gives it the focus."""
        self._pane = pane
        if pane in SIDES:
            self._side = pane
        self._arrange()
        if pane is Pane.SUMMARY:
            self._show_summary()
        if pane in {Pane.NODE, Pane.SETUP}:
            self._show_side(self.session)
        target = self.query_one(f"#{pane.name.lower()}")
        if isinstance(target, Form):
            target.take_focus()
        elif pane is Pane.TRAIN:
            self.set_focus(next(child for child in target.children if child.display))
        else:
            self.set_focus(target)

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        # Where the focus was told to come from may be past: such events overtake each other.
        if self.focused is None:
            return
        for widget in self.focused.ancestors_with_self:
            for pane in Pane:
                if widget.id == pane.name.lower() and pane is not self._pane:
                    self._pane = pane
                    self._side = pane if pane in SIDES else self._side
                    self.query_one(TabBar).show(pane)
        self._show_footer()

    def action_pane(self, number: int) -> None:
        """Goes to a pane by its number."""
        self.go(tuple(Pane)[number])

    def action_setup(self) -> None:
        """Setup in place of the node, and back."""
        self.go(Pane.NODE if self._pane is Pane.SETUP else Pane.SETUP)

    def action_summary(self) -> None:
        """Summary in place of the node, and back."""
        self.go(Pane.NODE if self._pane is Pane.SUMMARY else Pane.SUMMARY)

    def action_back(self) -> None:
        """Out of the nested model, or back to the graph."""
        if self._pane is Pane.GRAPH and self.session.trail:
            self.lab.put(self.session.leaving())
        else:
            self.go(Pane.GRAPH)

    # What applies

    @property
    def engine_failed(self) -> bool:
        """Whether there is no engine to ask."""
        status = self.lab.engine_status
        return status is not None and status.state in {State.FAILED, State.RESTARTING}

    def situation(self) -> Situation:
        """What the keys would act on now."""
        session = self.session
        node = session.graph.nodes.get(session.selected)
        return Situation(
            pane=self._pane,
            node=node is not None,
            inputs=bool(node and node.inputs),
            nested=bool(session.trail),
            unsaved=session.unsaved,
            undo=bool(session.history.done),
            redo=bool(session.history.undone),
            training=self.training_alive,
            run=self.run_followed,
            engine_failed=self.engine_failed,
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Whether an action applies now; the keys of others do nothing."""
        command = keys.find(action)
        return command is None or command.when(self.situation())

    def action_help(self) -> None:
        """Every key."""
        from kflab.tui.screens.help import Help

        self.app.push_screen(Help())

    def action_restart_engine(self) -> None:
        """Starts the engine again."""
        self.lab.restart_engine()

    def action_palette(self) -> None:
        """Every command that applies now."""
        now = self.situation()
        options = [
            Option(
                command.action,
                command.title,
                detail=command.key_text,
                help=command.help,
                words=(command.label,),
            )
            for command in keys.commands(keys.Place.LAB)
            if command.when(now) and command.action != "palette"
        ]

        def run(value: Value) -> None:
            self.run_worker(self.run_action(str(value)))

        self.choose("Commands", options, run, prompt="command")

    # Drawing

    def _show(self, session: Session) -> None:
        if session.graph is not self._drawn:
            self._drawn = session.graph
            self._rows = lay_out(session.graph)
        self._show_graph(session)
        self._show_side(session)
        self._show_header()
        self._show_footer()
        if not self.run_followed:
            self.show_training_hint(session)

    def run_changed(self) -> None:
        """The keys depend on whether a run is at work."""
        self._show_footer()

    def _show_graph(self, session: Session) -> None:
        pane = self.query_one(GraphPane)
        pane.show(
            GraphView(
                graph=session.graph,
                rows=self._rows,
                report=session.graph_report,
                stale=session.stale,
                marks=session.marks(),
                selected=session.selected,
            )
        )
        pane.border_title = Text(" › ".join(("Graph", *session.trail)))
        pane.border_subtitle = self._facts(session)

    def _facts(self, session: Session) -> Text:
        facts = [plural(len(session.graph.nodes), "node")]
        if session.report is not None:
            facts.append(f"{count_text(session.graph_report.totals.total)} params")
        errors = len(session.errors)
        warnings = len(session.findings) - errors
        line = Text(" · ".join(facts))
        if errors:
            line.append(" · ").append(f"✗ {plural(errors, 'error')}", self._color("error"))
        if warnings:
            line.append(" · ").append(f"▲ {plural(warnings, 'warning')}", self._color("warning"))
        return line

    def _color(self, name: str) -> str:
        return (
            self.app.theme_variables.get(name, "")
            if not self.app.current_theme.ansi
            else {"error": "red", "warning": "yellow"}[name]
        )

    def _show_side(self, session: Session) -> None:
        if self.query_one("#node").display:
            self._show_node(session)
        if self.query_one("#setup").display:
            self._show_setup(session)
        if self.query_one("#summary").display:
            self._show_summary()

    def _show_node(self, session: Session) -> None:
        form = self.query_one("#node", Form)
        name = session.selected
        if not name:
            form.border_title = Text("Node")
            form.show([], Text("No node yet: a adds an Input."))
            return
        form.border_title = Text(f"{name} · {target_name(session.graph, name)}")
        report = session.graph_report.nodes.get(name)
        shapes = " ".join(shape_text(output.shape[1:]) for output in report.outputs) if report else ""
        params = f"{count_text(report.params)} params" if report and report.params else ""
        form.border_subtitle = Text(" · ".join(part for part in (shapes, params) if part))
        notes = self._notes(session.findings_of(name))
        rows = self.node_rows()
        form.show(rows, notes)
        shown = (session.graph_name, name)
        if shown != self._shown_node:
            self._shown_node = shown
            form.select(first_argument(rows))

    def node_rows(self) -> list[FormRow]:
        """The rows of the selected node."""
        session = self.session
        return node_rows(self.lab.catalog, session.experiment, session.graph_name, session.selected)

    def _notes(self, findings: Iterable[Finding]) -> Text | None:
        notes = Text()
        for finding in findings:
            notes.append("\n" if notes else "")
            mark = "✗ " if finding.severity is Severity.ERROR else "▲ "
            notes.append(mark + finding.message, self._color(finding.severity.value))
        return notes or None

    def _show_setup(self, session: Session) -> None:
        form = self.query_one("#setup", Form)
        form.border_title = Text("Setup")
        about = [finding for finding in session.findings if not finding.node]
        form.border_subtitle = Text(_counts(session.info) if session.info else "")
        rows = setup_rows(
            Setting(self.lab.catalog, session.experiment, session.info, session.folder, session.findings)
        )
        form.show(rows, self._notes(about))

    def _show_summary(self) -> None:
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

    def _show_header(self) -> None:
        session, status = self.session, self.lab.engine_status
        name = session.path.name if session.path else session.source
        self.query_one(Header).show(
            name,
            unsaved=session.unsaved,
            engine=status_text(status) if status else STARTING,
            failed=self.engine_failed,
        )

    def _show_footer(self) -> None:
        self.query_one(Footer).show(keys.footer(self.situation()))

    # Messages of the panes

    def _select(self, name: str) -> None:
        self.lab.put(self.session.selecting(name))

    @on(GraphPane.Opened)
    def _opened(self) -> None:
        self.action_open_node()


def _counts(info: DatasetInfo) -> str:
    """How many samples a dataset has, where that is known."""
    counts = [plural(info.train, "training sample")] if info.train else []
    return " · ".join([*counts, f"{info.test:,} test"] if info.test else counts)
