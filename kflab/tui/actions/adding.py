"""Adding nodes: after, before, between, as a branch, as a merge; and changing what a node calls."""

from __future__ import annotations

from kflab.catalog import Kind
from kflab.experiment import Experiment
from kflab.graph import edits
from kflab.graph.edits import Edited, Slot
from kflab.graph.nodes import Layer, Op, Share, Target, source_of
from kflab.quick_add.chains import changed_to
from kflab.tui.actions.asking import AskingActions
from kflab.tui.actions.wording import slot_options, slots_of
from kflab.values import Value


class AddingActions(AskingActions):
    """What the keys that add nodes do."""

    def action_add(self) -> None:
        """Asks what to add after the selected node."""
        graph, after, marked = self.session.graph_name, self.session.selected, self.session.marked

        def place(experiment: Experiment, target: Target, name: str) -> Edited:
            if len(marked) > 1 and self._merges(target):
                return edits.add_merge(experiment, graph, marked, target, name)
            nodes = experiment.graph(graph).nodes
            sources = nodes[after].sources() if after in nodes else ()
            if isinstance(target, Share) and (target.node == after or target.node in sources):
                # Putting a layer behind itself is rarely meant: the other branch calls it.
                return edits.add_branch(experiment, graph, after, target, name)
            return edits.add_after(experiment, graph, after, target, name)

        self.ask_target(f"Add after {after}" if after else "Add", place, source=after)

    def _merges(self, target: Target) -> bool:
        """Whether what is added takes a list of tensors: marked nodes are then meant to be its inputs."""
        match target:
            case Layer(layer=called):
                entry = self.lab.catalog.find(Kind.LAYER, called)
            case Op(op=called):
                entry = self.lab.catalog.find(Kind.OP, called)
            case _:
                return False
        return entry is not None and entry.takes_list

    def action_branch(self) -> None:
        """Asks what to add beside what the selected node feeds already."""
        graph, after = self.session.graph_name, self.session.selected
        self.ask_target(
            f"Branch off {after}",
            lambda experiment, target, name: edits.add_branch(experiment, graph, after, target, name),
            source=after,
        )

    def action_add_before(self) -> None:
        """Asks what to add before the selected node."""
        graph, before = self.session.graph_name, self.session.selected
        inputs = self.session.graph.nodes[before].inputs
        self.ask_target(
            f"Add before {before}",
            lambda experiment, target, name: edits.add_before(experiment, graph, before, target, name),
            source=source_of(inputs[0]) if inputs else "",
        )

    def action_insert(self) -> None:
        """Asks what to add on an edge into the selected node; asks which where there are several."""
        session = self.session
        name = session.selected
        places = slots_of(session.graph, name)
        if len(places) == 1:
            self._insert(name, *places[0])
            return

        def chosen(value: Value) -> None:
            self._insert(name, *places[int(str(value))])

        self.choose(f"Insert before which input of {name}?", slot_options(self.lab.catalog, session), chosen)

    def _insert(self, name: str, slot: Slot, reference: str) -> None:
        graph = self.session.graph_name
        self.ask_target(
            f"Insert between {reference} and {name}",
            lambda experiment, target, new: edits.add_between(experiment, graph, name, slot, target, new),
            source=source_of(reference),
        )

    def action_merge(self) -> None:
        """Asks what to merge the marked nodes with; a single marked one is merged with the selected one."""
        session = self.session
        graph, sources = session.graph_name, session.marked
        if len(sources) == 1 and session.selected not in sources:
            sources = (*sources, session.selected)
        if len(sources) < 2:
            self.say("Nothing to merge: space marks nodes, in the order they shall be merged.")
            return

        def place(experiment: Experiment, target: Target, name: str) -> Edited:
            return edits.add_merge(experiment, graph, sources, target, name)

        shown = " and ".join(sources) if len(sources) == 2 else f"{len(sources)} nodes"
        self.ask_target(f"Merge {shown}", place, source=sources[0])

    def action_change_type(self) -> None:
        """Asks what the selected node shall call instead; arguments that fit stay."""
        graph, changed = self.session.graph_name, self.session.selected
        node = self.session.graph.nodes[changed]
        if node.is_input:
            self.say("An Input stays one; d deletes it.")
            return
        sources = node.sources()
        place = changed_to(graph, changed)
        self.ask_target(f"Change {changed} to", place, source=sources[0] if sources else "")
