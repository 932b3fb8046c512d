"""The file of weights that training starts from: whether it is there. What is in it, Keras reads."""

from __future__ import annotations

from pathlib import Path

from kflab.experiment import Training

WEIGHTS, MODEL = ".weights.h5", ".keras"
"""The endings of the files that weights can be read from."""


def weights_file(training: Training, base: Path | None) -> Path:
    """The file that `training.initial_weights` names.

    Args:
        training: names one.
        base: the folder that a relative path starts from; nothing given: the current one.
    """
    given = Path(training.initial_weights).expanduser()
    return given if given.is_absolute() else (base or Path.cwd()) / given


def weights_problem(training: Training, base: Path | None) -> str:
    """Why the weights that training is to start from can not be read, or ""."""
    if not training.initial_weights:
        return ""
    path = weights_file(training, base)
    if not path.name.endswith((WEIGHTS, MODEL)):
        return f"expected a {WEIGHTS} or {MODEL} file, got {training.initial_weights!r}"
    if not path.is_file():
        return f"there is no file {path}"
    return ""
