"""Training samples that are changed at random, as code."""

from __future__ import annotations

from collections.abc import Sequence

from kflab.catalog.entries import Kind
from kflab.code.layout import call, flat, listed
from kflab.code.names import Names
from kflab.code.objects import Objects
from kflab.code.preparing import LAYERS
from kflab.code.statements import Statements
from kflab.experiment import Experiment, Spec

BATCHES = "train_batches"
"""The variable of the training samples in batches."""


def augment(
    experiment: Experiment,
    steps: Sequence[Spec],
    x: str,
    y: str,
    finish: str,
    names: Names,
    code: Statements,
) -> None:
    """Write the statements that make batches of changed training samples.

    Args:
        experiment: the experiment.
        steps: the layers that change them, in order.
        x: the variable of the inputs.
        y: the variable of the targets.
        finish: what is done to changed samples, as code behind them.
        names: what gives out variables.
        code: what the statements are added to.

    Raises:
        CodeError: no code can be written for a layer.
    """
    objects = Objects()
    layers = [objects.make(Kind.LAYER, step.name, step.arguments) for step in steps]
    code.imports.add(LAYERS)
    code.recipes.append("augmented")
    augmentation = names.take("augmentation")
    code.assign(augmentation, call("layers.Pipeline", listed(layers)))
    change = flat(call(augmentation, "samples"))
    given = [x, y, str(experiment.training.batch_size), f"lambda samples: {change}{finish}"]
    if not experiment.data.shuffle:
        given.append("shuffle=False")
    code.assign(BATCHES, call("augmented", *given))
