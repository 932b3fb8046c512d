"""What training an experiment will cost, from what an inspection knows of its graphs."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from typing import Protocol

from kflab.catalog import datasets
from kflab.catalog.matching import match
from kflab.engine.build import owner_of
from kflab.engine.call_costs import CallCost
from kflab.engine.devices import Device
from kflab.engine.graph_costs import GraphCall, GraphCost, Tensor, graph_cost
from kflab.engine.memory import training_memory
from kflab.engine.probe import Weights
from kflab.engine.protocol import Cost, LayerCost, Memory
from kflab.engine.specs import Spec, sample_bytes
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.graph.nodes import Graph, Layer, index_of, source_of
from kflab.graph.order import topological


class Inspected(Protocol):
    """What is known of one graph; see `inspect`."""

    graph: Graph
    outputs: dict[str, tuple[Spec, ...]]
    weights: dict[str, Weights]
    models: dict[str, str]
    costs: dict[str, CallCost]

    @property
    def used(self) -> frozenset[str]:
        """The nodes whose results reach an output."""


class Costs:
    """What each graph of an experiment costs, each worked out once.

    Args:
        experiment: the experiment.
        graphs: what is known of each of its graphs by name.
        frozen: the graphs whose weights are not trained.
        slots: numbers that the optimizer keeps for each trainable weight.
        device: what it is trained on.
    """

    def __init__(
        self,
        experiment: Experiment,
        graphs: Mapping[str, Inspected],
        frozen: frozenset[str],
        slots: float,
        device: Device,
    ) -> None:
        self._experiment = experiment
        self._graphs = graphs
        self._frozen = frozen
        self._slots = slots
        self._device = device
        self._costs: dict[tuple[str, bool], GraphCost] = {}

    def memory(self, name: str, weights: Weights) -> Memory:
        """What training a graph takes, whose weights are these."""
        found = self._graphs[name]
        inputs = [spec for node in found.graph.input_names() for spec in self._sized(found, node)]
        targets = [
            self._sized(found, source_of(reference))[index_of(reference)]
            for reference in found.graph.outputs
            if index_of(reference) < len(found.outputs.get(source_of(reference), ()))
        ]
        return training_memory(
            weights,
            self._slots,
            self.of(name),
            batch_size=self._experiment.training.batch_size,
            sample=sample_bytes(*inputs, *targets),
            returned=sample_bytes(*targets),
            on_gpu=self._device.name.startswith("gpu"),
        )

    def report(self, memory: Memory) -> Cost:
        """The whole cost, told of the main model; `memory` is what it takes."""
        return Cost(
            memory=memory,
            available=self._device.available,
            device=self._device.name,
            flops=self.of("").flops,
            nodes=tuple(self._nodes()),
        )

    def _nodes(self) -> Iterator[LayerCost]:
        batch = self._experiment.training.batch_size
        for name in ("", *self._experiment.models):
            costs = self.of(name).nodes
            for node in self._graphs[name].graph.nodes:
                operations, kept = costs.get(node, (0, 0))
                yield LayerCost(node, operations, kept * batch, name)

    def of(self, name: str, flows_in: bool = False) -> GraphCost:
        """What one call of a graph costs for one sample.

        Args:
            name: the nested model, or "" for the main one.
            flows_in: whether a gradient is wanted of what it is given.
        """
        key = (name, flows_in)
        if key not in self._costs:
            found = self._graphs[name]
            outputs = [(source_of(reference), index_of(reference)) for reference in found.graph.outputs]
            self._costs[key] = graph_cost(self._calls(name, found, flows_in), outputs, flows_in)
        return self._costs[key]

    def _calls(self, name: str, found: Inspected, flows_in: bool) -> Iterator[GraphCall]:
        inputs = set(found.graph.input_names())
        flowing = set(inputs) if flows_in else set[str]()
        for node in topological(found.graph):
            if node not in found.used or node not in found.outputs:
                continue
            place = found.graph.nodes[node]
            given: tuple[Tensor, ...] = tuple(
                (source_of(reference), index_of(reference)) for reference in place.references()
            )
            trained = self._is_trained(name, found, node)
            flows = trained or any(source in flowing for source, _ in given)
            if flows:
                flowing.add(node)
            called = found.models.get(node)
            cost = found.costs.get(node, CallCost())
            if called is None:
                cost = cost.times(self._length ** _unknown_axes(found, given))
            else:
                cost = self.of(called, flows_in=any(source in flowing for source, _ in given)).as_call()
            yield GraphCall(node, given, self._sized(found, node), cost, trained, node in inputs)

    def _sized(self, found: Inspected, node: str) -> tuple[Spec, ...]:
        """What a node returns, with the size of the data for axes whose size varies."""
        return tuple(
            spec._replace(shape=(None, *(size or self._length for size in spec.shape[1:])))
            if None in spec.shape[1:]
            else spec
            for spec in found.outputs.get(node, ())
        )

    @functools.cached_property
    def _length(self) -> int:
        """The size of an axis that varies: the largest that the data has there; 1 where that is not known."""
        experiment = self._experiment
        if datasets.find(experiment.data.source) is None:
            return 1
        with contextlib.suppress(KflabError):
            info = datasets.describe(experiment.data)
            matching = match(experiment.model, experiment.data, info, ())
            sizes = [
                size
                for name, array in matching.inputs.items()
                for spec in self._graphs[""].outputs.get(name, ())
                for varies, size in zip(spec.shape[1:], array.shape, strict=False)
                if varies is None and size
            ]
            return max(sizes, default=1)
        return 1

    def _is_trained(self, name: str, found: Inspected, node: str) -> bool:
        """Whether a call has weights that are trained."""
        if name in self._frozen:
            return False
        called = found.models.get(node)
        if called is not None:
            inner = self._graphs[called]
            return any(self._is_trained(called, inner, each) for each in inner.used & inner.outputs.keys())
        owner = owner_of(found.graph, node)
        return isinstance(found.graph.nodes[owner].target, Layer) and bool(
            found.weights.get(owner, Weights()).trainable
        )


def _unknown_axes(found: Inspected, given: tuple[Tensor, ...]) -> int:
    """How many axes of what a call is given vary, besides that of the batch."""
    known = [
        found.outputs[node][index] for node, index in given[:1] if index < len(found.outputs.get(node, ()))
    ]
    return sum(size is None for spec in known for size in spec.shape[1:])
