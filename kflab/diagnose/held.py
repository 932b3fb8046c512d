"""Each output of the model with what it is held against: its shape, its ending, its loss and its target."""

from __future__ import annotations

import msgspec

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.dataset_types import ArrayInfo, TargetInfo, TargetKind
from kflab.catalog.matching import fitted, input_shape
from kflab.catalog.profiles import ArrayProfile
from kflab.diagnose.endings import Ending, ending
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.engine.protocol import GraphReport, Shape
from kflab.experiment import EVERY_OUTPUT, Spec, Training
from kflab.graph.memo import Recent
from kflab.graph.nodes import index_of, source_of
from kflab.values import Value

NUMBER_LOSSES = frozenset({"SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy"})
"""Losses that take the number of the class, one a sample."""

ONE_HOT_LOSSES = frozenset({"CategoricalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalHinge"})
"""Losses that take a row of 0s with a single 1."""

BINARY_LOSSES = frozenset({"BinaryCrossentropy", "BinaryFocalCrossentropy"})
"""Losses that take a 0 or a 1 for each unit."""

SPARSE, CATEGORICAL, BINARY = (
    "SparseCategoricalCrossentropy",
    "CategoricalCrossentropy",
    "BinaryCrossentropy",
)
"""The losses that fixes put in: for numbers of classes, for one-hot rows, for zeros and ones."""

SHAPED_LOSSES = frozenset({"CTC", "Circle"})
"""Losses whose targets have a shape of their own."""


class Held(msgspec.Struct, frozen=True):
    """One output and what it is held against.

    Attributes:
        name: what the losses, metrics and targets call it.
        node: the node of the main model that gives it.
        shape: its shape, batch axis first; nothing where it is not known.
        loss: its loss; nothing where it has none.
        loss_name: the canonical name of its loss, or "".
        metrics: its metrics.
        target: what it is held against; an array where it is an input of the dataset.
        target_shape: the shape of a sample of the target.
        ending: what gives it its values, where that can be told.
    """

    name: str
    node: str
    shape: Shape | None = None
    loss: Spec | None = None
    loss_name: str = ""
    metrics: tuple[Spec, ...] = ()
    target: ArrayInfo | TargetInfo | None = None
    target_shape: tuple[int | None, ...] = ()
    ending: Ending | None = None

    @property
    def units(self) -> int | None:
        """The size of its last axis, where it has one and it is known."""
        return self.shape[-1] if self.shape is not None and len(self.shape) > 1 else None

    @property
    def labels(self) -> TargetInfo | None:
        """Its target where that is one of the dataset's targets."""
        return self.target if isinstance(self.target, TargetInfo) else None

    @property
    def classes(self) -> int:
        """The number of classes that its target tells by number; 0 for all other targets."""
        labels = self.labels
        if labels is None or labels.kind not in {TargetKind.CLASSES, TargetKind.BINARY}:
            return 0
        return labels.classes or (2 if labels.kind is TargetKind.BINARY else 0)

    @property
    def is_by_number(self) -> bool:
        """Whether its target tells classes by their number."""
        return self.labels is not None and self.labels.kind in {TargetKind.CLASSES, TargetKind.BINARY}

    @property
    def has_logits(self) -> bool:
        """Whether its loss is told that the output is not a probability yet."""
        return self.loss is not None and self.loss.arguments.get("from_logits") is True

    @property
    def axis(self) -> Value:
        """The axis of the classes, as its loss says."""
        return self.loss.arguments.get("axis", -1) if self.loss is not None else -1


def held_outputs(facts: Facts) -> tuple[Held, ...]:
    """Every output of the main model, in order."""
    return _known(facts)


def _find(facts: Facts) -> tuple[Held, ...]:
    experiment, training = facts.experiment, facts.experiment.training
    graph = experiment.model
    nodes = facts.report.model.nodes if facts.report is not None else {}
    targets = facts.matching.targets if facts.matching is not None else {}
    found = []
    for name, reference in zip(graph.output_names(), graph.outputs, strict=True):
        node = source_of(reference)
        outputs = nodes[node].outputs if node in nodes else ()
        loss, target = training.loss_of(name), targets.get(name)
        found.append(
            Held(
                name=name,
                node=node,
                shape=outputs[index_of(reference)].shape if index_of(reference) < len(outputs) else None,
                loss=loss,
                loss_name=canonical(Kind.LOSS, loss.name) if loss is not None else "",
                metrics=training.metrics_of(name),
                target=target,
                target_shape=_target_shape(facts, target),
                ending=ending(experiment, reference),
            )
        )
    return tuple(found)


_known = Recent(_find, keep=2)


def _target_shape(facts: Facts, target: ArrayInfo | TargetInfo | None) -> tuple[int | None, ...]:
    """The shape of a target's samples; that of an array is the one that its Input gives it."""
    if target is None:
        return ()
    fed = facts.matching.inputs if facts.matching is not None and isinstance(target, ArrayInfo) else {}
    for name, array in fed.items():
        wanted = input_shape(facts.experiment.model, name) if array.name == target.name else None
        shape = fitted(target.shape, wanted) if wanted is not None else None
        if shape is not None:
            return shape
    return target.shape


