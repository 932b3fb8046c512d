"""What a document can say of data and training that no code is written for yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kflab.catalog.datasets import find
from kflab.errors import KflabError
from kflab.experiment import Experiment

_WRITTEN_FILES = frozenset({".npz"})


def refuse_unwritten(experiment: Experiment) -> None:
    """Refuse an experiment of which the code would do something else than kflab does.

    Raises:
        KflabError: it is one; the text names what no code can be written for.
    """
    names = list(_unwritten(experiment))
    if names:
        raise KflabError(f"no code can be written yet for {' and '.join(names)}")


def _unwritten(experiment: Experiment) -> Iterator[str]:
    data = experiment.data
    if data.augment:
        yield "data.augment"
    if find(data.source) is None and Path(data.source).suffix.lower() not in _WRITTEN_FILES:
        yield f"data of the kind of {Path(data.source).name or data.source}"
