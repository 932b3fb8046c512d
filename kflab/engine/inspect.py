"""Shapes, dtypes, counts and findings of an experiment, without allocating a weight."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from kflab.catalog import UnknownNameError
from kflab.diagnose import codes
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.structure import structure
from kflab.diagnose.training_arguments import missing_arguments
from kflab.engine.build import Builder, owner_of
from kflab.engine.call_costs import CallCost
from kflab.engine.calls import pick_output
from kflab.engine.costs import Costs
from kflab.engine.devices import Device, training_device
from kflab.engine.memory import optimizer_problem, slots_per_weight
from kflab.engine.policy import policy_name, policy_of
from kflab.engine.probe import Outcome, OwnLayer, Probe, Weights, together
from kflab.engine.protocol import Failure, GraphReport, Memory, NodeReport, Report, TensorReport, Totals
from kflab.engine.specs import Spec
from kflab.engine.stateless import without_weights
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.graph.arranging import Arranged, arrange_layer, arrange_model, arrange_op
from kflab.graph.nodes import INPUT, Call, Graph, Layer, Node, Op, Share, source_of
from kflab.graph.order import needed, topological
from kflab.values import canonical


class Inspector:
    """Reports on experiments; what it has seen once, it remembers, so that an edit asks little of Keras."""

    def __init__(self) -> None:
        self._probes: dict[str, Probe] = {}
        self._policy = ""
        self._before = _Seen()

    def inspect(self, experiment: Experiment) -> Report:
        """The report on an experiment. It goes on past what is wrong, which comes back as findings."""
        slots = slots_per_weight(experiment.training.optimizer)
        policy = policy_name(experiment.training)
        if policy != self._policy:
            # Under another policy everything has other dtypes.
            self._policy, self._before = policy, _Seen()
        probe = self._probes.setdefault(policy, Probe())
        inspection = _Inspection(experiment, probe, self._before)
        device = training_device()

        def report_on() -> Report:
            with policy_of(experiment.training):
                return inspection.report(slots, device)

        report = without_weights(report_on)
        if refused := _refused_optimizer(experiment):
            report = msgspec.structs.replace(report, findings=(*report.findings, refused))
        self._before = inspection.seen
        return report


class _Place(NamedTuple):
    """What was found at a node that calls a layer of its own or an operation.

    It holds again wherever the same node is called with the same tensors.
    """

    node: Node
    given: tuple[tuple[Spec, ...], ...]
    outcome: Outcome
    owner: tuple[OwnLayer, Layer, Node] | None


class _Seen:
    """What one inspection leaves to the next, by graph and node."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, str], _Place] = {}
        self.reports: dict[tuple[str, str], tuple[_Place, bool, NodeReport]] = {}


