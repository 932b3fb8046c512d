"""The edit of what feeds a node by the name of an argument: `initial_state: [h, c]`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kflab.experiment import Experiment
from kflab.graph.edited import Edited, EditRefusedError, change_node
from kflab.graph.nodes import source_of
from kflab.graph.order import descendants


def name_tensors(
    experiment: Experiment, graph: str, name: str, argument: str, references: str | Sequence[str]
) -> Edited:
    """Feed an argument of the call of node `name` by its name: one reference, a list of them, or none at all.

    Raises:
        EditRefusedError: a reference leads nowhere, or it would run in a circle.
    """
    value = experiment.graph(graph)
    node = value.nodes[name]
    later = {name, *descendants(value, name)}
    for reference in [references] if isinstance(references, str) else references:
        source = source_of(reference)
        if source not in value.nodes:
            free = [candidate for candidate in value.nodes if candidate not in later]
            such = f", such as {free[0]}" if free else ""
            raise EditRefusedError(f"expected the name of a node{such}; got {reference!r}")
        if source in later:
            raise EditRefusedError(f"{source!r} comes after {name!r}: feeding it back would run in a circle")
    named = {key: given for key, given in node.named.items() if key != argument}
    if references:
        named[argument] = references if isinstance(references, str) else tuple(references)
    changed = msgspec.structs.replace(node, named=named)
    fed = references if isinstance(references, str) else ", ".join(references)
    done = f"connect {fed} to {argument} of {name}" if references else f"disconnect {argument} of {name}"
    return change_node(experiment, graph, name, changed, done)
