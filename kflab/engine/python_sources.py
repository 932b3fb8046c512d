"""What reading a Python file asks of Keras: shapes of tensors, and architectures of `keras.applications`."""

from __future__ import annotations

from kflab.engine import applications
from kflab.engine.inspect import Inspector
from kflab.experiment import Experiment
from kflab.imports import config
from kflab.imports.python import TensorSpec
from kflab.values import Arguments


class KerasAnswers:
    """Answers what the file works with but does not say; nothing is allocated."""

    def __init__(self) -> None:
        self._inspector = Inspector()

    def specs_of(self, experiment: Experiment, node: str) -> tuple[TensorSpec, ...]:
        """Shape and dtype of what a node of the main model gives; none where Keras refuses it."""
        outputs = self._inspector.inspect(experiment).model.nodes[node].outputs
        return tuple(TensorSpec(output.shape, output.dtype) for output in outputs)

    def application(self, name: str, arguments: Arguments) -> Experiment:
        """An architecture of `keras.applications`.

        Raises:
            ImportRefusedError: there is none of that name, or it does not take the arguments.
        """
        given = ", ".join(f"{key}={_literal(value)}" for key, value in arguments.items())
        described = applications.describe(f"{name}({given})")
        return config.read(described, title=name).experiment


def _literal(value: object) -> str:
    """A value as Python writes it; a list as the tuple that Keras wants for a shape."""
    return repr(tuple(value)) if isinstance(value, list) else repr(value)
