"""The loss of a model that knows nothing: what the first loss of a training should be near."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from kflab import catalog
from kflab.catalog import Kind
from kflab.data.arrays import Array
from kflab.experiment import Experiment

ENOUGH = 10_000
"""Training samples that are enough to tell how far targets are spread."""


def chance_loss(
    experiment: Experiment, units: Mapping[str, int | None], targets: Mapping[str, Array]
) -> float | None:
    """The weighted sum of what chance gives each output; None where that can not be told of one of them.

    All classes alike for a crossentropy, a half for a binary one, and always the mean of the targets for the
    mean squared error. What regularizers add is not known.

    Args:
        experiment: its losses and their weights.
        units: the size of the last axis of each output.
        targets: training targets of each output.
    """
    training = experiment.training
    if isinstance(training.class_weight, Mapping):
        return None
    total, any_loss = 0.0, False
    for output in experiment.model.output_names():
        loss = training.loss_of(output)
        if loss is None:
            continue
        entry = catalog.load().find(Kind.LOSS, loss.name)
        chance = _of_one(entry.name if entry else loss.name, units.get(output), targets.get(output))
        if chance is None:
            return None
        total += chance * training.loss_weights.get(output, 1.0)
        any_loss = True
    return total if any_loss else None


def _of_one(loss: str, units: int | None, targets: Array | None) -> float | None:
    match loss:
        case "SparseCategoricalCrossentropy" | "CategoricalCrossentropy":
            return math.log(units) if units and units > 1 else None
        case "BinaryCrossentropy":
            return math.log(2)
        case "MeanSquaredError" if targets is not None:
            return float(np.mean(np.var(np.asarray(targets, "float64"), axis=0)))
        case "MeanAbsoluteError" if targets is not None:
            values = np.asarray(targets, "float64")
            return float(np.mean(np.abs(values - np.median(values, axis=0))))
        case "Hinge" | "SquaredHinge" | "CategoricalHinge":
            return 1.0
        case _:
            return None