def seen(facts: Facts, target: ArrayInfo | TargetInfo | None) -> ArrayProfile | None:
    """What was seen in an array as the model gets it, or else as the source has it."""
    if facts.profile is None or target is None:
        return None
    return facts.profile.fed.get(target.name) or facts.profile.raw.get(target.name)


def reports_of(facts: Facts, graph: str) -> GraphReport:
    """The engine's report of a graph; an empty one where it has not come."""
    if facts.report is None:
        return GraphReport()
    return facts.report.models.get(graph, GraphReport()) if graph else facts.report.model


def canonical(kind: Kind, name: str) -> str:
    """The canonical name of an object that a document may name by an alias."""
    entry = catalog.load().find(kind, name)
    return entry.name if entry is not None else name


def loss_path(training: Training, output: str) -> str:
    """Where the document says the loss of an output."""
    return f"training.loss.{output}" if output in training.loss else "training.loss"


def metrics_path(training: Training, output: str) -> str:
    """Where the document says the metrics of an output."""
    return f"training.metrics.{output}" if output in training.metrics else "training.metrics"


def plain(spec: Spec) -> Value:
    """An object as the document writes it: its name, or `{Name: {arguments}}`."""
    return {spec.name: dict(spec.arguments)} if spec.arguments else spec.name


def use_loss(facts: Facts, output: str, name: str, **arguments: Value) -> Assign:
    """The step of a fix that gives an output another loss; what this one takes, too, is kept.

    Args:
        facts: the experiment.
        output: the output.
        name: the canonical name of the loss.
        arguments: its arguments; those that are None are left out.
    """
    training = facts.experiment.training
    entry, before = catalog.load().get(Kind.LOSS, name), training.loss_of(output)
    kept = {
        key: value
        for key, value in (before.arguments if before is not None else {}).items()
        if entry.argument(key) is not None and key != "name"
    }
    given = {key: value for key, value in {**kept, **arguments}.items() if value is not None}
    loss = plain(Spec(name, given))
    outputs = facts.experiment.model.output_names()
    if output in training.loss:
        return Assign(("training", "loss", output), loss)
    if len(outputs) == 1:
        return Assign(("training", "loss"), loss)
    # The loss of all is spelled out for each, so that only this one changes.
    common = training.loss.get(EVERY_OUTPUT)
    others = {other: plain(common) for other in outputs if common is not None and other not in training.loss}
    own = {key: plain(spec) for key, spec in training.loss.items() if key != EVERY_OUTPUT}
    return Assign(("training", "loss"), {**others, **own, output: loss})


def use_metrics(facts: Facts, output: str, metrics: tuple[Spec, ...]) -> Assign:
    """The step of a fix that gives an output other metrics; those of other outputs stay."""
    training = facts.experiment.training
    listed = [plain(metric) for metric in metrics]
    outputs = facts.experiment.model.output_names()
    if output in training.metrics:
        return Assign(("training", "metrics", output), listed)
    if len(outputs) == 1:
        return Assign(("training", "metrics"), listed)
    common = training.metrics.get(EVERY_OUTPUT, ())
    every: dict[str, Value] = {
        other: [plain(metric) for metric in common] for other in outputs if other not in training.metrics
    }
    own = {key: [plain(spec) for spec in specs] for key, specs in training.metrics.items() if key}
    return Assign(("training", "metrics"), {**every, **own, output: listed})


def reference_of(facts: Facts, held: Held) -> str:
    """The reference of the main model that an output is."""
    graph = facts.experiment.model
    return dict(zip(graph.output_names(), graph.outputs, strict=True))[held.name]


def has_a_unit_each(held: Held) -> bool:
    """Whether an output has several units where its target has one number."""
    return (
        held.shape is not None
        and len(held.shape) == len(held.target_shape) + 2
        and held.units is not None
        and held.units > 1
    )


def holds_classes_of(facts: Facts, held: Held) -> bool:
    """Whether every number of a target is that of a class that its output has a unit for.

    Of many classes, such as the words of a text, a target alone does not tell that it holds their numbers.
    """
    profile = seen(facts, held.labels)
    if profile is None or profile.low is None or profile.high is None or not has_a_unit_each(held):
        return False
    spread = profile.high - profile.low + 1
    is_whole = profile.low.is_integer() and profile.high.is_integer()
    return (
        is_whole
        and (profile.distinct is None or profile.distinct <= spread)
        and profile.low >= 0
        and profile.high < (held.units or 0)
    )


def about(
    facts: Facts, held: Held, message: str, fix: Fix | None = None, severity: Severity = Severity.ERROR
) -> Finding:
    """A finding about an output and its loss."""
    path = loss_path(facts.experiment.training, held.name)
    return Finding(message, severity, node=held.node, path=path, fix=fix)


def about_metrics(
    facts: Facts, held: Held, message: str, fix: Fix | None = None, severity: Severity = Severity.ERROR
) -> Finding:
    """A finding about an output and its metrics."""
    path = metrics_path(facts.experiment.training, held.name)
    return Finding(message, severity, node=held.node, path=path, fix=fix)
