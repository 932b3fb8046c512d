"""The variables of a compiled model that Keras makes with its first step: those of optimizer and metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


def make_variables(
    model: keras.Model, batch: Any, run: Callable[[Callable[[Any], None], Any], object]
) -> None:
    """Makes every variable that a step needs, without a step.

    Args:
        model: the compiled model.
        batch: samples as steps are given them, or what stands for such.
        run: calls a function with the batch in the cheapest way that the backend has.
    """

    def look(batch: Any) -> None:
        inputs, targets, weights = keras.utils.unpack_x_y_sample_weight(batch)
        predicted = model(inputs, training=False)
        model.compute_loss(inputs, targets, predicted, weights, training=False)
        model.compute_metrics(inputs, targets, predicted, weights)

    # Whatever is assigned in this scope is forgotten with it; what is made in it stays. Losses of weights are
    # made of the values that it is given.
    with keras.StatelessScope([(variable, variable.value) for variable in model.trainable_variables]):
        run(look, batch)
    if model.optimizer is not None:
        model.optimizer.build(model.trainable_variables)
