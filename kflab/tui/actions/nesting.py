"""Nested models, shared layers and frozen weights."""

from __future__ import annotations

from kflab.errors import KflabError
from kflab.graph import edits
from kflab.graph.edits import EditRefusedError, Tensors
from kflab.graph.nodes import Call, Layer, Share
from kflab.tui.actions.base import LabBase
from kflab.tui.actions.wording import node_options
from kflab.tui.keys import Pane
from kflab.tui.rows.row import Option
from kflab.values import Value


class NestingActions(LabBase):
    """What the keys do with nested models, shared layers and frozen weights."""

    def action_open_node(self) -> None:
        """Goes to the arguments of the selected node, or into the nested model that it calls."""
        node = self.session.graph.own(self.session.selected)
        if isinstance(node.target, Call) and node.target.model in self.session.experiment.models:
            self.lab.put(self.session.entering(node.target.model))
        else:
            self.go(Pane.NODE)

    def action_group(self) -> None:
        """Makes the marked nodes, or the selected one, a nested model; a call without marks is ungrouped."""
        session = self.session
        graph, names = session.graph_name, session.subjects
        if len(names) == 1 and not session.marked and isinstance(session.graph.nodes[names[0]].target, Call):
            self.edit(lambda experiment: edits.ungroup(experiment, graph, names[0]))
            return

        def group(model: str) -> None:
            now = self.session
            edited = edits.group(now.experiment, graph, names, self._tensors(), model.strip())
            self.lab.put(now.edited(edited))

        what = names[0] if len(names) == 1 else f"{len(names)} nodes"
        self.ask(f"Group {what} into a nested model", self._free_model(), group, hint="its name")

    def _free_model(self) -> str:
        taken = {*self.session.experiment.models, *self.session.graph.nodes}
        numbers = (f"block_{number}" for number in range(1, len(taken) + 2))
        return next(name for name in ("block", *numbers) if name not in taken)

    def _tensors(self) -> Tensors:
        """The shapes of all that nodes of the graph give.

        Raises:
            EditRefusedError: the engine has not answered the last edit yet.
        """
        session = self.session
        if session.stale:
            raise EditRefusedError("the shapes are being worked out: again in a moment")
        return session.graph_report.tensors()

    def action_share(self) -> None:
        """Gives a node that shares a layer one of its own, or lets it call the layer of another node."""
        session = self.session
        graph, name = session.graph_name, session.selected
        target = session.graph.nodes[name].target
        if isinstance(target, Share):
            self.edit(lambda experiment: edits.unshare(experiment, graph, name))
            return
        owners = edits.shareable(session.graph, name)
        if not owners:
            self.say(f"No other node has a layer that {name} could share.")
            return

        def alike(owner: str) -> bool:
            other = session.graph.nodes[owner].target
            return isinstance(other, Layer) and isinstance(target, Layer) and other.layer == target.layer

        # Layers of the same class come first: sharing those is what is meant most often.
        options = node_options(self.lab.catalog, session, sorted(owners, key=lambda owner: not alike(owner)))

        def share(value: Value) -> None:
            self.edit(lambda experiment: edits.share(experiment, graph, name, str(value)))

        self.choose(f"{name} shares the layer of", options, share, prompt="node")

    def action_freeze(self) -> None:
        """Freezes what the nodes call, or lets it be trained again where all of it is frozen."""
        session = self.session
        graph, names = session.graph_name, session.subjects
        able = [name for name in names if edits.can_freeze(session.experiment, graph, name)]
        frozen = not all(edits.is_frozen(session.experiment, graph, name) for name in able)
        self.edit(lambda experiment: edits.freeze(experiment, graph, names, frozen=frozen))

    def action_rename_model(self) -> None:
        """Asks for another name: of the nested model that the node calls, or of the model that is shown."""
        session = self.session
        node = session.graph.nodes.get(session.selected)
        called = node.target.model if node and isinstance(node.target, Call) else ""
        model = called if called in session.experiment.models else session.graph_name
        before = model or session.experiment.model.name

        def rename(new: str) -> None:
            now = self.session
            self.lab.put(now.edited(edits.rename_model(now.experiment, model, new.strip())))

        self.ask(f"Rename the model {before}", before, rename)

    def action_delete_model(self) -> None:
        """Asks which of the nested models that nothing calls shall go."""
        experiment = self.session.experiment
        loose = [name for name in experiment.models if not edits.callers(experiment, name)]
        if not loose:
            self.say("Every nested model is called; ungroup or delete its calls first.")
            return

        def delete(value: Value) -> None:
            try:
                self.lab.put(self.session.edited(edits.delete_model(self.session.experiment, str(value))))
            except KflabError as refusal:
                self.say(str(refusal))

        self.choose("Delete a nested model", [Option(name, name) for name in loose], delete)
