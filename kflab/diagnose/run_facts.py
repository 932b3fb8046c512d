"""What a verdict looks at: a run as values, with the experiment that was run."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.dataset_types import DatasetInfo
from kflab.experiment import Experiment, Spec
from kflab.graph.nodes import Layer
from kflab.runs.events import Costed, End, NotFinite, Predicted, TargetFacts
from kflab.runs.history import RunState
from kflab.runs.names import LOSS, VALIDATION, higher_is_better
from kflab.values import Value

Points = tuple[float, ...]
"""One value an epoch; NaN where there is none."""


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a run; a rule is silent about what is not.

    Attributes:
        experiment: what was run.
        training: the values of each metric on the training samples, one for each of `epochs`.
        validation: the same on the validation samples.
        epochs: the numbers of the epochs that are done; the first need not be 1.
        planned: how many epochs were asked for.
        is_over: nothing more will happen.
        end: how it ended; None while it goes on, and where it ended without a word.
        cause: why it failed or stopped.
        first: the values of the very first step.
        rates: the learning rate at the end of each epoch; NaN where it is not known.
        seconds: how long each epoch took; NaN where it is not known.
        waited: the seconds of all epochs in which no batch was ready.
        steps: the steps of an epoch.
        train_samples: training samples.
        validation_samples: samples to validate on.
        params: the weights of the model.
        targets: what the training targets of each output are like.
        test: loss and metrics on the test split.
        not_finite: where the loss became no number.
        predicted: what the model said of samples that it was not trained on.
        costed: the memory it was expected to take.
        info: what the dataset is said to hold.
        seed: the seed that was used.
        seed_drawn: nobody gave one.
        devices: the devices that the backend saw.
    """

    experiment: Experiment
    training: Mapping[str, Points] = {}
    validation: Mapping[str, Points] = {}
    epochs: tuple[int, ...] = ()
    planned: int = 0
    is_over: bool = True
    end: End | None = None
    cause: str = ""
    first: Mapping[str, float | None] = {}
    rates: Points = ()
    seconds: Points = ()
    waited: float = 0.0
    steps: int = 0
    train_samples: int = 0
    validation_samples: int = 0
    params: int = 0
    targets: Mapping[str, TargetFacts] = {}
    test: Mapping[str, float | None] = {}
    not_finite: NotFinite | None = None
    predicted: Predicted | None = None
    costed: Costed | None = None
    info: DatasetInfo | None = None
    seed: int = 0
    seed_drawn: bool = False
    devices: tuple[str, ...] = ()

    @property
    def loss(self) -> Points:
        """The loss on the training samples."""
        return self.training.get(LOSS, ())

    @property
    def validation_loss(self) -> Points:
        """The loss on the validation samples; empty without any."""
        return self.validation.get(LOSS, ())

    @property
    def first_loss(self) -> float | None:
        """The loss of the very first step, before anything was learned; None where it is not known."""
        value = self.first.get(LOSS)
        return value if value is not None and math.isfinite(value) else None

    @property
    def kept(self) -> int:
        """The index of the epoch whose weights the model has at the end, in `epochs`."""
        for spec in self.experiment.training.callbacks:
            if spec.name != "EarlyStopping" or not spec.arguments.get("restore_best_weights"):
                continue
            monitor = spec.arguments.get("monitor", f"{VALIDATION}{LOSS}")
            values = self.values_of(monitor) if isinstance(monitor, str) else ()
            known = [index for index, value in enumerate(values) if math.isfinite(value)]
            if known:
                mode = spec.arguments.get("mode", "auto")
                highest = mode == "max" or (mode != "min" and bool(higher_is_better(str(monitor))))
                return (max if highest else min)(known, key=lambda index: values[index])
        return len(self.epochs) - 1

    def values_of(self, name: str) -> Points:
        """The values of a quantity by its name in the logs: `val_loss`."""
        if name.startswith(VALIDATION):
            return self.validation.get(name.removeprefix(VALIDATION), ())
        return self.training.get(name, ())

    @property
    def optimizer(self) -> Spec:
        """The optimizer under its canonical name."""
        spec = self.experiment.training.optimizer
        entry = catalog.load().find(Kind.OPTIMIZER, spec.name)
        return Spec(entry.name, spec.arguments) if entry else spec

    @property
    def rate(self) -> float | None:
        """The learning rate of the first epoch; None where it is not known."""
        given = next((rate for rate in self.rates if math.isfinite(rate)), None)
        if given is None:
            value = self.optimizer.arguments.get("learning_rate", self.usual_rate)
            given = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        return given

    @property
    def usual_rate(self) -> float | None:
        """The learning rate that Keras gives the optimizer; None where it has none."""
        entry = catalog.load().find(Kind.OPTIMIZER, self.optimizer.name)
        argument = entry.argument("learning_rate") if entry else None
        value = argument.default if argument else None
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def layers(self) -> Iterator[tuple[str, str, Layer]]:
        """Every layer of the model and of those it calls: the graph's name, the node's, the layer.

        A layer that another one wraps comes under the name of the node of both.
        """
        for graph_name in ("", *self.experiment.models):
            for name, node in self.experiment.graph(graph_name).nodes.items():
                if isinstance(node.target, Layer):
                    for layer in _unwrapped(node.target):
                        yield graph_name, name, layer


