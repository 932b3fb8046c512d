"""Edits that take nodes away and close the gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    value = experiment.graph(graph)
    gone = node_called(value, name)
    heir = next(iter(gone.references()), None)

    def close(reference: str) -> str | None:
        return heir if source_of(reference) == name else reference

    nodes = {key: map_references(node, close) for key, node in value.nodes.items() if key != name}
    nodes = pass_on(nodes, name, gone.target)
    nodes = {
        key: msgspec.structs.replace(node, inputs=_once(node.inputs, value.nodes[key].inputs))
        for key, node in nodes.items()
    }
    outputs = tuple(dict.fromkeys(new for old in value.outputs if (new := close(old)) is not None))
    if heir is not None and value.nodes[source_of(heir)].is_input and heir not in value.outputs:
        outputs = tuple(reference for reference in outputs if reference != heir)
    changed = msgspec.structs.replace(value, nodes=nodes, outputs=outputs)
    order = list(value.nodes)
    position = order.index(name)
    neighbours = (
        [source_of(heir)] if heir is not None else order[position + 1 : position + 2] or order[:position][-1:]
    )
    return finish(experiment, graph, changed, f"delete {name}", next(iter(neighbours), ""))


def delete_all(experiment: Experiment, graph: str, names: Sequence[str]) -> Edited:
    """Remove several nodes as one edit, each as `delete` does.

    Raises:
        EditRefusedError: there are none, or one of them is not there.
    """
    if not names:
        raise EditRefusedError("nothing is marked that could be deleted")
    edited = Edited(experiment, "")
    for name in names:
        edited = delete(edited.experiment, graph, name)
    done = f"delete {names[0]}" if len(names) == 1 else f"delete {len(names)} nodes"
    return msgspec.structs.replace(edited, name=done)


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
