"""How nodes and what feeds them are offered to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kflab.catalog import Catalog
from kflab.graph.edits import Slot, slots
from kflab.graph.nodes import Graph, source_of
from kflab.tui.layer_text import layer_text
from kflab.tui.rows.row import Option
from kflab.tui.session import Session
from kflab.tui.text import shape_text


def node_words(catalog: Catalog, session: Session, reference: str) -> str:
    """What a node of the graph that is shown calls, and the shape of what the reference stands for."""
    name, _, index = reference.partition(":")
    report = session.graph_report.nodes.get(name)
    outputs = report.outputs if report else ()
    number = int(index or 0)
    shape = shape_text(outputs[number].shape[1:]) if number < len(outputs) else ""
    return f"{layer_text(catalog, session.graph, name)}  {shape}".rstrip()


def node_options(catalog: Catalog, session: Session, names: Iterable[str], current: str = "") -> list[Option]:
    """Nodes to choose from."""
    return [
        Option(name, name, detail=node_words(catalog, session, name), current=name == current)
        for name in names
    ]


def references(session: Session, names: Iterable[str]) -> Iterator[str]:
    """What can be referred to of nodes: of one that gives several tensors each of them."""
    for name in names:
        report = session.graph_report.nodes.get(name)
        yield name
        yield from (f"{name}:{index}" for index in range(1, len(report.outputs) if report else 0))


def slots_of(graph: Graph, name: str) -> list[tuple[Slot, str]]:
    """What feeds a node, and where."""
    return list(slots(graph.nodes[name]))


def slot_options(catalog: Catalog, session: Session) -> list[Option]:
    """What feeds the selected node, each with its number among `slots_of`."""
    return [
        Option(
            number,
            f"{slot.argument}: {reference}" if slot.argument else reference,
            detail=node_words(catalog, session, reference)
            if source_of(reference) in session.graph.nodes
            else "",
        )
        for number, (slot, reference) in enumerate(slots_of(session.graph, session.selected))
    ]
