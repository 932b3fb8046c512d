"""Calls that were written down, as the graphs of an experiment."""

from __future__ import annotations

from collections.abc import Sequence

from kflab.document.encoding import MODEL_NAME
from kflab.experiment import Experiment
from kflab.graph.nodes import INPUT, Call, Graph, Layer, Node, Op, Share
from kflab.graph.order import calling_order
from kflab.imports.names import fitting
from kflab.imports.python.models import Models
from kflab.imports.python.naming import node_names
from kflab.imports.python.recorded import LayerObject, ModelObject, Operation, Tensor, TensorCall
from kflab.imports.python.things import Cause, Place, Unreadable
from kflab.values import Value


class GraphMaker:
    """Makes the graph of a model and those of the models that it calls.

    Args:
        models: what the file makes of Keras.
    """

    def __init__(self, models: Models) -> None:
        self._models = models
        self._names: dict[ModelObject, str] = {}
        self._owners: dict[LayerObject, ModelObject] = {}
        self.graphs: dict[str, Graph] = {}
        self.node_names: dict[TensorCall, str] = {}

    def main(self, model: ModelObject) -> Graph:
        """The graph of the model; those of its nested models go into `graphs`.

        Raises:
            Unreadable: with every reason why it cannot be in a document.
        """
        return self._graph(model, fitting(_own_name(model)) if _own_name(model) else MODEL_NAME)

    def _graph(self, model: ModelObject, name: str) -> Graph:
        place = Place(model.line)
        self._models.realize(model, place)
        if model.causes:
            raise Unreadable(model.causes)
        calls = _reachable(model)
        causes = self._loose_ends(model, calls)
        for call in calls:
            if isinstance(call.target, ModelObject):
                self._nested(call.target, causes)
            elif isinstance(call.target, LayerObject) and not call.target.is_input:
                owner = self._owners.setdefault(call.target, model)
                if owner is not model:
                    causes.append(
                        Place(call.line).cause(
                            "is called in two models of which one calls the other; a layer can be shared "
                            "within one model only",
                            f"the {call.target.layer} of line {call.target.line}",
                        )
                    )
        if causes:
            raise Unreadable(causes)
        keys = {tensor.call: key for tensor, key in zip(model.outputs, model.output_keys, strict=False)}
        keys |= {tensor.call: key for tensor, key in zip(model.inputs, model.input_keys, strict=False)}
        names = node_names(calls, keys, self._names)
        self.node_names.update(names)
        nodes: dict[str, Node] = {}
        firsts: dict[object, str] = {}
        ends = {tensor.call for tensor in model.inputs}
        for call in calls:
            nodes[names[call]] = self._node(call, names, firsts, call in ends)
        inputs = tuple(names[tensor.call] for tensor in model.inputs)
        written = tuple(one for one, node in nodes.items() if node.is_input)
        return Graph(
            name=name,
            nodes=nodes,
            outputs=tuple(_reference(tensor, names) for tensor in model.outputs),
            inputs=() if inputs == written else inputs,
            trainable=model.trainable,
        )

    def _loose_ends(self, model: ModelObject, calls: Sequence[TensorCall]) -> list[Cause]:
        """Inputs that the model uses but does not list."""
        ends = {tensor.call for tensor in model.inputs}
        return [
            Place(call.line).cause("is used by the model but is not among its inputs", "this Input")
            for call in calls
            if isinstance(call.target, LayerObject) and call.target.is_input and call not in ends
        ]

    def _nested(self, model: ModelObject, causes: list[Cause]) -> None:
        """Make the graph of a model that is called, once."""
        if model in self._names:
            return
        wanted = fitting(_own_name(model) or self._models.automatic_name(model) or "nested")
        name, number = wanted, 1
        while name in self._names.values():
            name, number = f"{wanted}_{number}", number + 1
        self._names[model] = name
        try:
            self.graphs[name] = self._graph(model, name)
        except Unreadable as unreadable:
            causes += unreadable.causes

    def _node(
        self, call: TensorCall, names: dict[TensorCall, str], firsts: dict[object, str], is_end: bool
    ) -> Node:
        target = call.target
        if is_end and not (isinstance(target, LayerObject) and target.is_input):
            return Node(self._input_in_place(call))
        if isinstance(target, LayerObject) and target.is_input:
            return Node(Layer(INPUT, target.arguments))
        called: Layer | Share | Call | Op
        match target:
            case LayerObject():
                called = Share(firsts[target]) if target in firsts else Layer(target.layer, target.arguments)
                firsts.setdefault(target, names[call])
            case ModelObject():
                called = Call(self._names[target])
            case Operation():
                called = Op(target.op, target.arguments)
        named = {
            key: _reference(value, names)
            if isinstance(value, Tensor)
            else tuple(_reference(tensor, names) for tensor in value)
            for key, value in call.named.items()
        }
        return Node(called, tuple(_reference(tensor, names) for tensor in call.inputs), named, call.arguments)

    def _input_in_place(self, call: TensorCall) -> Layer:
        """The Input that stands for a tensor in the middle of a graph which a model begins at."""
        specs = self._models.specs(Tensor(call))
        if not specs:
            raise Unreadable(
                [
                    Place(call.line).cause(
                        "begins in the middle of a graph, at a shape that is not known", "a model"
                    )
                ]
            )
        arguments: dict[str, Value] = {"shape": list(specs[0].shape[1:])}
        if specs[0].dtype != "float32":
            arguments["dtype"] = specs[0].dtype
        return Layer(INPUT, arguments)


