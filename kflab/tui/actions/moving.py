"""Moving over the graph: along an edge, into and out of folds, and to a node by its name."""

from __future__ import annotations

from collections.abc import Sequence

from kflab.graph.folding import Folding, all_calls, all_folds, around, folds_of
from kflab.graph.nodes import Call
from kflab.graph.picture import Line
from kflab.tui.actions.nesting import NestingActions
from kflab.tui.keys import Pane
from kflab.tui.rows.row import Option
from kflab.tui.session import Session
from kflab.tui.widgets.graph import GraphPane
from kflab.values import Value


class MovingActions(NestingActions):
    """What the keys do that change nothing but what is seen."""

    @property
    def _line(self) -> Line | None:
        """The row under the cursor."""
        shown = self.session.picture
        row = shown.row_of.get(self.session.row)
        return None if row is None else shown.lines[row]

    def action_to_input(self) -> None:
        """Goes to what feeds the row under the cursor; asks which where there are several."""
        shown = self.session.picture
        self._go_along("input", shown.inputs_of(shown.row_of[self.session.row]))

    def action_to_consumer(self) -> None:
        """Goes to what the row under the cursor feeds; asks which where there are several."""
        shown = self.session.picture
        self._go_along("consumer", shown.consumers_of(shown.row_of[self.session.row]))

    def _go_along(self, what: str, rows: Sequence[int]) -> None:
        lines = self.session.picture.lines
        here = self.session.row
        if not rows:
            self.say(f"{here} has no {what}.")
            return

        def stand(key: Value) -> None:
            self.lab.put(self.session.standing_on(str(key)))

        if len(rows) == 1:
            stand(lines[rows[0]].key)
            return
        said = self.query_one(GraphPane).words
        options = [Option(lines[row].key, lines[row].key, detail=said(row)) for row in rows]
        self.choose(f"{what.capitalize()}s of {here}", options, stand, prompt=what)

    def action_fold(self) -> None:
        """Folds the block that the cursor is in, or opens the one that it stands on; so for nested models."""
        line = self._line
        if line is None:
            return
        session = self.session
        folds = folds_of(session.graph)
        if line.fold is not None:
            opened = session.folded_to(session.folding.turning(line.fold))
            self.lab.put(opened.standing_on(line.fold.nodes[0]))
            return
        call = self._call_of(line)
        if call:
            # Folded away, the rows inside leave the cursor on their call.
            folded = session.folded_to(session.folding.turning_call(call))
            self.lab.put(folded.standing_on(call))
            return
        inner = [] if line.depth else list(around(folds, line.node))
        if inner:
            self.lab.put(self._standing(session.folded_to(session.folding.turning(inner[-1])), line.node))
        else:
            self.say("There is no repeated block and no nested model here.")

    def _call_of(self, line: Line) -> str:
        """The path of the call that a row is, or is inside of."""
        session = self.session
        graph = session.experiment.graph(line.model or session.graph_name)
        target = graph.nodes[line.node].target
        if isinstance(target, Call) and target.model in session.experiment.models:
            return line.key
        return line.key.rpartition("/")[0]

    def action_fold_all(self) -> None:
        """Folds everything, or opens everything where nothing is left to fold."""
        session = self.session
        folds = list(all_folds(folds_of(session.graph)))
        calls = frozenset(all_calls(session.graph, session.experiment.models))
        if not folds and not calls:
            self.say("There is no repeated block and no nested model here.")
            return
        folding = session.folding
        is_open = bool(calls & folding.opened) or any(not folding.closes(fold) for fold in folds)
        now = Folding(folded=True) if is_open else Folding(opened=calls)
        self.lab.put(self._standing(session.folded_to(now), session.selected))

    @staticmethod
    def _standing(session: Session, name: str) -> Session:
        """The session with the cursor on the row that shows a node, be it a fold's."""
        shown = session.picture
        return session.standing_on(shown.lines[shown.row_of[name]].key) if name in shown.row_of else session

    def action_open_node(self) -> None:
        """Opens what the cursor stands on: a node, a fold, or the node inside a nested model where it is."""
        line = self._line
        if line is None or (line.fold is None and not line.depth):
            super().action_open_node()
        elif line.fold is not None:
            self.action_fold()
        else:
            self._enter(line)

    def _enter(self, line: Line) -> None:
        """Goes into the nested models that a row is inside of, and selects its node there."""
        session = self.session
        models = []
        graph, names = session.graph, line.key.split("/")
        for name in names[:-1]:
            target = graph.own(name).target
            assert isinstance(target, Call)
            models.append(target.model)
            graph = session.experiment.models[target.model]
        for model in models:
            session = session.entering(model)
        self.lab.put(session.selecting(names[-1]))
        self.go(Pane.GRAPH)
