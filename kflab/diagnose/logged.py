"""The names that Keras logs the losses and metrics of an experiment under."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.datasets import Origin, find
from kflab.diagnose.facts import Facts
from kflab.experiment import Experiment, Spec

VALIDATION = "val_"
"""What the name of a value of the validation samples begins with."""

LOSS = "loss"
"""The name of the whole loss."""

_COUNTS = frozenset({"FalseNegatives", "FalsePositives", "TrueNegatives", "TruePositives"})
"""Metrics of which Keras does not know whether less or more is better."""

_RATES = frozenset({"LearningRateScheduler", "ReduceLROnPlateau"})
_NUMBERED = re.compile(r"_\d+$")


class Logged:
    """What is logged after each epoch of an experiment.

    Attributes:
        losses: the names of the losses, the whole one first.
        metrics: the names of the metrics.
        of_outputs: those of both that name an output; Keras does not know whether less or more is better.
        counts: the metrics that count samples, of which Keras does not know that, either.
        has_validation: all of them are logged of the validation samples, too, under `val_` and their name.
    """

    def __init__(self, facts: Facts) -> None:
        experiment = facts.experiment
        training, outputs = experiment.training, experiment.model.output_names()
        held = [name for name in outputs if training.loss_of(name) is not None]
        single = len(outputs) == 1
        of_outputs = [f"{name}_{LOSS}" for name in held] if len(held) > 1 else []
        self.losses = (LOSS, *of_outputs)
        self.metrics = tuple(_metric_names(experiment))
        self.of_outputs = frozenset(() if single else (*of_outputs, *self.metrics))
        named = zip(self.metrics, _metrics(experiment), strict=True)
        self.counts = frozenset(name for name, (_, spec) in named if canonical_metric(spec.name) in _COUNTS)
        self.has_validation = _has_validation(facts)
        self._rates = any(canonical_callback(spec) in _RATES for spec in training.callbacks)
        self._numbered = frozenset(_auto_named(experiment))
        specs = [spec.name for _, spec in _metrics(experiment)]
        self._by_metric = {
            canonical_metric(name): logged for name, logged in zip(specs, self.metrics, strict=True)
        }

    def names(self) -> tuple[str, ...]:
        """Every name that is sure to be logged."""
        names = (*self.losses, *self.metrics)
        return (*names, *(VALIDATION + name for name in names)) if self.has_validation else names

    def alike(self, name: str) -> str:
        """The name that a metric is logged under which goes by this name, too; "" where there is none."""
        return self._by_metric.get(canonical_metric(name), "")

    def has(self, name: str) -> bool:
        """Whether a value may be logged under a name."""
        if name in self.names() or (self._rates and name.startswith("learning_rate")):
            return True
        # Keras numbers objects that it names itself, and what it has numbered before is not known.
        plain = _NUMBERED.sub("", name)
        bare = plain.removeprefix(VALIDATION)
        return bare in self._numbered and (self.has_validation or not name.startswith(VALIDATION))


def _has_validation(facts: Facts) -> bool:
    """Whether there will be validation samples; where a file may bring its own, it is taken to do so."""
    if facts.profile is not None and facts.profile.train:
        return facts.profile.validation > 0
    own = facts.info is None or facts.info.origin is Origin.FILE
    return facts.experiment.data.validation > 0 or (own and find(facts.experiment.data.source) is None)


def canonical_metric(name: str) -> str:
    """The canonical name of a metric."""
    entry = catalog.load().find(Kind.METRIC, name)
    return entry.name if entry is not None else name


def canonical_callback(spec: Spec) -> str:
    """The canonical name of a callback."""
    entry = catalog.load().find(Kind.CALLBACK, spec.name)
    return entry.name if entry is not None else spec.name


def _metric_names(experiment: Experiment) -> Iterator[str]:
    counts: dict[str, int] = {}
    for output, spec in _metrics(experiment):
        name = f"{output}_{metric_name(spec)}" if output else metric_name(spec)
        count = counts[name] = counts.get(name, -1) + 1
        yield f"{name}_{count}" if count else name


def _auto_named(experiment: Experiment) -> Iterator[str]:
    for output, spec in _metrics(experiment):
        entry = catalog.load().find(Kind.METRIC, spec.name)
        argument = entry.argument("name") if entry is not None else None
        if argument is not None and argument.default is None and not spec.arguments.get("name"):
            yield f"{output}_{metric_name(spec)}" if output else metric_name(spec)


def _metrics(experiment: Experiment) -> Iterator[tuple[str, Spec]]:
    """Every metric with the output whose name it bears, in the order that Keras has them."""
    outputs = experiment.model.output_names()
    for output in outputs:
        for spec in experiment.training.metrics_of(output):
            yield ("" if len(outputs) == 1 else output), spec


def metric_name(spec: Spec) -> str:
    """What Keras calls a metric: a short name as it is written, a class by its own name."""
    offers = catalog.load()
    entry = offers.find(Kind.METRIC, spec.name)
    given = spec.arguments.get("name")
    if isinstance(given, str) and given:
        return given
    if entry is None or (not spec.arguments and spec.name not in offers.names(Kind.METRIC)):
        return spec.name
    argument = entry.argument("name")
    if argument is None:
        return entry.name  # one that Keras chooses by the shapes
    if isinstance(argument.default, str):
        return argument.default
    return entry.aliases[-1] if entry.aliases else entry.name
