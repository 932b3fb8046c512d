"""Rules about what is trained and what is frozen."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose import codes
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix, Freeze, SetCall
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.surroundings import by_layer, own, reports
from kflab.engine.protocol import GraphReport
from kflab.experiment import Experiment
from kflab.graph.arguments import TRAINABLE, is_frozen
from kflab.graph.nodes import Call, Graph, Layer, source_of
from kflab.graph.order import topological

_NORM = "BatchNormalization"


@rule(codes.FROZEN_IN_VAIN, "frozen-in-vain", Severity.WARNING)
def frozen_in_vain(facts: Facts) -> Iterator[Finding]:
    """A layer that wraps others is frozen, but Keras trains the layers inside of it all the same.

    Keras does not pass `trainable: false` of a wrapper such as Bidirectional on to what it wraps.

        words: {Bidirectional: {trainable: false, layer: {LSTM: {units: 8}}}, from: x}

    Freeze what is inside, too:

        words: {Bidirectional: {trainable: false, layer: {LSTM: {units: 8, trainable: false}}}, from: x}
    """
    for graph, value, report in reports(facts):
        for name, node in value.nodes.items():
            if not isinstance(node.target, Layer) or node.target.arguments.get(TRAINABLE) is not False:
                continue
            told = report.nodes.get(name)
            if told is not None and told.trainable:
                yield Finding(
                    f"it is frozen, but {told.trainable:,} of its weights are trained: they belong to layers "
                    f"inside {node.target.layer}, to which Keras does not pass trainable on",
                    severity=Severity.WARNING,
                    graph=graph,
                    node=name,
                    fix=Fix(f"freeze what is inside of {name}", (Freeze((name,), graph=graph),)),
                )


@rule("KF030", "frozen-models-norms", Severity.WARNING)
def frozen_models_norms(facts: Facts) -> Iterator[Finding]:
    """Nothing is trained, or the BatchNormalization of frozen layers is, or `training: false` is in vain.

    With all weights frozen, fit changes nothing.

    BatchNormalization between frozen layers goes on learning their means and its own scale, which spoils what
    they were trained to do. In Keras a frozen BatchNormalization also uses the statistics that it has, in fit
    too, so freezing it with the layers around it is all that is needed:

        models:
          backbone:
            trainable: false
            nodes: {...}

    `call: {training: false}` does not do that: fit tells every layer of a functional model that it trains,
    whatever the call was written with.

        features: {model: backbone, from: image, call: {training: false}}    # BatchNormalization learns on
    """
    yield from _nothing_trained(facts)
    for name, graph, report in reports(facts):
        frozen = is_whole_frozen(facts, name)
        if not frozen:
            learning = list(_learning_norms(name, graph, report))
            yield from learning
            told = {found.node for found in learning}
            in_vain = _told_in_vain(facts.experiment, name, graph, report)
            yield from (found for found in in_vain if found.node not in told)


def is_whole_frozen(facts: Facts, graph: str) -> bool:
    """Whether a graph says of itself that none of it is trained."""
    return not facts.experiment.graph(graph).trainable


def _nothing_trained(facts: Facts) -> Iterator[Finding]:
    report, experiment = facts.report, facts.experiment
    if report is None or any(not node.outputs for node in report.model.nodes.values()):
        return
    totals, graph = report.model.totals, experiment.model
    if (
        totals.trainable
        or not graph.outputs
        or not any(found.outputs for found in report.model.nodes.values())
    ):
        return
    node = source_of(graph.outputs[0])
    if not totals.total:
        yield Finding("the model has no weights, so there is nothing to train", Severity.WARNING, node=node)
        return
    yield Finding(
        f"all {totals.total:,} weights are frozen, so training would change nothing",
        Severity.WARNING,
        node=node,
        fix=_unfrozen(experiment),
    )


def _unfrozen(experiment: Experiment) -> Fix | None:
    """Trains the model again where it is frozen as a whole, else what is nearest to its outputs."""
    if not experiment.model.trainable:
        return Fix("train the model", (Assign(("model", TRAINABLE), None),))
    for name in reversed(topological(experiment.model)):
        if is_frozen(experiment, "", name):
            return Fix(f"train {name}", (Freeze((name,), frozen=False),), safe=False)
    return None


def _learning_norms(graph_name: str, graph: Graph, report: GraphReport) -> Iterator[Finding]:
    """BatchNormalization that is trained, fed by nothing but a frozen layer without an activation."""
    found = []
    for name in by_layer(graph).get(_NORM, ()):
        node, told = graph.nodes[name], report.nodes.get(name)
        if not isinstance(node.target, Layer) or len(node.inputs) != 1 or told is None or not told.trainable:
            continue
        source = source_of(node.inputs[0])
        called, arguments = own(graph, source)
        before = report.nodes.get(source)
        is_plain = arguments.get("activation") in {None, "linear"}
        if called and before is not None and before.params and not before.trainable and is_plain:
            found.append((name, source))
    if not found:
        return
    (name, source), count = found[0], len(found)
    many = f", and so do {count - 1} more" if count > 1 else ""
    yield Finding(
        f"it goes on learning from {source!r}, which is frozen{many}: freeze it too, so that it keeps the "
        "statistics that it has",
        Severity.WARNING,
        graph_name,
        name,
        fix=Fix(
            f"freeze {name}" if count == 1 else f"freeze {count} {_NORM} layers",
            (Freeze(tuple(norm for norm, _ in found), graph=graph_name),),
        ),
    )


def _told_in_vain(
    experiment: Experiment, graph_name: str, graph: Graph, report: GraphReport
) -> Iterator[Finding]:
    """Calls with `training: false` of what behaves otherwise in training, which fit does all the same."""
    for name, node in graph.nodes.items():
        if not node.call or node.call.get("training") is not False:
            continue
        if isinstance(node.target, Call):
            model = experiment.models.get(node.target.model)
            norms = model is not None and model.trainable and _has_learning_norms(model)
            what = f"{node.target.model!r} has BatchNormalization that goes on learning"
        else:
            told = report.nodes.get(graph.owner(name))
            norms = own(graph, name)[0] == _NORM and told is not None and bool(told.trainable)
            what = "it goes on learning"
        if norms:
            freeze = (Freeze((name,), graph=graph_name), SetCall(name, reset=("training",), graph=graph_name))
            yield Finding(
                f"training: false has no effect in fit, which tells every layer that it trains: {what}; "
                "freeze it to keep its statistics",
                Severity.WARNING,
                graph_name,
                name,
                fix=Fix(f"freeze {name}", freeze, safe=False),
            )


def _has_learning_norms(model: Graph) -> bool:
    return any(own(model, name)[1].get(TRAINABLE) is not False for name in by_layer(model).get(_NORM, ()))