class _Graph:
    """What is known of one graph while an experiment is inspected."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.outputs: dict[str, tuple[Spec, ...]] = {}
        self.owners: dict[str, tuple[OwnLayer, Layer, Node]] = {}
        self.weights: dict[str, Weights] = {}
        self.costs: dict[str, CallCost] = {}
        self.failures: dict[str, Outcome] = {}
        self.returned: tuple[Spec, ...] | None = None
        self.models: dict[str, str] = {}

    def note(self, name: str, outcome: Outcome) -> None:
        """Note what a node gives."""
        self.outputs[name] = outcome.outputs
        self.weights[name] = outcome.weights
        self.costs[name] = outcome.cost

    @functools.cached_property
    def used(self) -> frozenset[str]:
        """The nodes whose results reach an output; all of them while there are no outputs."""
        return _used(self.graph)

    @functools.cached_property
    def layer_owners(self) -> frozenset[str]:
        """The nodes that own the layers which the outputs depend on."""
        return frozenset(owner_of(self.graph, name) for name in self.used)

    def pick(self, reference: str) -> Spec:
        return pick_output(self.outputs, reference)


class _Inspection:
    """One pass over an experiment."""

    def __init__(self, experiment: Experiment, probe: Probe, before: _Seen) -> None:
        self._experiment = experiment
        self._probe = probe
        self._before = before
        self.seen = _Seen()
        self._builder = Builder(experiment)
        self._wiring = structure(experiment)
        self._graphs: dict[str, _Graph] = {}

    def report(self, slots: float, device: Device) -> Report:
        names = ("", *self._experiment.models)
        for name in names:
            self._inspected(name)
        costs = Costs(self._experiment, self._graphs, self._frozen, slots, device)
        weights = {name: self._model_weights(name) for name in names}
        memory = {name: costs.memory(name, weights[name]) for name in names}
        reports = {name: self._graph_report(name, weights[name], memory[name]) for name in names}
        return Report(
            model=reports.pop(""),
            models=reports,
            cost=costs.report(memory[""]),
            findings=tuple(finding for name in names for finding in self._findings(name)),
            failures=tuple(
                Failure(node, name, outcome.axes)
                for name in names
                for node, outcome in self._graphs[name].failures.items()
                if node
            ),
        )

    def _inspected(self, name: str) -> _Graph:
        """What is known of a graph, nested ones first; a model that calls itself is seen unfinished."""
        if name not in self._graphs:
            self._graphs[name] = found = _Graph(self._experiment.graph(name))
            broken = {
                finding.node
                for finding in self._wiring
                if finding.graph == name and finding.node and finding.severity is Severity.ERROR
            }
            for node_name in topological(found.graph):
                node = found.graph.nodes[node_name]
                if node_name not in broken and all(source in found.outputs for source in node.sources()):
                    self._place(found, name, node_name, node)
            self._return(found)
        return self._graphs[name]

    def _return(self, found: _Graph) -> None:
        """Note what a graph returns, if all of it is known."""
        try:
            found.returned = tuple(
                found.pick(reference)
                for reference in found.graph.outputs
                if source_of(reference) in found.outputs
            )
        except KflabError as error:
            found.failures[""] = Outcome(failure=str(error))
            return
        if len(found.returned) < len(found.graph.outputs) or not found.graph.outputs:
            found.returned = None

    def _place(self, found: _Graph, graph: str, name: str, node: Node) -> None:
        """Note what a node gives, from the inspection before where the node and its tensors are the same."""
        if not isinstance(node.target, Layer | Op):
            self._node(found, name, node)
            return
        given = tuple(found.outputs[source] for source in node.sources())
        place = self._before.places.get((graph, name))
        if place is None or place.node is not node or place.given != given:
            self._node(found, name, node)
            if name not in found.outputs:
                return
            outcome = Outcome(found.outputs[name], found.weights[name], cost=found.costs[name])
            place = _Place(node, given, outcome, found.owners.get(name))
        else:
            found.note(name, place.outcome)
            if place.owner is not None:
                found.owners[name] = place.owner
        self.seen.places[graph, name] = place

    def _node(self, found: _Graph, name: str, node: Node) -> None:
        """Note what a node gives, or why it fails; nothing at all when the reason lies elsewhere."""
        try:
            outcome = self._outcome(found, name, node)
        except (KflabError, UnknownNameError) as error:
            outcome = Outcome(failure=str(error))
        if outcome is None:
            return
        if outcome.failure:
            found.failures[name] = outcome
            return
        found.note(name, outcome)

    def _outcome(self, found: _Graph, name: str, node: Node) -> Outcome | None:
        match found.graph.own(name).target:
            case Layer(layer=called, arguments=arguments) if called == INPUT:
                return self._probe.input(name, arguments)
            case Layer(layer=called, arguments=arguments) as layer:
                arranged = arrange_layer(node, called, found.pick)
                if isinstance(node.target, Share):
                    return self._again(found, node, arranged)
                found.owners[name] = (
                    OwnLayer(called, canonical(arguments), arranged, canonical(node.call)),
                    layer,
                    node,
                )
                return self._probe.layer(called, arguments, arranged, node.call)
            case Call(model=called):
                found.models[name] = called
                return self._model(found, called, node)
            case Op(op=called, arguments=arguments):
                arranged = arrange_op(node, called, arguments, found.pick)
                return self._probe.operation(called, {**arguments, **node.call}, arranged)
        return None

    def _again(self, found: _Graph, node: Node, arranged: Arranged) -> Outcome | None:
        """A call of a layer that another node owns; nothing is known while the owner fails."""
        assert isinstance(node.target, Share)
        name = owner_of(found.graph, node.target.node)
        if name not in found.outputs:
            return None
        owner, layer, first = found.owners[name]
        return self._probe.again(owner, layer.arguments, first.call, arranged, node.call)

    def _model(self, found: _Graph, called: str, node: Node) -> Outcome | None:
        """A call of a nested model; nothing is known while the model itself fails."""
        inner = self._inspected(called)
        if inner.returned is None:
            return None
        arranged = arrange_model(node, inner.graph, found.pick)
        given = [found.pick(reference) for reference in node.inputs]
        if not node.named and given == [inner.outputs[name][0] for name in inner.graph.input_names()]:
            return Outcome(inner.returned)
        return self._probe.model(self._builder, called, self._content(called), arranged, node.call)

    def _content(self, name: str) -> bytes:
        """All that a nested model is made of: its graph and those that it calls."""
        names = sorted(self._called(name))
        return msgspec.msgpack.encode([self._experiment.models[model] for model in names])

    def _called(self, name: str) -> set[str]:
        """A graph's nested models and theirs, the graph itself among them if it is nested."""
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            model = waiting.pop()
            if model not in seen:
                seen.add(model)
                waiting += self._inspected(model).models.values()
        return seen - {""}

    def _findings(self, name: str) -> Iterable[Finding]:
        """The findings of a graph: about the graph itself, then in the order of its nodes.

        What goes wrong in a node that no output depends on does not stop a run, so it is a warning.
        """
        found = self._graphs[name]
        wanted = needed(found.graph)
        findings = [finding for finding in self._wiring if finding.graph == name]
        findings += [
            Finding(outcome.failure, graph=name, node=node, code=codes.REFUSED)
            for node, outcome in found.failures.items()
        ]
        place = {node: index for index, node in enumerate(found.graph.nodes)}
        for finding in sorted(findings, key=lambda finding: place.get(finding.node, -1)):
            spare = finding.node and finding.node not in wanted
            yield msgspec.structs.replace(finding, severity=Severity.WARNING) if spare else finding

    def _graph_report(self, name: str, weights: Weights, memory: Memory) -> GraphReport:
        found = self._graphs[name]
        nodes = {node_name: self._known_report(name, found, node_name) for node_name in found.graph.nodes}
        return GraphReport(nodes, _totals(weights, memory))

    def _known_report(self, graph: str, found: _Graph, name: str) -> NodeReport:
        """The report of a node; the one before where nothing about it has changed."""
        place, frozen = self.seen.places.get((graph, name)), graph in self._frozen
        if place is None:
            return self._node_report(graph, found, name)
        known = self._before.reports.get((graph, name))
        if known is None or known[0] is not place or known[1] != frozen:
            known = (place, frozen, self._node_report(graph, found, name))
        self.seen.reports[graph, name] = known
        return known[2]

    def _node_report(self, graph: str, found: _Graph, name: str) -> NodeReport:
        node = found.graph.nodes[name]
        weights = self._node_weights(graph, found, name)
        return NodeReport(
            layer=_called_name(found.graph, name),
            outputs=tuple(TensorReport(spec.shape, spec.dtype) for spec in found.outputs.get(name, ())),
            params=weights.total,
            trainable=weights.trainable,
            inputs=tuple(node.references()),
        )

    @functools.cached_property
    def _frozen(self) -> frozenset[str]:
        """The graphs whose weights are not trained: those that say so, and all that they call."""
        names = ("", *self._experiment.models)
        own = [name for name in names if not self._experiment.graph(name).trainable]
        return frozenset(own).union(*(self._called(name) for name in own))

    def _weights_in(self, graph: str, node: str) -> Weights:
        """The weights of a node's own layer, none of them trained in a frozen graph."""
        weights = self._inspected(graph).weights.get(node, Weights())
        return weights.frozen() if graph in self._frozen else weights

    def _node_weights(self, graph: str, found: _Graph, name: str) -> Weights:
        """The weights that stand at a node: of its own layer, or of a nested model at its first call."""
        called = found.models.get(name)
        if called is None:
            own = isinstance(found.graph.nodes[name].target, Layer)
            return self._weights_in(graph, name) if own else Weights()
        first = next(node for node in found.graph.nodes if found.models.get(node) == called)
        return self._model_weights(called) if first == name else Weights()

    def _model_weights(self, name: str) -> Weights:
        """The weights of a graph and of all that it calls, each once."""
        return together(
            self._weights_in(graph, owner)
            for graph in {name, *self._called(name)}
            for owner in self._inspected(graph).layer_owners
        )