def _unwrapped(layer: Layer) -> Iterator[Layer]:
    entry = catalog.load().find(Kind.LAYER, layer.layer)
    yield Layer(entry.name if entry else layer.layer, layer.arguments)
    for value in layer.arguments.values():
        yield from _held_in(value)


def _held_in(value: Value) -> Iterator[Layer]:
    if not isinstance(value, Mapping) or len(value) != 1:
        return
    ((name, arguments),) = value.items()
    if isinstance(arguments, Mapping) and _is_layer(name):
        yield from _unwrapped(Layer(name, arguments))


@functools.lru_cache(maxsize=512)
def _is_layer(name: str) -> bool:
    return catalog.load().find(Kind.LAYER, name) is not None


def facts_of(
    state: RunState,
    experiment: Experiment,
    *,
    is_over: bool = True,
    info: DatasetInfo | None = None,
    seed: int = 0,
    seed_drawn: bool = False,
    devices: Sequence[str] = (),
    crash: str = "",
) -> RunFacts:
    """A run as values.

    Args:
        state: what has happened in it.
        experiment: what was run.
        is_over: whether nothing more will happen, though it may have said so in no event.
        info: what the dataset is said to hold.
        seed: the seed that was used.
        seed_drawn: nobody gave one.
        devices: the devices that the backend saw.
        crash: why its trainer ended without a word, where it did.
    """
    epochs = tuple(
        sorted(
            {int(x) for curve in state.curves.values() for x in (*curve.training.xs, *curve.validation.xs)}
        )
    )
    rates = dict(zip(state.learning_rate.xs, state.learning_rate.ys, strict=True))
    prepared, finished = state.prepared, state.finished
    return RunFacts(
        experiment=experiment,
        training={
            name: _points(curve.training.xs, curve.training.ys, epochs)
            for name, curve in state.curves.items()
            if curve.training
        },
        validation={
            name: _points(curve.validation.xs, curve.validation.ys, epochs)
            for name, curve in state.curves.items()
            if curve.validation
        },
        epochs=epochs,
        planned=state.epochs,
        is_over=is_over or finished is not None,
        end=finished.status if finished else None,
        cause=finished.cause if finished else crash,
        first=state.first_logs,
        rates=tuple(rates.get(float(epoch), math.nan) for epoch in epochs),
        seconds=tuple(state.epoch_seconds.get(epoch, math.nan) for epoch in epochs),
        waited=state.waited,
        steps=prepared.steps if prepared else 0,
        train_samples=prepared.train_samples if prepared else 0,
        validation_samples=prepared.validation_samples if prepared else 0,
        params=prepared.params if prepared else 0,
        targets=state.targets,
        test=state.test,
        not_finite=state.not_finite,
        predicted=state.predicted,
        costed=state.costed,
        info=info,
        seed=seed,
        seed_drawn=seed_drawn,
        devices=tuple(devices),
    )


def _points(xs: Sequence[float], ys: Sequence[float], epochs: Sequence[int]) -> Points:
    known = dict(zip(xs, ys, strict=True))
    return tuple(known.get(float(epoch), math.nan) for epoch in epochs)
