"""The lab's main screen: all panes at once, or one at a time where there is little room."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from kflab.engine.client import State
from kflab.graph.nodes import Call
from kflab.tui import keys
from kflab.tui.keys import Pane, Situation
from kflab.tui.rows.row import Option
from kflab.tui.screens.lab_drawing import LabDrawing
from kflab.tui.widgets.code import CodePane
from kflab.tui.widgets.footer import Footer, TabBar
from kflab.tui.widgets.form import Form
from kflab.tui.widgets.graph import GraphPane
from kflab.tui.widgets.header import Header
from kflab.tui.widgets.problems import ProblemsPane
from kflab.tui.widgets.steering import TrainingArea
from kflab.tui.widgets.summary import SummaryPane
from kflab.values import Value

LEAST = (60, 16)
"""The least columns and rows for one pane."""

SIDES = (Pane.NODE, Pane.SETUP, Pane.SUMMARY, Pane.CODE, Pane.DATA, Pane.PROBLEMS, Pane.PREDICT)
"""The panes that share the place beside the graph."""


class LabScreen(LabDrawing):
    """The panes and where they stand; its parents draw the session and turn keys into edits of it."""

    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings(keys.Place.LAB))
    DEFAULT_CSS = """
    LabScreen { layout: vertical; background: $background; color: $foreground; }
    LabScreen #panes { height: 1fr; }
    LabScreen #top { height: 54%; }
    LabScreen #top > * { width: 1fr; }
    LabScreen #top > #graph { width: 55%; }
    LabScreen #train { height: 1fr; }
    LabScreen.-narrow #top { height: 1fr; }
    LabScreen.-narrow #top > #graph { width: 1fr; }
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
                yield CodePane(id="code")
                yield self.compose_data()
                yield self.compose_problems()
                yield self.compose_predict()
            with TrainingArea(self._answer, lambda command: command.when(self.situation()), id="train"):
                yield from self.compose_training()
                yield self.compose_surface()
        yield Footer()
        yield Static(id="small", markup=False)

    def on_mount(self) -> None:
        """Draws the session, now and whenever it changes."""
        self._arrange()
        self.watch(self.app, "session", self.show_session)
        self.watch(self.app, "engine_status", self.show_header)
        self.watch(self.app, "trainer_ready", self.show_header)
        self.show_console(False)
        self.set_focus(self.query_one(GraphPane))
        self.call_after_refresh(lambda: self.run_worker(self.offer_running()))
        self.call_after_refresh(self.keep_queue)

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
        self.show_footer()

    def go(self, pane: Pane) -> None:
        """Shows a pane and gives it the focus."""
        self._pane = pane
        if pane in SIDES:
            self._side = pane
        self._arrange()
        if pane is Pane.SUMMARY:
            self.show_summary()
        if pane is Pane.CODE:
            self.show_code()
        if pane is Pane.PREDICT:
            self.open_predict()
        if pane in {Pane.NODE, Pane.SETUP, Pane.DATA, Pane.PROBLEMS}:
            self.show_side(self.session)
        target = self.query_one(f"#{pane.name.lower()}")
        if isinstance(target, Form | ProblemsPane):
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
        self.show_footer()

    def action_pane(self, number: int) -> None:
        """Goes to a pane by its number."""
        self.go(tuple(Pane)[number])

    def action_setup(self) -> None:
        """Setup in place of the node, and back."""
        self.go(Pane.NODE if self._pane is Pane.SETUP else Pane.SETUP)

    def action_summary(self) -> None:
        """Summary in place of the node, and back."""
        self.go(Pane.NODE if self._pane is Pane.SUMMARY else Pane.SUMMARY)

    def action_code(self) -> None:
        """Code in place of the node, and back."""
        self.go(Pane.NODE if self._pane is Pane.CODE else Pane.CODE)

    def action_back(self) -> None:
        """Takes the marks away, or leaves the nested model, or goes back to the graph."""
        if self._pane is Pane.GRAPH and self.session.marked:
            self.clear_marks()
        elif self._pane is Pane.GRAPH and self.session.trail:
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
        # Inside a call there is nothing to edit, and of a fold only all its nodes at once.
        is_node = self._pane is not Pane.GRAPH or session.on_node
        node = session.graph.nodes.get(session.selected) if is_node else None
        return Situation(
            pane=self._pane,
            node=node is not None,
            row=bool(session.graph.nodes),
            starts=bool(node and node.is_input),
            inputs=bool(node and any(node.references())),
            calls=bool(node and isinstance(node.target, Call)),
            block=self._pane is Pane.GRAPH and bool(session.block),
            marked=len(session.marked),
            models=bool(session.experiment.models),
            nested=bool(session.trail),
            unsaved=session.unsaved,
            undo=bool(session.history.done),
            redo=bool(session.history.undone),
            training=self.training_alive,
            run=self.run_followed,
            engine_failed=self.engine_failed,
            problem=self.selected_problem is not None,
            fixable=self.fixable() is not None,
            fixes=len(self.safe_fixes()),
            augments=bool(session.experiment.data.augment),
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
        own = (keys.Place.DATA, keys.Place.PROBLEMS, keys.Place.PREDICT, keys.Place.TRAIN)
        places = (*own, keys.Place.LAB)
        applying = {
            command.action: command
            for place in places
            for command in keys.commands(place)
            if command.when(now) and command.action != "palette"
        }
        options = [
            Option(
                command.action,
                command.title,
                detail=command.key_text,
                help=command.help,
                words=(command.label,),
            )
            for command in applying.values()
        ]

        def run(value: Value) -> None:
            self.run_worker(self.run_action(str(value)))

        self.choose("Commands", options, run, prompt="command")

    # Messages of the panes

    def _select(self, key: str) -> None:
        self.lab.put(self.session.standing_on(key))

    @on(GraphPane.Opened)
    def _opened(self) -> None:
        self.action_open_node()
