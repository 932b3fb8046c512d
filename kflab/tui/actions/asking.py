"""Asking what to add, and putting the answer where a key wants it."""

from __future__ import annotations

from kflab.quick_add import understand
from kflab.quick_add.chains import Added, Place, add_chain
from kflab.quick_add.ranks import rank_at, rank_of_shape
from kflab.quick_add.understood import Understood
from kflab.tui.actions.base import LabBase
from kflab.tui.text import shape_text


class AskingActions(LabBase):
    """Asks for the nodes that a key adds."""

    def __init__(self) -> None:
        super().__init__()
        self._to_fill: tuple[str, ...] = ()

    def ask_target(self, title: str, place: Place, *, source: str = "") -> None:
        """Asks what to add, puts it in place and asks for the values that it can not do without.

        Args:
            title: where it goes, such as `Add after image`.
            place: puts the first node; what is added behind it in the same line follows it.
            source: the node that feeds the first one, whose shape tells `conv` from Conv1D to Conv3D.
        """
        from kflab.tui.screens.quick_add import QuickAdd

        session, catalog = self.session, self.lab.catalog
        experiment, graph = session.experiment, session.graph_name
        rank = self._rank(source)
        report = session.graph_report.nodes.get(source)
        if report and report.outputs:
            title = f"{title} · fed {shape_text(report.outputs[0].shape[1:])}"

        def read(line: str, cursor: int) -> Understood:
            return understand(line, catalog, experiment, graph, cursor=cursor, rank=rank)

        def add(understood: Understood) -> Added:
            return add_chain(experiment, graph, understood.segments, place)

        def added(result: Added | None) -> None:
            if result is not None:
                self._take_added(result)
            self.lab.release_keys()

        self.lab.hold_keys()
        self.app.push_screen(QuickAdd(title, read, add), added)

    def _rank(self, source: str) -> int | None:
        """The spatial axes of what a node gives: what the engine has told, or else what its layers tell."""
        report = self.session.graph_report.nodes.get(source)
        if report and report.outputs:
            return rank_of_shape(report.outputs[0].shape)
        return rank_at(self.lab.catalog, self.session.graph, source)

    def _take_added(self, added: Added) -> None:
        self.lab.put(self.session.edited(added.edited))
        if added.incomplete:
            self._to_fill = (*added.incomplete, added.edited.node)
            self._fill_next()

    def _fill_next(self) -> None:
        name, *rest = self._to_fill
        self._to_fill = tuple(rest)
        if name in self.session.graph.nodes:
            self.lab.put(self.session.selecting(name))
        super().fill_missing()

    def fill_missing(self) -> None:
        """Asks for what the selected node can not do without, then for that of the others it came with."""
        super().fill_missing()
        while self._to_fill and not any(row.missing for row in self.node_rows()):
            self._fill_next()

    def typing_left(self) -> None:
        """Asks for nothing more."""
        self._to_fill = ()
        super().typing_left()
