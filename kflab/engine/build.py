"""From the document to Keras: the functional model of a graph, its nodes named as in the document."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import keras

from kflab.catalog import Kind
from kflab.diagnose import codes
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.structure import structure
from kflab.engine import calls, objects
from kflab.engine.messages import explain
from kflab.engine.policy import policy_of
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.graph import arranging
from kflab.graph.nodes import INPUT, Call, Graph, Layer, Op, Share
from kflab.graph.order import calling_order, needed, nested_models
from kflab.values import Arguments


class BuildError(KflabError):
    """A model that cannot be built; `findings` say where and why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(f"{finding.place}: {finding.message}" for finding in self.findings))


def build(experiment: Experiment) -> keras.Model:
    """The model of an experiment as a functional Keras model, weights and all.

    Each node's layer carries the node's name; `output_names` are those of the document. Nodes that no output
    depends on are left out.

    Raises:
        BuildError: it is not wired up, or Keras refuses a node.
    """
    return build_graph(experiment)


def build_graph(experiment: Experiment, graph: str = "") -> keras.Model:
    """The Keras model of one graph of an experiment: of a nested model by name, or of the main one.

    Raises:
        BuildError: it is not wired up, or Keras refuses a node.
    """
    return Builder(experiment).model(graph)


class Builder:
    """Builds the models of one experiment; a nested model is built once, so all its calls share weights."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._models: dict[str, keras.Model] = {}

    @functools.cached_property
    def _wiring(self) -> list[Finding]:
        return [finding for finding in structure(self._experiment) if finding.severity is Severity.ERROR]

    def model(self, name: str = "") -> keras.Model:
        """The Keras model of a graph, built at the first call.

        Raises:
            BuildError: it is not wired up, or Keras refuses a node.
        """
        if name not in self._models:
            with policy_of(self._experiment.training):
                self._models[name] = self._build(name)
        return self._models[name]

    def _build(self, name: str) -> keras.Model:
        graph = self._experiment.graph(name)
        wanted = needed(graph)
        wrong = [
            finding
            for finding in self._wiring
            if finding.graph == name and (not finding.node or finding.node in wanted)
        ]
        if wrong:
            raise BuildError(wrong)
        # Nested models first, as a person writes them: the order decides what random numbers a layer gets.
        for called in nested_models(graph):
            if called in self._experiment.models:
                self.model(called)
        outputs: dict[str, list[keras.KerasTensor]] = {}
        layers: dict[str, keras.layers.Layer] = {}
        for node_name in calling_order(graph):
            outputs[node_name] = self._call(name, graph, node_name, outputs, layers)
        inputs = [outputs[node_name][0] for node_name in graph.input_names()]
        try:
            results = [calls.pick_output(outputs, reference) for reference in graph.outputs]
            model = keras.Model(
                inputs=inputs[0] if len(inputs) == 1 else inputs,
                outputs=results[0] if len(results) == 1 else results,
                name=self._experiment.model_name(name),
            )
        except Exception as error:  # whatever Keras raises about a graph is its finding
            raise BuildError(
                [Finding(explain(error, graph.name, ()), graph=name, code=codes.REFUSED)]
            ) from error
        model.output_names = list(graph.output_names())
        if not graph.trainable:
            model.trainable = False
        return model

    def _call(
        self,
        graph_name: str,
        graph: Graph,
        name: str,
        outputs: Mapping[str, list[keras.KerasTensor]],
        layers: dict[str, keras.layers.Layer],
    ) -> list[keras.KerasTensor]:
        """The tensors that a node returns; the layer that it makes goes into `layers`."""
        node = graph.nodes[name]
        target = graph.own(name).target
        shapes = []
        layer = None
        called = ""

        def pick(reference: str) -> keras.KerasTensor:
            tensor = calls.pick_output(outputs, reference)
            shapes.append(tuple(tensor.shape))
            return tensor

        try:
            match target:
                case Layer(layer=called, arguments=arguments):
                    if called == INPUT:
                        return [make_input(name, arguments)]
                    arranged = arranging.arrange_layer(node, called, pick)
                    if not isinstance(node.target, Share):
                        layers[name] = make_layer(called, arguments, name=name)
                    layer = layers[owner_of(graph, name)]
                    return calls.call(layer, arranged, node.call)
                case Call(model=called):
                    arranged = arranging.arrange_model(node, self._experiment.models[called], pick)
                    model = layer = self.model(called)
                    return calls.call(model, arranged, node.call)
                case Op(op=called, arguments=arguments):
                    arranged = arranging.arrange_op(node, called, arguments, pick)
                    results = calls.call_op(called, arranged, {**arguments, **node.call})
                    calls.name_operation(results, arranged, name)
                    return results
                case Share():
                    raise KflabError("the nodes whose layers it shares run in a circle")
        except BuildError:
            raise
        except Exception as error:  # whatever Keras raises about a call is its finding
            message = explain(error, called, shapes, layer)
            raise BuildError([Finding(message, graph=graph_name, node=name, code=codes.REFUSED)]) from error


def make_input(name: str, arguments: Arguments) -> keras.KerasTensor:
    """The tensor of an Input node."""
    lists = {key: tuple(value) if isinstance(value, list) else value for key, value in arguments.items()}
    return keras.Input(**{"name": name, **lists})


def make_layer(layer: str, arguments: Arguments, **extra: object) -> keras.layers.Layer:
    """A layer of the catalog, not yet built.

    Raises:
        ObjectError: Keras does not accept the arguments.
    """
    made = objects.make(Kind.LAYER, layer, arguments, **extra)
    assert isinstance(made, keras.layers.Layer)
    return made


def owner_of(graph: Graph, name: str) -> str:
    """The name of the node that owns the layer which node `name` calls: often itself."""
    seen = {name}
    while isinstance(target := graph.nodes[name].target, Share) and target.node in graph.nodes.keys() - seen:
        name = target.node
        seen.add(name)
    return name
