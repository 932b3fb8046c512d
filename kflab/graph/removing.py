"""Edits that take nodes away and close the gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from kflab.experiment import Experiment
from kflab.graph.edited import Edited, EditRefusedError, finish
from kflab.graph.naming import node_called
from kflab.graph.nodes import Graph, Node, Share, Target, source_of
from kflab.graph.order import topological
from kflab.graph.references import map_references


def delete(experiment: Experiment, graph: str, name: str) -> Edited:
    """Remove a node and close the gap: what it fed is fed by its first input instead.

    A layer that other nodes share passes to the first of them.

    Raises:
        EditRefusedError: there is no such node.
    """
    return delete_all(experiment, graph, [name])


def delete_all(experiment: Experiment, graph: str, names: Sequence[str]) -> Edited:
    """Remove several nodes as one edit, each as `delete` does.

    Raises:
        EditRefusedError: there are none, or one of them is not there.
    """
    value = experiment.graph(graph)
    gone = {name: node_called(value, name) for name in names}
    if not gone:
        raise EditRefusedError("nothing is marked that could be deleted")
    heirs = _heirs(gone)

    def close(reference: str) -> str | None:
        return heirs.get(source_of(reference), reference)

    nodes = {key: _closed(node, close) for key, node in value.nodes.items() if key not in gone}
    for name, node in gone.items():
        nodes = pass_on(nodes, name, node.target)
    changed = msgspec.structs.replace(value, nodes=nodes, outputs=_outputs(value, heirs))
    done = f"delete {names[0]}" if len(gone) == 1 else f"delete {len(gone)} nodes"
    return finish(experiment, graph, changed, done, _neighbour(value, heirs, names[-1]))


def _heirs(gone: Mapping[str, Node]) -> dict[str, str | None]:
    """The reference that takes the place of each node: its first input, or what takes that one's place."""
    heirs: dict[str, str | None] = {}
    for name in gone:
        way = [name]
        while (heir := next(iter(gone[way[-1]].references()), None)) is not None and source_of(heir) in gone:
            way.append(source_of(heir))
            if way[-1] in heirs:
                heir = heirs[way[-1]]
                break
        heirs.update(dict.fromkeys(way, heir))
    return heirs


def _closed(node: Node, close: Callable[[str], str | None]) -> Node:
    """The node with each gap closed; a node that is not fed by one stays the very same."""
    if all(close(reference) is reference for reference in node.references()):
        return node
    closed = map_references(node, close)
    return msgspec.structs.replace(closed, inputs=_once(closed.inputs, node.inputs))


def _outputs(value: Graph, heirs: Mapping[str, str | None]) -> tuple[str, ...]:
    """The outputs after gaps were closed; an Input does not become one by that."""
    outputs: list[str] = []
    for reference in value.outputs:
        heir = heirs.get(source_of(reference), reference)
        if heir is None or heir in outputs:
            continue
        if heir is not reference and heir not in value.outputs and value.nodes[source_of(heir)].is_input:
            continue
        outputs.append(heir)
    return tuple(outputs)


def _neighbour(value: Graph, heirs: Mapping[str, str | None], name: str) -> str:
    """The node to go on with where one was deleted: what fed it, or the next one, or the one before."""
    heir = heirs[name]
    if heir is not None:
        return source_of(heir)
    order = list(value.nodes)
    position = order.index(name)
    near = (*order[position + 1 :], *reversed(order[:position]))
    return next((other for other in near if other not in heirs), "")


def _once(inputs: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    """Inputs after a gap was closed: an input that came twice only because of that comes once."""
    return inputs if len(set(before)) < len(before) else tuple(dict.fromkeys(inputs))


def pass_on(nodes: Mapping[str, Node], owner: str, target: Target) -> dict[str, Node]:
    """The nodes with the layer of `owner`, which no longer has it, owned by the first that shared it."""
    sharers = {key for key, node in nodes.items() if node.target == Share(owner)}
    if not sharers:
        return dict(nodes)
    # The one that is called first, so that none of the others comes before the layer it shares.
    alone = {
        key: msgspec.structs.replace(node, target=target) for key, node in nodes.items() if key in sharers
    }
    heir = next(key for key in topological(Graph(nodes={**nodes, **alone})) if key in sharers)
    moved = {key: msgspec.structs.replace(nodes[key], target=Share(heir)) for key in sharers - {heir}}
    return {**nodes, **moved, heir: msgspec.structs.replace(nodes[heir], target=target)}
