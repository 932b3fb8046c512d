"""`kflab import` of Python source: what the person tells beside the file, and when Keras is asked."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from kflab.errors import UnusableInputError
from kflab.values import Value

if TYPE_CHECKING:
    from kflab.engine.python_sources import KerasAnswers
    from kflab.experiment import Experiment
    from kflab.imports import Imported
    from kflab.imports.python import TensorSpec
    from kflab.values import Arguments

NOTEBOOK = ".ipynb"


def read_python(
    path: Path,
    model: str,
    definitions: Sequence[str],
    engine: Callable[[], AbstractContextManager[None]],
) -> Imported:
    """What a script or notebook describes; Keras is loaded only if the file works with shapes.

    Args:
        path: the file.
        model: the variable or function of the model that is meant, or "".
        definitions: values for what the file does not tell, as `num_classes=10`.
        engine: what keeps TensorFlow's own output off the terminal while it works.

    Raises:
        UnusableInputError: the file or a definition cannot be read, or the model cannot be brought in.
    """
    from kflab.document import text_of
    from kflab.imports import python

    read = python.read_notebook if path.suffix == NOTEBOOK else python.read
    asked = _Asked(engine)
    return read(
        text_of(path),
        str(path),
        model,
        define=dict(map(definition, definitions)),
        specs_of=asked.specs_of,
        applications=asked.application,
    )


def definition(text: str) -> tuple[str, Value]:
    """The variable or expression, and the value, of a definition such as `input_shape=28,28,1`.

    Raises:
        UnusableInputError: it is none.
    """
    from kflab.catalog import literals

    name, equals, given = text.partition("=")
    try:
        if not equals:
            raise ValueError("the = is missing")
        expression = ast.unparse(ast.parse(name.strip(), mode="eval"))
        value = literals.parse(given)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise UnusableInputError(
            f"--define {text!r}: expected NAME=VALUE, such as num_classes=10 or input_shape=28,28,1 ({error})"
        ) from None
    return expression, tuple(value) if isinstance(value, list) else value


class _Asked:
    """Loads Keras at the first question."""

    def __init__(self, engine: Callable[[], AbstractContextManager[None]]) -> None:
        self._engine = engine
        self._answers: KerasAnswers | None = None

    def _keras(self) -> KerasAnswers:
        if self._answers is None:
            from kflab.engine.python_sources import KerasAnswers

            self._answers = KerasAnswers()
        return self._answers

    def specs_of(self, experiment: Experiment, node: str) -> Sequence[TensorSpec]:
        with self._engine():
            return self._keras().specs_of(experiment, node)

    def application(self, name: str, arguments: Arguments) -> Experiment:
        with self._engine():
            return self._keras().application(name, arguments)
