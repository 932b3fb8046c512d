"""Code out: an experiment as a Keras script or notebook that runs without kflab."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kflab.experiment import Experiment

if TYPE_CHECKING:
    from kflab.engine.protocol import Report


def script(
    experiment: Experiment,
    base: Path | None = None,
    *,
    report: Report | None = None,
    folder: Path | None = None,
) -> str:
    """The Keras script of an experiment: data, model, training, test.

    Args:
        experiment: the experiment.
        base: the folder that a relative path in it starts from.
        report: what Keras says of it, where that is known: which nodes return several tensors.
        folder: the folder that the script will be run in; nothing given: the current one.

    Raises:
        KflabError: the experiment cannot be built or trained; the text says why.
    """
    from kflab.code.scripts import write

    return write(experiment, base, report=report, folder=folder).text


def notebook(
    experiment: Experiment,
    base: Path | None = None,
    *,
    report: Report | None = None,
    folder: Path | None = None,
) -> str:
    """The same as a Jupyter notebook, one cell for each part; the arguments are those of `script`.

    Raises:
        KflabError: the experiment cannot be built or trained; the text says why.
    """
    from kflab.code.notebooks import to_notebook
    from kflab.code.scripts import write

    return to_notebook(write(experiment, base, report=report, folder=folder))
