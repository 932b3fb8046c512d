"""What every experiment that was read is known to hold: names that exist, references that resolve, no circle.

What is merely incomplete, such as a merge with one input or a model without outputs, is not refused here: a
person may save it and go on later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kflab.catalog import Catalog, Entry, Kind, UnknownNameError
from kflab.catalog.check import check_arguments
from kflab.catalog.preparation_steps import augment_names, find_step, prepare_names
from kflab.diagnose import codes
from kflab.document.decoding import ProblemError
from kflab.document.yaml_text import Path
from kflab.errors import did_you_mean
from kflab.experiment import EVERY_OUTPUT, Data, Experiment, Spec
from kflab.graph.memo import ByIdentity, Recent
from kflab.graph.nodes import Call, Graph, Layer, Node, Op, Share, source_of
from kflab.graph.order import find_cycle, model_cycle
from kflab.values import Arguments

RESULT = re.compile(r"(>=|<=) ?[0-9.eE+-]+")


def problems(experiment: Experiment, catalog: Catalog) -> Iterator[ProblemError]:
    """Everything in an experiment that can not be used, in the order of the document."""
    for name, bound in experiment.result.items():
        if not RESULT.fullmatch(bound):
            yield ProblemError(("result", name), f"expected a bound such as '>= 0.95', got {bound!r}")
    if isinstance(experiment.data.scale, str) and experiment.data.scale != "standard":
        yield ProblemError(
            ("data", "scale"), f"expected a number or 'standard', got {experiment.data.scale!r}"
        )
    yield from _preparation(experiment.data, catalog)
    yield from _graph(experiment.model, ("model",), experiment, catalog)
    for name, graph in experiment.models.items():
        yield from _graph(graph, ("models", name), experiment, catalog)
    if circle := model_cycle(experiment.models):
        yield ProblemError(
            ("models", circle[0]), f"models call each other in a circle: {' -> '.join((*circle, circle[0]))}"
        )
    yield from _training(experiment, catalog)


def _preparation(data: Data, catalog: Catalog) -> Iterator[ProblemError]:
    """Steps that are not there, and arguments that they do not take; arrays are not known here."""
    for part, by_array, names in (
        ("prepare", data.prepare, prepare_names(catalog) if data.prepare else ()),
        ("augment", data.augment, augment_names(catalog) if data.augment else ()),
    ):
        for array, steps in by_array.items():
            for index, step in enumerate(steps):
                where: Path = ("data", part, array, index)
                entry = find_step(step.name, catalog)
                if entry is None:
                    hint = did_you_mean(step.name, names)
                    yield ProblemError(where, f"there is no step {step.name!r} to {part} data with{hint}")
                else:
                    yield from check(entry, step.arguments, (*where, step.name), catalog)


def _graph(graph: Graph, path: Path, experiment: Experiment, catalog: Catalog) -> Iterator[ProblemError]:
    for name, node in graph.nodes.items():
        where = (*path, "nodes", name)
        yield from _target(node, where, graph, experiment, catalog)
        for reference in node.references():
            if source_of(reference) not in graph.nodes:
                yield ProblemError((*where, "from"), _no_node(reference, graph))
        if node.is_input and any(node.references()):
            yield ProblemError((*where, "from"), "an Input starts a graph: nothing feeds it")
    yield from _ends(graph, path)
    if circle := find_cycle(graph):
        yield ProblemError(
            (*path, "nodes", circle[0], "from"),
            f"the graph runs in a circle: {' -> '.join((*circle, circle[0]))}",
        )


def _ends(graph: Graph, path: Path) -> Iterator[ProblemError]:
    for index, reference in enumerate(graph.outputs):
        if source_of(reference) not in graph.nodes:
            yield ProblemError((*path, "outputs", index), _no_node(reference, graph))
        elif reference in graph.outputs[:index]:
            yield ProblemError((*path, "outputs", index), f"{reference!r} is an output already")
    inputs = [name for name, node in graph.nodes.items() if node.is_input]
    if graph.inputs and sorted(graph.inputs) != sorted(inputs):
        yield ProblemError(
            (*path, "inputs"), f"expected each Input once ({', '.join(inputs)}), got {list(graph.inputs)}"
        )


def _no_node(reference: str, graph: Graph) -> str:
    name = source_of(reference)
    return f"there is no node {name!r}{did_you_mean(name, graph.nodes)}"


def _target(
    node: Node, path: Path, graph: Graph, experiment: Experiment, catalog: Catalog
) -> Iterator[ProblemError]:
    match node.target:
        case Layer() | Op():
            if not _sound_in(catalog)(node.target):
                yield from _own(node.target, path, catalog)
        case Call(model):
            if model not in experiment.models:
                hint = did_you_mean(model, experiment.models)
                message = f"there is no nested model {model!r} under 'models'{hint}"
                yield ProblemError((*path, "model"), message)
        case Share(owner):
            if owner not in graph.nodes:
                yield ProblemError((*path, "share"), _no_node(owner, graph))
            elif not isinstance(graph.nodes[owner].target, Layer) or graph.nodes[owner].is_input:
                message = f"{owner!r} has no layer of its own to share; name the node that has"
                yield ProblemError((*path, "share"), message)


def _own(target: Layer | Op, path: Path, catalog: Catalog) -> Iterator[ProblemError]:
    """What is wrong with a layer or an operation, whatever graph it is in."""
    match target:
        case Layer(layer, arguments):
            yield from _named(Kind.LAYER, layer, arguments, path, catalog)
        case Op(op, arguments):
            yield from _named(Kind.OP, op, arguments, path, catalog)


_sound_in: Recent[Catalog, ByIdentity[Layer | Op, bool]] = Recent(
    lambda catalog: ByIdentity(lambda target: not any(True for _ in _own(target, (), catalog)))
)
"""Which layers and operations are known to be sound, of those that were verified before."""


def _named(
    kind: Kind, name: str, arguments: Arguments, path: Path, catalog: Catalog
) -> Iterator[ProblemError]:
    try:
        entry = catalog.get(kind, name)
    except UnknownNameError as error:
        yield ProblemError((*path, name), str(error))
        return
    yield from check(entry, arguments, (*path, name), catalog)


def check(entry: Entry, arguments: Arguments, path: Path, catalog: Catalog) -> Iterator[ProblemError]:
    """The arguments of one catalog entry that can not be used; one that is missing is not among them."""
    code = codes.CODE_INSIDE if entry.unsafe else ""
    for problem in check_arguments(entry, arguments, catalog):
        if not problem.missing:
            yield ProblemError((*path, *problem.path), problem.message, code)


def _training(experiment: Experiment, catalog: Catalog) -> Iterator[ProblemError]:
    training = experiment.training
    path: Path = ("training",)
    yield from _spec(Kind.OPTIMIZER, training.optimizer, (*path, "optimizer"), catalog)
    for output, loss in training.loss.items():
        yield from _spec(Kind.LOSS, loss, _of_output((*path, "loss"), output), catalog)
    for output, metrics in training.metrics.items():
        yield from _specs(Kind.METRIC, metrics, _of_output((*path, "metrics"), output), catalog)
    named = {callback.name for callback in training.callbacks}
    for index, callback in enumerate(training.callbacks):
        once = len(named) == len(training.callbacks)
        where = (*path, "callbacks") if once else (*path, "callbacks", index)
        yield from _spec(Kind.CALLBACK, callback, where, catalog)


def _of_output(path: Path, output: str) -> Path:
    return path if output == EVERY_OUTPUT else (*path, output)


def _specs(kind: Kind, specs: Sequence[Spec], path: Path, catalog: Catalog) -> Iterator[ProblemError]:
    for index, spec in enumerate(specs):
        yield from _spec(kind, spec, (*path, index), catalog)


def _spec(kind: Kind, spec: Spec, path: Path, catalog: Catalog) -> Iterator[ProblemError]:
    yield from _named(kind, spec.name, spec.arguments, path, catalog)
