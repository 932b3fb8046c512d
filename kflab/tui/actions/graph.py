"""Edits of the graph: marks, deleting, names, undo and redo; the other edits stand beside this file."""

from __future__ import annotations

from kflab.graph import edits
from kflab.tui.actions.adding import AddingActions
from kflab.tui.actions.clipboard import ClipboardActions
from kflab.tui.actions.nesting import NestingActions
from kflab.tui.actions.wiring import WiringActions
from kflab.tui.actions.wording import node_options
from kflab.tui.widgets.graph import GraphPane
from kflab.values import Value


class GraphActions(AddingActions, WiringActions, ClipboardActions, NestingActions):
    """What the keys do with the graph."""

    def action_mark(self) -> None:
        """Marks what is under the cursor, or takes its mark away, and goes to the next row."""
        session = self.session
        marked, names = session.marked, session.block or (session.selected,)
        if set(names) <= set(marked):
            self.lab.put(session.marking(*(other for other in marked if other not in names)))
        else:
            self.lab.put(session.marking(*marked, *(name for name in names if name not in marked)))
        self.query_one(GraphPane).action_down()

    def clear_marks(self) -> None:
        """Takes all marks away."""
        self.lab.put(self.session.marking())

    def action_delete(self) -> None:
        """Deletes the marked nodes, or the selected one."""
        graph, names = self.session.graph_name, self.session.subjects
        self.edit(lambda experiment: edits.delete_all(experiment, graph, names))

    def action_rename(self) -> None:
        """Asks for another name of the selected node."""
        graph, name = self.session.graph_name, self.session.selected

        def rename(new: str) -> None:
            self.lab.put(self.session.edited(edits.rename(self.session.experiment, graph, name, new)))

        self.ask(f"Rename {name}", name, rename)

    def action_undo(self) -> None:
        """Takes the last edit back."""
        name = self.session.history.done[-1].name
        self.lab.put(self.session.undone())
        self.say(f"undone: {name}")

    def action_redo(self) -> None:
        """Does the last undone edit again."""
        name = self.session.history.undone[-1].name
        self.lab.put(self.session.redone())
        self.say(f"done again: {name}")

    def action_find(self) -> None:
        """Asks for a node and selects it."""
        session = self.session
        options = node_options(self.lab.catalog, session, session.graph.nodes, session.selected)

        def select(value: Value) -> None:
            self.lab.put(self.session.selecting(str(value)))

        self.choose("Find a node", options, select, prompt="name or layer")
