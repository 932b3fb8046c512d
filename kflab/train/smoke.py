"""The smoke step: real batches, forward and backward, to see whether and how fast an experiment trains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import keras

from kflab.catalog.datasets import describe
from kflab.data.arrays import Array
from kflab.data.batches import open_batches
from kflab.data.class_weights import weights_of
from kflab.data.load import Part, Splits, load
from kflab.data.sources import study
from kflab.diagnose.check import check
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.starting_weights import weights_file
from kflab.engine.build import build
from kflab.engine.determinism import keep_order_on_cpu, make_deterministic
from kflab.engine.devices import training_device
from kflab.engine.inspect import Inspector
from kflab.engine.peak import PeakMemory
from kflab.engine.protocol import SmokeResult
from kflab.engine.weights import load_weights
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.train.causes import cause_of
from kflab.train.chance import ENOUGH, chance_loss
from kflab.train.compiling import compile_model
from kflab.train.events_callback import Callbacks
from kflab.train.feeding import fed_with
from kflab.train.grouping import Grouping
from kflab.train.loop import Loop
from kflab.train.steppers.choosing import make_stepper
from kflab.train.stopwatch import Stopwatch
from kflab.train.threads import keep_to_one_thread

MOST_EPOCHS = 10_000
"""How long the training would go on if the stopwatch did not end it."""


class SmokeRefusedError(KflabError):
    """An experiment that is known not to train; `findings` say why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        first = next(finding for finding in findings if finding.severity is Severity.ERROR)
        super().__init__(": ".join(part for part in (first.place, first.message) if part))


def smoke(experiment: Experiment, base: Path | None = None) -> SmokeResult:
    """Trains an experiment for a few seconds as a run would, and tells what that measured.

    Nothing is kept: no weights, no run folder. The callbacks of the experiment are left out.

    Args:
        experiment: the experiment.
        base: the folder that its relative paths start from; nothing given: the current one.

    Raises:
        SmokeRefusedError: it has errors.
        KflabError: the data can not be had, or training fails.
    """
    make_deterministic(experiment.training)
    keep_to_one_thread(experiment)
    study(experiment.data, base)
    _refuse_errors(experiment, base)
    seed = experiment.training.seed or 0
    splits = load(experiment, base, None, seed)
    if not len(splits.train):
        raise KflabError("there are no training samples left; lower data.validation or data.test")
    keras.utils.set_random_seed(seed)
    try:
        return _measured(experiment, splits, base, seed)
    except KflabError:
        raise
    except Exception as error:  # whatever the backend raises about a step is what the person asked about
        raise KflabError(cause_of(error)) from error


def _refuse_errors(experiment: Experiment, base: Path | None) -> None:
    report = Inspector().inspect(experiment)
    info = describe(experiment.data, base) if experiment.data.source else None
    findings = check(experiment, info, report, base)
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise SmokeRefusedError(findings)


def _measured(experiment: Experiment, splits: Splits, base: Path | None, seed: int) -> SmokeResult:
    training, graph = experiment.training, experiment.model
    memory = PeakMemory()
    model = build(experiment)
    if training.initial_weights:
        load_weights(model, weights_file(training, base))
    keep_order_on_cpu(model)
    compile_model(model, training)
    weights = weights_of(training, splits.train, splits.fitted.held, graph)
    size = training.batch_size
    train = fed_with(
        splits.train, graph, batch_size=size, seed=seed, shuffle=experiment.data.shuffle, weights=weights
    )
    validation = splits.validation and fed_with(splits.validation, graph, batch_size=size)
    steps = train.steps
    watch = Stopwatch(steps, validation.steps if validation else 0)
    with open_batches(train.batches, validation.batches if validation else None):
        loop = Loop(
            model,
            make_stepper(model, train, training.plan),
            Callbacks([], watch, model=model, epochs=MOST_EPOCHS, steps=steps),
            train=train,
            validation=validation or None,
            epochs=MOST_EPOCHS,
            grouping=Grouping(training.plan.steps_per_execution),
        )
        loop.run()
        if not watch.has_validated:
            loop.validate()
    loss = watch.first_logs.get("loss", math.nan)
    return SmokeResult(
        step_seconds=watch.step_seconds,
        first_step_seconds=watch.first_step_seconds,
        loss=loss if math.isfinite(loss) else None,
        chance=chance_loss(experiment, _units(model), _some_targets(splits.train)),
        steps=steps,
        epoch_seconds=watch.epoch_seconds,
        run_seconds=watch.first_step_seconds + training.epochs * watch.epoch_seconds,
        peak_bytes=memory.bytes,
        device=training_device().name,
    )


def _units(model: keras.Model) -> dict[str, int | None]:
    return {
        name: output.shape[-1] if len(output.shape) > 1 else None
        for name, output in zip(model.output_names, model.outputs, strict=True)
    }


def _some_targets(part: Part) -> dict[str, Array]:
    """Targets of some training samples: all, where they are in memory."""
    return dict(part.read(slice(0, ENOUGH))[1])
