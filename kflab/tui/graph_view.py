"""All that is shown of one graph, as one value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from kflab.diagnose.findings import Finding, Severity
from kflab.engine.protocol import GraphReport, Report
from kflab.experiment import Experiment
from kflab.graph.nodes import Graph
from kflab.graph.picture import Line, Picture
from kflab.tui.session import Session


class GraphView(msgspec.Struct, frozen=True):
    """All that is shown of one graph.

    Attributes:
        experiment: the experiment.
        name: the graph: a nested model, or "" for the main one.
        picture: its rows.
        report: what the engine said last; none while it has said nothing.
        stale: the report is about an earlier state of the graph.
        marks: the worst finding of each node that has one.
        inner: the same for the nodes of nested models, by the model and the node.
        notes: what it says.
        marked: the nodes that are marked, to be acted on together.
        selected: the key of the row under the cursor.
    """

    experiment: Experiment
    name: str = ""
    picture: Picture = Picture()
    report: Report | None = None
    stale: bool = False
    marks: Mapping[str, Severity] = {}
    inner: Mapping[tuple[str, str], Severity] = {}
    notes: Mapping[str, str] = {}
    marked: frozenset[str] = frozenset()
    selected: str = ""

    @property
    def graph(self) -> Graph:
        """The graph."""
        return self.experiment.graph(self.name)

    def report_of(self, line: Line) -> GraphReport:
        """What the engine said of the graph that a row's node is in."""
        name = line.model or self.name
        if self.report is None:
            return GraphReport()
        return self.report.models.get(name, GraphReport()) if name else self.report.model


def view_of(session: Session, *, with_selection: bool = True) -> GraphView:
    """What a session shows of its graph.

    Args:
        session: the session.
        with_selection: whether there is a cursor, whose edges are lit.
    """
    return GraphView(
        experiment=session.experiment,
        name=session.graph_name,
        picture=session.picture,
        report=session.report,
        stale=session.stale,
        marks=session.marks(),
        inner=_inner(session.findings),
        notes=session.notes(),
        marked=frozenset(session.marked),
        selected=session.row if with_selection else "",
    )


def _inner(findings: Iterable[Finding]) -> dict[tuple[str, str], Severity]:
    """The worst finding of each node of each nested model."""
    found: dict[tuple[str, str], Severity] = {}
    for finding in findings:
        if finding.severity is Severity.INFO:
            continue
        if finding.graph and found.get((finding.graph, finding.node)) is not Severity.ERROR:
            found[finding.graph, finding.node] = finding.severity
    return found
