"""The edges: connecting, disconnecting, and the order of inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kflab.graph import edits
from kflab.graph.nodes import source_of
from kflab.graph.references import plain_reference
from kflab.tui.actions.base import LabBase
from kflab.tui.actions.wording import node_words, references, slot_options, slots_of
from kflab.tui.rows.row import Option
from kflab.values import Value


class WiringActions(LabBase):
    """What the keys do with edges."""

    def action_connect(self) -> None:
        """Asks which node shall feed the selected one, too."""
        session = self.session
        graph, name = session.graph_name, session.selected
        fed = edits.connectable(session.graph, name)
        if not fed:
            self.say(f"No node can feed {name} without running in a circle.")
            return
        inputs = session.graph.nodes[name].inputs
        options = [
            Option(
                reference,
                reference,
                detail=node_words(self.lab.catalog, session, reference),
                current=reference in inputs,
            )
            for reference in references(session, fed)
        ]

        def connect(value: Value) -> None:
            self.edit(lambda experiment: edits.connect(experiment, graph, str(value), name))

        self.choose(f"Connect to {name}", options, connect, prompt="node")

    def action_disconnect(self) -> None:
        """Takes an input away; asks which where there are several."""
        session = self.session
        graph, name = session.graph_name, session.selected
        places = slots_of(session.graph, name)

        def disconnect(value: Value) -> None:
            slot, _ = places[int(str(value))]
            self.edit(lambda experiment: edits.disconnect(experiment, graph, name, slot))

        if len(places) == 1:
            disconnect(0)
            return
        options = slot_options(self.lab.catalog, session)
        self.choose(f"Disconnect from {name}", options, disconnect, prompt="input")

    def action_toggle_output(self) -> None:
        """Makes the selected node an output, or takes that back; asks which of several tensors."""
        session = self.session
        graph, name = session.graph_name, session.selected
        tensors = list(references(session, [name]))
        if len(tensors) == 1:
            self.edit(lambda experiment: edits.toggle_output(experiment, graph, name))
            return
        outputs = {plain_reference(output) for output in session.graph.outputs}
        options = [
            Option(
                f"{name}:{index}",
                tensor,
                detail=node_words(self.lab.catalog, session, tensor)
                + ("  output" if tensor in outputs else ""),
            )
            for index, tensor in enumerate(tensors)
        ]

        def toggle(value: Value) -> None:
            self.edit(lambda experiment: edits.toggle_output(experiment, graph, str(value)))

        self.choose(f"Make an output, or no longer, of {name}", options, toggle, prompt="tensor")

    def action_order_inputs(self) -> None:
        """Moves an input of the selected node, or of an Input's model, to another place."""
        session = self.session
        graph, name = session.graph_name, session.selected
        node = session.graph.nodes[name]
        if node.is_input:
            names = session.graph.input_names()
            self._order(
                "inputs of the model",
                names,
                lambda at, to: self.edit(lambda it: edits.move_model_input(it, graph, at, to)),
            )
            return
        self._order(
            f"inputs of {name}",
            node.inputs,
            lambda at, to: self.edit(lambda it: edits.move_input(it, graph, name, at, to)),
        )

    def action_order_outputs(self) -> None:
        """Moves an output of the model to another place."""
        graph = self.session.graph_name
        self._order(
            "outputs of the model",
            self.session.graph.outputs,
            lambda at, to: self.edit(lambda it: edits.move_output(it, graph, at, to)),
        )

    def _order(self, what: str, items: Sequence[str], move: Callable[[int, int], object]) -> None:
        """Asks which of several to move, and where to; two just change places."""
        if len(items) < 2:
            self.say(f"Nothing to put in order: {what}: {', '.join(items) or 'none'}")
            return
        if len(items) == 2:
            move(0, 1)
            self.say(f"{what}: {items[1]}, {items[0]}")
            return

        def chosen(value: Value) -> None:
            position = int(str(value))
            rest = [item for index, item in enumerate(items) if index != position]
            places = [
                Option(index, f"{index + 1}. before {item}", current=index == position)
                for index, item in enumerate(rest)
            ]
            last = len(rest)
            places.append(Option(last, f"{last + 1}. last", current=last == position))

            def put(to: Value) -> None:
                move(position, int(str(to)))

            self.choose(f"Move {items[position]}", places, put)

        options = [
            Option(index, f"{index + 1}. {item}", detail=self._words(item))
            for index, item in enumerate(items)
        ]
        self.choose(f"Move which of the {what}?", options, chosen, prompt="number or name")

    def _words(self, reference: str) -> str:
        known = source_of(reference) in self.session.graph.nodes
        return node_words(self.lab.catalog, self.session, reference) if known else ""
