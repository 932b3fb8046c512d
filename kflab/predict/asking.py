"""What is asked of the process that predicts, and whether the answer is there already."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kflab.errors import UnusableInputError
from kflab.predict import cache
from kflab.predict.results import IN_A_CELL, MOST_SAMPLES, Predictions, Split, Which

LOG = "predict.log"
"""What libraries print while they predict goes to this file among the logs."""


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wanted.

    Attributes:
        run_dir: the run folder.
        split: the split of the run's own data.
        source: a file or folder instead; "" for none.
        model: which model; nothing given: the one at the end, or else the best.
        most: how many samples at most.
        in_a_cell: how many samples of each cell of a confusion matrix are kept.
    """

    run_dir: str
    split: Split = "test"
    source: str = ""
    model: Which | None = None
    most: int = MOST_SAMPLES
    in_a_cell: int = IN_A_CELL


def known(asked: Asked) -> Predictions | None:
    """Predictions that were kept and are still those that are wanted; needs no Keras.

    Raises:
        UnusableInputError: there is no such model or source.
    """
    run_dir, source = Path(asked.run_dir), source_of(asked)
    which, path = cache.model_file(run_dir, asked.model)
    found = cache.kept(run_dir, which, asked.split, asked.source, cache.stamp_of(path, source))
    if found is None or asked.in_a_cell > IN_A_CELL or found.samples != min(found.of, asked.most):
        return None
    return found


def source_of(asked: Asked) -> Path | None:
    """The file or folder that is meant; None for the run's own data.

    Raises:
        UnusableInputError: there is none of that name.
    """
    if not asked.source:
        return None
    path = Path(asked.source).expanduser()
    if not path.exists():
        raise UnusableInputError("no such file or folder", file=asked.source)
    return path.resolve()