def _refused_optimizer(experiment: Experiment) -> Finding | None:
    """What Keras says of an optimizer that has all its arguments and is refused none the less."""
    path = "training.optimizer"
    problem = optimizer_problem(experiment.training.optimizer)
    if not problem or any(missing.path == path for missing in missing_arguments(experiment.training)):
        return None
    return Finding(problem, path=path, code=codes.REFUSED)


def _totals(weights: Weights, memory: Memory) -> Totals:
    return Totals(
        total=weights.total,
        trainable=weights.trainable,
        non_trainable=weights.total - weights.trainable,
        weight_bytes=weights.bytes,
        training_bytes=memory.total,
    )


def _used(graph: Graph) -> frozenset[str]:
    if not graph.outputs:
        return frozenset(graph.nodes)
    used: set[str] = set()
    waiting = [source_of(reference) for reference in graph.outputs]
    while waiting:
        name = waiting.pop()
        if name in graph.nodes and name not in used:
            used.add(name)
            waiting += graph.nodes[name].sources()
    return frozenset(used)


def _called_name(graph: Graph, name: str) -> str:
    try:
        target = graph.own(name).target
    except KeyError:
        return ""
    match target:
        case Layer():
            return target.layer
        case Call():
            return target.model
        case Op():
            return target.op
        case Share():
            return ""
