"""The order of a graph: who comes before whom, who feeds whom, and where it runs in a circle."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from kflab.graph.memo import ByIdentity, Recent
from kflab.graph.nodes import Call, Graph, Node, Share, source_of


def prerequisites(graph: Graph, name: str) -> tuple[str, ...]:
    """The nodes that must come before node `name`: what feeds it, and the owner of a layer that it shares.

    References to nodes that the graph does not have are left out.
    """
    needed = _named_before(graph.nodes[name])
    nodes = graph.nodes
    if all(source in nodes for source in needed):
        return needed
    return tuple(source for source in needed if source in nodes)


def _find_named_before(node: Node) -> tuple[str, ...]:
    owner = (node.target.node,) if isinstance(node.target, Share) else ()
    return tuple(dict.fromkeys((*node.sources(), *owner)))


_named_before = ByIdentity(_find_named_before)


def consumers(graph: Graph) -> Mapping[str, tuple[str, ...]]:
    """For each node the nodes that it feeds, in the order of the document."""
    return _known_consumers(graph)


def _consumers(graph: Graph) -> Mapping[str, tuple[str, ...]]:
    fed: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for name, node in graph.nodes.items():
        for source in node.sources():
            if source in fed:
                fed[source].append(name)
    return {name: tuple(names) for name, names in fed.items()}


def topological(graph: Graph) -> tuple[str, ...]:
    """Every node after all that feed it, and otherwise in the order of the document.

    Nodes on a cycle come last, in the order of the document, so that a broken graph can be shown.
    """
    return _known_order(graph)


def _topological(graph: Graph) -> tuple[str, ...]:
    position = {name: index for index, name in enumerate(graph.nodes)}
    names = list(graph.nodes)
    waiting: dict[str, int] = {}
    followers: dict[str, list[str]] = {name: [] for name in names}
    for name in names:
        needed = prerequisites(graph, name)
        waiting[name] = len(needed)
        for source in needed:
            followers[source].append(name)
    ready = [position[name] for name in names if not waiting[name]]
    heapq.heapify(ready)
    ordered: list[str] = []
    while ready:
        name = names[heapq.heappop(ready)]
        ordered.append(name)
        for follower in followers[name]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready, position[follower])
    if len(ordered) < len(names):
        done = set(ordered)
        ordered += [name for name in names if name not in done]
    return tuple(ordered)


def find_cycle(graph: Graph) -> tuple[str, ...]:
    """The nodes of one cycle in the direction of the data, or nothing when there is none."""
    return _known_cycle(graph)


def _find_cycle(graph: Graph) -> tuple[str, ...]:
    before = {name: prerequisites(graph, name) for name in graph.nodes}
    finished: set[str] = set()
    for start in graph.nodes:
        if start in finished:
            continue
        path: list[str] = [start]
        on_path = {start}
        branches = [iter(before[start])]
        while branches:
            source = next(branches[-1], None)
            if source is None:
                branches.pop()
                on_path.discard(path[-1])
                finished.add(path.pop())
            elif source in on_path:
                return tuple(reversed(path[path.index(source) :]))
            elif source not in finished:
                path.append(source)
                on_path.add(source)
                branches.append(iter(before[source]))
    return ()


_known_consumers = Recent(_consumers)
_known_order = Recent(_topological)
_known_cycle = Recent(_find_cycle)


def ancestors(graph: Graph, name: str) -> frozenset[str]:
    """Every node that node `name` depends on, itself left out."""
    return _above(graph, prerequisites(graph, name))


def _above(graph: Graph, names: Iterable[str]) -> frozenset[str]:
    """Nodes and every node that they depend on."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        source = waiting.pop()
        if source not in seen:
            seen.add(source)
            waiting.extend(prerequisites(graph, source))
    return frozenset(seen)


def descendants(graph: Graph, name: str) -> frozenset[str]:
    """Every node that depends on node `name`, itself left out; what `ancestors` is in the other direction."""
    followers: dict[str, list[str]] = {other: [] for other in graph.nodes}
    for other in graph.nodes:
        for source in prerequisites(graph, other):
            followers[source].append(other)
    seen: set[str] = set()
    waiting = list(followers[name])
    while waiting:
        follower = waiting.pop()
        if follower not in seen:
            seen.add(follower)
            waiting.extend(followers[follower])
    return frozenset(seen)


def needed(graph: Graph) -> frozenset[str]:
    """The nodes that the outputs depend on, owners of shared layers too, and the Inputs.

    While there are no outputs, that is every node.
    """
    if not graph.outputs:
        return frozenset(graph.nodes)
    sources = {source_of(reference) for reference in graph.outputs} & graph.nodes.keys()
    return _above(graph, sources).union(graph.input_names())


def calling_order(graph: Graph) -> tuple[str, ...]:
    """The nodes that Keras is given, in the order in which it is given them."""
    wanted = needed(graph)
    return tuple(name for name in topological(graph) if name in wanted)


def nested_models(graph: Graph) -> tuple[str, ...]:
    """The nested models that are called on the way to the outputs, in the order of their first calls."""
    targets = (graph.nodes[name].target for name in calling_order(graph))
    return tuple(dict.fromkeys(target.model for target in targets if isinstance(target, Call)))


def model_cycle(models: Mapping[str, Graph]) -> tuple[str, ...]:
    """The names of nested models that call each other in a circle, or nothing."""
    called = Graph(
        nodes={
            name: Node(
                target=Call(name),
                inputs=tuple(
                    dict.fromkeys(
                        node.target.model
                        for node in graph.nodes.values()
                        if isinstance(node.target, Call) and node.target.model in models
                    )
                ),
            )
            for name, graph in models.items()
        }
    )
    return find_cycle(called)
