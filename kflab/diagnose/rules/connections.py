"""The rules about what is connected to nothing, and about what is there twice."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kflab.diagnose import codes
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Connect, Fix, Unshare
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.surroundings import entry_of, graph_called, own
from kflab.experiment import Experiment
from kflab.graph.nodes import Call, Graph, Node, Share, source_of
from kflab.graph.order import ancestors, consumers
from kflab.values import canonical


@rule(codes.DISCONNECTED, "disconnected", Severity.ERROR)
def disconnected(facts: Facts) -> Iterator[Finding]:
    """A node is fed by nothing, or nothing uses what it returns.

    A functional model is what leads from its Inputs to its outputs. A node without an input can not be
    computed, and neither can an output behind it: that is an error, which can not be switched off. An Input
    that no node uses and a branch that leads to no output are warnings, as the model trains without them.

        x:      {Input: {shape: [4]}}
        other:  {Input: {shape: [3]}}
        hidden: {Dense: {units: 8}}
        y:      {Dense: {units: 3, activation: softmax}, from: hidden}

    Connect the one with `from`, and take the other out:

        x:      {Input: {shape: [4]}}
        hidden: {Dense: {units: 8}, from: x}
    """
    told = [found for found in facts.told if found.code == codes.DISCONNECTED]
    mended = [_mended(facts, found) for found in told]
    partners = {
        (found.graph, step.source)
        for found in mended
        for step in (found.fix.steps if found.fix is not None else ())
        if isinstance(step, Connect)
    }
    yield from (found for found in mended if (found.graph, found.node) not in partners)


def _mended(facts: Facts, found: Finding) -> Finding:
    """The finding with what is known beside the graph: what feeds it, and what could."""
    graph = graph_called(facts, found.graph)
    node = graph.nodes.get(found.node) if graph is not None else None
    if graph is None or node is None:
        return found
    if found.severity is Severity.ERROR:
        return msgspec.structs.replace(found, fix=_connected(graph, found.graph, found.node))
    unfed = facts.matching.misfits if facts.matching is not None and not found.graph else {}
    if not node.is_input or found.node not in unfed:
        return found
    # The dataset has nothing for an Input that nothing uses: it is one mistake, and stops a run.
    return msgspec.structs.replace(
        found,
        message=f"{found.message}; {unfed[found.node]}",
        severity=Severity.ERROR,
        explains=tuple(unfed),
        fix=found.fix and msgspec.structs.replace(found.fix, safe=True),
    )


def _connected(graph: Graph, graph_name: str, name: str) -> Fix | None:
    """What feeds a node that nothing feeds: the only other one that nothing uses."""
    fed = consumers(graph)
    outputs = {source_of(reference) for reference in graph.outputs}
    loose = [other for other in graph.nodes if not fed[other] and other not in outputs and other != name]
    if len(loose) != 1 or name in ancestors(graph, loose[0]):
        return None
    step = Connect(name, loose[0], graph=graph_name)
    return Fix(f"connect {loose[0]} to {name}", (step,), safe=False)


@rule(codes.THERE_TWICE, "there-twice", Severity.WARNING)
def there_twice(facts: Facts) -> Iterator[Finding]:
    """A name is there twice, or one layer or model is called twice on the very same input.

    Names of nodes are unique in their graph: a document with the same key twice is not read at all.

    A layer or a backbone that is called twice on the same tensor gives the same result twice, as both calls
    have the same weights, so that merging the two brings nothing.

        left:   {model: backbone, from: image}
        right:  {model: backbone, from: image}
        joined: {Concatenate: {}, from: [left, right]}

    Use the one result twice, give the second branch another input, or layers of its own:

        left:   {model: backbone, from: image}
        right:  {model: other_backbone, from: image}
    """
    for graph_name in ("", *facts.experiment.models):
        graph = facts.experiment.graph(graph_name)
        calls: dict[bytes, str] = {}
        shared = _shared(graph)
        for name, node in graph.nodes.items():
            key = _call_key(graph, name, node, shared)
            if not key:
                continue
            first = calls.setdefault(key, name)
            if first == name or _is_random(facts.experiment, graph, name):
                continue
            owner = graph.owner(name)
            what = f"model {node.target.model!r}" if isinstance(node.target, Call) else f"layer of {owner!r}"
            unshare = Fix(f"give {name} a layer of its own", (Unshare(name, graph_name),), safe=False)
            yield Finding(
                f"it calls the {what} on the same input as {first!r}, so both give the same result",
                Severity.WARNING,
                graph_name,
                name,
                fix=unshare if isinstance(node.target, Share) else None,
            )


def _call_key(graph: Graph, name: str, node: Node, shared: frozenset[str]) -> bytes:
    """What a call of a shared layer or of a model is told by; nothing for other nodes."""
    if isinstance(node.target, Call):
        called = f"model {node.target.model}"
    elif isinstance(node.target, Share):
        called = f"layer {graph.owner(name)}"
    elif name in shared:
        called = f"layer {name}"
    else:
        return b""
    named = {key: value if isinstance(value, str) else list(value) for key, value in node.named.items()}
    return canonical([called, list(node.inputs), named, node.call])


def _shared(graph: Graph) -> frozenset[str]:
    """The nodes whose layers others share."""
    return frozenset(node.target.node for node in graph.nodes.values() if isinstance(node.target, Share))


def _is_random(experiment: Experiment, graph: Graph, name: str, depth: int = 0) -> bool:
    """Whether two calls on the same input give different results in training: Dropout, augmentation."""
    node = graph.nodes[name]
    if isinstance(node.target, Call):
        model = experiment.models.get(node.target.model)
        deeper = depth + 1
        return (
            model is None
            or deeper > len(experiment.models)
            or any(_is_random(experiment, model, inner, deeper) for inner in model.nodes)
        )
    entry = entry_of(own(graph, name)[0])
    return entry is None or entry.argument("seed") is not None
