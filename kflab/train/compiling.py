"""Loss, metrics and optimizer of an experiment, given to its model."""

from __future__ import annotations

import keras

from kflab import catalog
from kflab.catalog import Kind
from kflab.engine import objects
from kflab.errors import KflabError
from kflab.experiment import Spec, Training


def compile_model(model: keras.Model, training: Training) -> None:
    """Compiles the model as the experiment says, each output with its own loss and metrics.

    Args:
        model: a functional model whose `output_names` are those of the document.
        training: how it is trained.

    Raises:
        KflabError: no output has a loss, or Keras refuses an argument.
    """
    outputs = tuple(model.output_names)
    losses = [_make_loss(training.loss_of(output)) for output in outputs]
    if all(loss is None for loss in losses):
        raise KflabError(f"no output has a loss; give training.loss one for {' or '.join(outputs)}")
    metrics = [[_make_metric(spec) for spec in training.metrics_of(output)] for output in outputs]
    weights = [float(training.loss_weights.get(output, 1.0)) for output in outputs]
    single = len(outputs) == 1
    model.compile(
        optimizer=make_optimizer(training.optimizer),
        loss=losses[0] if single else losses,
        loss_weights=weights if training.loss_weights else None,
        metrics=metrics[0] if single else metrics,
    )


def make_optimizer(spec: Spec) -> object:
    """The optimizer; learning-rate schedules among its arguments become objects, too."""
    return objects.make(Kind.OPTIMIZER, spec.name, spec.arguments)


def _make_loss(spec: Spec | None) -> object:
    return None if spec is None else objects.make(Kind.LOSS, spec.name, spec.arguments)


def _make_metric(spec: Spec) -> object:
    # Keras chooses what `accuracy` means by the shapes of output and target, and logs a short name such as
    # `mae` under that name; a class it logs under the class's own name.
    if not spec.arguments and spec.name not in catalog.load().names(Kind.METRIC):
        return spec.name
    return objects.make(Kind.METRIC, spec.name, spec.arguments)
