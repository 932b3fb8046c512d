"""Edits of the graph: add, connect, disconnect, delete, rename, outputs, undo and redo."""

from __future__ import annotations

from kflab.experiment import Experiment
from kflab.graph import edits
from kflab.graph.edits import Edited
from kflab.graph.nodes import Call, Share, Target
from kflab.tui.actions.asking import AskingActions
from kflab.tui.keys import Pane
from kflab.tui.layer_text import layer_text
from kflab.tui.rows.row import Option
from kflab.tui.text import shape_text
from kflab.values import Value


class GraphActions(AskingActions):
    """What the keys do with the graph."""

    def action_add(self) -> None:
        """Asks what to add after the selected node."""
        graph, after = self.session.graph_name, self.session.selected

        def place(experiment: Experiment, target: Target, name: str) -> Edited:
            nodes = experiment.graph(graph).nodes
            sources = nodes[after].sources() if after in nodes else ()
            if isinstance(target, Share) and (target.node == after or target.node in sources):
                # Putting a layer behind itself is rarely meant: the other branch calls it.
                return edits.add_branch(experiment, graph, after, target, name)
            return edits.add_after(experiment, graph, after, target, name)

        self.ask_target(f"Add after {after}" if after else "Add", place, source=after)

    def action_branch(self) -> None:
        """Asks what to add beside what the selected node feeds already."""
        graph, after = self.session.graph_name, self.session.selected
        self.ask_target(
            f"Branch off {after}",
            lambda experiment, target, name: edits.add_branch(experiment, graph, after, target, name),
            source=after,
        )

    def action_connect(self) -> None:
        """Asks which node shall feed the selected one, too."""
        session = self.session
        graph, name = session.graph_name, session.selected
        fed = edits.connectable(session.graph, name)
        if not fed:
            self.say(f"No node can feed {name} without running in a circle.")
            return
        node = session.graph.nodes[name]
        options = [
            Option(
                source,
                source,
                detail=self._words(source),
                current=source in node.inputs,
            )
            for source in fed
        ]

        def connect(value: Value) -> None:
            self.edit(lambda experiment: edits.connect(experiment, graph, str(value), name))

        self.choose(f"Connect to {name}", options, connect, prompt="node")

    def _words(self, name: str) -> str:
        report = self.session.graph_report.nodes.get(name)
        shape = shape_text(report.outputs[0].shape[1:]) if report and report.outputs else ""
        return f"{layer_text(self.lab.catalog, self.session.graph, name)}  {shape}".rstrip()

    def action_disconnect(self) -> None:
        """Takes an input away; asks which where there are several."""
        session = self.session
        graph, name = session.graph_name, session.selected
        inputs = session.graph.nodes[name].inputs

        def disconnect(value: Value) -> None:
            position = int(str(value))
            self.edit(lambda experiment: edits.disconnect(experiment, graph, name, position))

        if len(inputs) == 1:
            disconnect(0)
            return
        options = [
            Option(position, source, detail=self._words(source.partition(":")[0]))
            for position, source in enumerate(inputs)
        ]
        self.choose(f"Disconnect from {name}", options, disconnect, prompt="input")

    def action_delete(self) -> None:
        """Deletes the selected node."""
        graph, name = self.session.graph_name, self.session.selected
        self.edit(lambda experiment: edits.delete(experiment, graph, name))

    def action_rename(self) -> None:
        """Asks for another name of the selected node."""
        graph, name = self.session.graph_name, self.session.selected

        def rename(new: str) -> None:
            self.lab.put(self.session.edited(edits.rename(self.session.experiment, graph, name, new)))

        self.ask(f"Rename {name}", name, rename)

    def action_toggle_output(self) -> None:
        """Makes the selected node an output, or takes that back."""
        graph, name = self.session.graph_name, self.session.selected
        self.edit(lambda experiment: edits.toggle_output(experiment, graph, name))

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
        graph = self.session.graph
        options = [
            Option(name, name, detail=self._words(name), current=name == self.session.selected)
            for name in graph.nodes
        ]

        def select(value: Value) -> None:
            self.lab.put(self.session.selecting(str(value)))

        self.choose("Find a node", options, select, prompt="name or layer")

    def action_open_node(self) -> None:
        """Goes to the arguments of the selected node, or into the nested model that it calls."""
        node = self.session.graph.own(self.session.selected)
        if isinstance(node.target, Call) and node.target.model in self.session.experiment.models:
            self.lab.put(self.session.entering(node.target.model))
        else:
            self.go(Pane.NODE)
