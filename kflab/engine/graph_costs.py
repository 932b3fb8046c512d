"""What a graph costs: its operations, and how much of a batch stays in memory until the backward pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from kflab.engine.call_costs import CallCost
from kflab.engine.keeping import Kept, Need
from kflab.engine.specs import Spec, sample_bytes

Tensor: TypeAlias = tuple[str, int]
"""A tensor of a graph: the node that returns it, and which of what that returns it is."""


class GraphCall(NamedTuple):
    """One call of a graph.

    Attributes:
        node: the node.
        given: the tensors that it is called with.
        returned: what it returns.
        cost: what the call costs.
        trained: whether weights of its own are trained.
        is_input: whether it is an Input, which calls nothing.
    """

    node: str
    given: tuple[Tensor, ...]
    returned: tuple[Spec, ...]
    cost: CallCost = CallCost()
    trained: bool = False
    is_input: bool = False


class GraphCost(NamedTuple):
    """What a graph costs for one sample.

    Attributes:
        flops: operations of the forward pass.
        nodes: operations, and bytes kept, of each node.
        kept: bytes that stay in memory until the backward pass.
        work: bytes that the call that needs most needs while it runs: forward for what it is given and what
            it makes, backward for the gradients of both.
        calls: how many calls it is made of.
        loops: how often these run over the steps of a sequence in a loop.
        given: for what the backward pass needs what the graph was given.
        returned: bytes of what the graph returns that are among those kept.
    """

    flops: int
    nodes: Mapping[str, tuple[int, int]]
    kept: int
    work: int
    calls: int
    loops: int
    given: Need
    returned: int

    def as_call(self) -> CallCost:
        """The cost of the graph as one call in another."""
        inner = self.kept - self.returned
        kept = Kept(self.given, bool(self.returned), inner, self.work)
        return CallCost(self.flops, kept, self.calls, self.loops)


def graph_cost(
    graph_calls: Iterable[GraphCall], outputs: Iterable[Tensor], flows_in: bool = False
) -> GraphCost:
    """What the calls of a graph cost together.

    A tensor is kept where the gradient of a call needs it, once, however many need it; none is kept before
    the first weights that are trained.

    Args:
        graph_calls: the calls, each after those that it depends on.
        outputs: what the graph returns.
        flows_in: whether a gradient is wanted of what the graph is given.
    """
    walk = _Walk(flows_in)
    for call in graph_calls:
        walk.add(call)
    return walk.cost(outputs)


class _Walk:
    """The calls seen so far, in their order."""

    def __init__(self, flows_in: bool) -> None:
        self._flows_in = flows_in
        self._flowing: set[str] = set()
        self._given: set[Tensor] = set()
        self._storage: dict[Tensor, Tensor] = {}
        self._sizes: dict[Tensor, int] = {}
        self._made: dict[Tensor, int] = {}
        self._needed: set[Tensor] = set()
        self._inner: list[int] = []
        self._momentary: list[int] = []
        self._nodes: dict[str, int] = {}
        self._calls = self._loops = 0
        self._flops: dict[str, int] = {}

    def add(self, call: GraphCall) -> None:
        place, kept = len(self._inner), call.cost.kept
        sources = [self._storage[tensor] for tensor in call.given if tensor in self._storage]
        flows = call.trained or any(node in self._flowing for node, _ in call.given)
        if call.is_input:
            flows = self._flows_in
        if flows:
            self._flowing.add(call.node)
        for index, spec in enumerate(call.returned):
            tensor = (call.node, index)
            if kept.is_view and sources:
                self._storage[tensor] = sources[0]
                continue
            self._storage[tensor] = tensor
            self._sizes[tensor] = sample_bytes(spec)
            self._made[tensor] = place
            if call.is_input:
                self._given.add(tensor)
            elif flows and kept.returned:
                self._needed.add(tensor)
        if flows and (kept.given is Need.ALWAYS or (kept.given is Need.OWN_WEIGHTS and call.trained)):
            self._needed.update(sources)
        self._inner.append(kept.inner if flows else 0)
        made = 0 if kept.is_view or call.is_input else sample_bytes(*call.returned)
        taken = 0 if kept.is_view else sum(self._sizes[tensor] for tensor in dict.fromkeys(sources))
        self._momentary.append(made + taken + kept.work)
        self._nodes[call.node] = place
        self._calls += call.cost.calls
        self._loops += call.cost.loops
        self._flops[call.node] = call.cost.flops

    def cost(self, outputs: Iterable[Tensor]) -> GraphCost:
        kept_at_node = list(self._inner)
        given_need = Need.NOTHING
        for tensor in self._needed:
            if tensor in self._given:
                given_need = Need.ALWAYS
            else:
                kept_at_node[self._made[tensor]] += self._sizes[tensor]
        results = {self._storage[tensor] for tensor in outputs if tensor in self._storage}
        return GraphCost(
            flops=sum(self._flops.values()),
            nodes={node: (self._flops[node], kept_at_node[place]) for node, place in self._nodes.items()},
            kept=sum(kept_at_node),
            work=max(self._momentary, default=0),
            calls=self._calls,
            loops=self._loops,
            given=given_need,
            returned=sum(
                self._sizes[tensor]
                for tensor in results
                if tensor in self._needed and tensor not in self._given
            ),
        )
