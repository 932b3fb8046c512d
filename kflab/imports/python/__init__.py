"""Models in from Python: a script or notebook is read from its syntax tree and never executed.

What builds the model is followed on known values: numbers, lists, loops, functions and classes of the file;
layers and tensors are known by their calls alone. A value that cannot be told is unknown, and matters only
where the model needs it.
"""

from __future__ import annotations

from collections.abc import Mapping

from kflab.imports import Imported
from kflab.imports.python.architectures import Applications
from kflab.imports.python.notebooks import source_of_notebook
from kflab.imports.python.reading import Source, read_source
from kflab.imports.python.recorded import TensorSpec
from kflab.imports.python.tracing import SpecsOf
from kflab.values import Value

__all__ = ["Applications", "SpecsOf", "TensorSpec", "read", "read_notebook"]


def read(
    text: str,
    file: str = "",
    model: str = "",
    *,
    define: Mapping[str, Value] | None = None,
    specs_of: SpecsOf | None = None,
    applications: Applications | None = None,
) -> Imported:
    """The model that a Python file builds, with the training and data that it tells.

    Args:
        text: the file's source.
        file: its name, for errors.
        model: the variable, function or name of the model that is meant; "" for the one that is trained, or
            else made last.
        define: values for variables, or whole expressions, that the file does not tell: `num_classes` to 10.
        specs_of: asked for shape and dtype of a tensor where the file works with them (`x.shape[-1]`).
        applications: asked for an architecture of `keras.applications`.

    Raises:
        ImportRefusedError: the model cannot be brought in; its notes say why, each with its line.
    """
    return read_source(Source(text, file), model, define or {}, specs_of, applications)


def read_notebook(
    text: str,
    file: str = "",
    model: str = "",
    *,
    define: Mapping[str, Value] | None = None,
    specs_of: SpecsOf | None = None,
    applications: Applications | None = None,
) -> Imported:
    """The model that a notebook builds; lines are told as those of its cells. Arguments as those of `read`.

    Raises:
        ImportRefusedError: the model cannot be brought in, or the file is no notebook.
    """
    return read_source(source_of_notebook(text, file), model, define or {}, specs_of, applications)