def _own_name(model: ModelObject) -> str:
    """The name that the file gives a model: its own, or that of its variable if it is a word."""
    return model.name or (model.hint if len(model.hint) > 1 else "")


def _reference(tensor: Tensor, names: dict[TensorCall, str]) -> str:
    return f"{names[tensor.call]}:{tensor.index}" if tensor.index else names[tensor.call]


def _reachable(model: ModelObject) -> list[TensorCall]:
    """The calls that the outputs of a model depend on, and its Inputs, in the order they were made in."""
    ends = {tensor.call for tensor in model.inputs}
    found = set(ends)
    waiting = [tensor.call for tensor in model.outputs]
    while waiting:
        call = waiting.pop()
        if call not in found:
            found.add(call)
            waiting += [tensor.call for tensor in call.tensors()]
    return sorted(found, key=lambda call: call.number)


def graph_up_to(models: Models, tensor: Tensor) -> tuple[Experiment, str]:
    """An experiment whose model gives a tensor, and the name of the node that does."""
    model = ModelObject(tensor.call.line, outputs=(tensor,))
    model.inputs = tuple(Tensor(call) for call in _reachable(model) if _is_input(call))
    maker = GraphMaker(models)
    graph = maker.main(model)
    return Experiment(model=graph, models=maker.graphs), maker.node_names[tensor.call]


def _is_input(call: TensorCall) -> bool:
    return isinstance(call.target, LayerObject) and call.target.is_input


def model_of_graph(models: Models, experiment: Experiment, line: int, name: str = "") -> ModelObject:
    """A model that is there as a graph already, such as an architecture of `keras.applications`, as calls."""
    return _GraphReader(models, experiment, line).model(name)


class _GraphReader:
    """Writes graphs down as calls, nested ones once."""

    def __init__(self, models: Models, experiment: Experiment, line: int) -> None:
        self._models, self._experiment, self._place = models, experiment, Place(line)
        self._made: dict[str, ModelObject] = {}

    def model(self, name: str) -> ModelObject:
        if name in self._made:
            return self._made[name]
        graph = self._experiment.graph(name)
        model = ModelObject(self._place.line, name or graph.name, trainable=graph.trainable)
        self._made[name] = model
        tensors: dict[str, Tensor] = {}
        layers: dict[str, LayerObject] = {}
        for node_name in calling_order(graph):
            node = graph.nodes[node_name]
            inputs = tuple(_picked(reference, tensors) for reference in node.inputs)
            named = {
                key: _picked(value, tensors)
                if isinstance(value, str)
                else tuple(_picked(reference, tensors) for reference in value)
                for key, value in node.named.items()
            }
            target = self._target(graph, node_name, layers)
            tensors[node_name] = self._models.record(target, inputs, named, node.call, self._place)
            tensors[node_name].call.hint = node_name
            if isinstance(target, ModelObject):
                tensors[node_name].call.count = len(target.outputs)
        model.inputs = tuple(tensors[one] for one in graph.input_names())
        model.outputs = tuple(_picked(reference, tensors) for reference in graph.outputs)
        return model

    def _target(
        self, graph: Graph, name: str, layers: dict[str, LayerObject]
    ) -> LayerObject | ModelObject | Operation:
        match graph.nodes[name].target:
            case Layer(layer=layer, arguments=arguments):
                layers[name] = LayerObject(layer, dict(arguments), self._place.line, name)
                return layers[name]
            case Share(node=node):
                layers[name] = layers[node]
                return layers[node]
            case Call(model=model):
                return self.model(model)
            case Op(op=op, arguments=arguments):
                return Operation(op, arguments)


def _picked(reference: str, tensors: dict[str, Tensor]) -> Tensor:
    name, _, index = reference.partition(":")
    call = tensors[name].call
    call.count = max(call.count, int(index or 0) + 1)
    return Tensor(call, int(index or 0))
