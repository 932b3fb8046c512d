"""From an experiment to the plain document it is written as; what has its default is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kflab.document.yaml_text import Path
from kflab.experiment import EVERY_OUTPUT, VERSION, Data, Experiment, Spec, Training
from kflab.graph.nodes import Call, Graph, Layer, Node, Op, Share
from kflab.values import Arguments, Value

MODEL_NAME = "model"
"""The name of a main model that was given none."""


def document(experiment: Experiment) -> dict[str, Value]:
    """The plain document of an experiment, its keys in the order people write them."""
    plain: dict[str, Value] = {"kflab": VERSION}
    for key, value in (
        ("title", experiment.title),
        ("notes", experiment.notes),
        ("result", experiment.result),
    ):
        if value:
            plain[key] = value
    if data := _data(experiment.data):
        plain["data"] = data
    plain["model"] = _graph(experiment.model, MODEL_NAME)
    if experiment.models:
        plain["models"] = {name: _graph(graph, name) for name, graph in experiment.models.items()}
    if training := _training(experiment.training):
        plain["training"] = training
    if experiment.ignore:
        plain["ignore"] = list(experiment.ignore)
    return plain


class DocumentStyle:
    """How an experiment is written: what gets lines of its own, whose order matters, what may be left out."""

    def is_block(self, path: Path) -> bool:
        """Whether the mapping at a path of the document gets a line for each of its keys."""
        match path:
            case () | ("model" | "models" | "training",) | ("models", _):
                return True
        return self.is_ordered(path)

    def is_ordered(self, path: Path) -> bool:
        """Whether the order of the keys means something: the order of Inputs, the order callbacks run in."""
        match path:
            case ("model", "nodes") | ("models", _, "nodes") | ("training", "callbacks"):
                return True
        return False

    def is_default(self, path: Path, value: Value) -> bool:
        """Whether the value is what holds where the document says nothing."""
        match path:
            case ("training", "optimizer"):
                return value == Training().optimizer.name
            case ("data", str(key)):
                return _is_field_default(Data, key, value)
            case ("training", str(key)):
                return _is_field_default(Training, key, value)
            case ("model", "name"):
                return value == MODEL_NAME
            case ("models", name, "name"):
                return value == name
            case ("title" | "notes" | "result" | "data" | "models" | "training" | "ignore",):
                return not value
            case ("model", "inputs") | ("models", _, "inputs"):
                return not value
            case ("model", "trainable") | ("models", _, "trainable"):
                return value is True
            case ("model", "nodes", _, "from" | "call") | ("models", _, "nodes", _, "from" | "call"):
                return not value
        return False


def _is_field_default(section: type[msgspec.Struct], name: str, value: Value) -> bool:
    field = next((field for field in msgspec.structs.fields(section) if field.name == name), None)
    if field is None:
        return False
    if field.default is msgspec.NODEFAULT:
        return field.default_factory is not msgspec.NODEFAULT and not value
    return bool(value == field.default) or (not field.default and not value)


def _data(data: Data) -> dict[str, Value]:
    plain = _builtins(msgspec.structs.replace(data, prepare={}, augment={}))
    for key, steps in (("prepare", data.prepare), ("augment", data.augment)):
        if steps:
            written: dict[str, Value] = {
                array: [spec(step) for step in given] for array, given in steps.items()
            }
            plain[key] = written
    return plain


def _builtins(value: msgspec.Struct) -> dict[str, Value]:
    plain: dict[str, Value] = msgspec.to_builtins(value)
    return plain


def _graph(graph: Graph, name: str) -> dict[str, Value]:
    plain: dict[str, Value] = {}
    if graph.name != name:
        plain["name"] = graph.name
    if not graph.trainable:
        plain["trainable"] = False
    plain["nodes"] = {key: _node(node) for key, node in graph.nodes.items()}
    if graph.inputs:
        plain["inputs"] = list(graph.inputs)
    plain["outputs"] = list(graph.outputs)
    return plain


def _node(node: Node) -> dict[str, Value]:
    plain: dict[str, Value] = {}
    match node.target:
        case Layer(layer, arguments):
            plain[layer] = arguments
        case Op(op, arguments):
            plain[op] = arguments
        case Share(owner):
            plain["share"] = owner
        case Call(model):
            plain["model"] = model
    if node.named:
        fed: dict[str, Value] = {str(position): reference for position, reference in enumerate(node.inputs)}
        fed.update(
            {key: value if isinstance(value, str) else list(value) for key, value in node.named.items()}
        )
        plain["from"] = fed
    elif len(node.inputs) == 1:
        plain["from"] = node.inputs[0]
    elif node.inputs:
        plain["from"] = list(node.inputs)
    if node.call:
        plain["call"] = node.call
    return plain


def spec(value: Spec) -> Value:
    """A named object as it is written: its name alone where it has no arguments."""
    return {value.name: value.arguments} if value.arguments else value.name


def _training(training: Training) -> dict[str, Value]:
    rest = _builtins(
        msgspec.structs.replace(training, optimizer=Spec("Adam"), loss={}, metrics={}, callbacks=())
    )
    for name in ("optimizer", "plan"):  # a default that is a struct is not always left out
        if name == "optimizer" or not rest.get(name):
            rest.pop(name, None)
    plain: dict[str, Value] = {"optimizer": spec(training.optimizer)}
    if training.loss:
        plain["loss"] = _by_output({output: spec(loss) for output, loss in training.loss.items()})
    if "loss_weights" in rest:
        plain["loss_weights"] = rest.pop("loss_weights")
    if training.metrics:
        metrics: dict[str, Value] = {
            output: [spec(metric) for metric in metrics] for output, metrics in training.metrics.items()
        }
        plain["metrics"] = _by_output(metrics)
    plain.update(rest)
    if training.callbacks:
        plain["callbacks"] = _callbacks(training.callbacks)
    return plain


def _by_output(values: Mapping[str, Value]) -> Value:
    return values[EVERY_OUTPUT] if list(values) == [EVERY_OUTPUT] else values


def _callbacks(callbacks: Sequence[Spec]) -> Value:
    names = [callback.name for callback in callbacks]
    if len(set(names)) == len(names):
        arguments: dict[str, Arguments] = {callback.name: callback.arguments for callback in callbacks}
        return arguments
    return [spec(callback) for callback in callbacks]
