"""What a document can say of data and training that no code is written for yet."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.errors import KflabError
from kflab.experiment import Experiment


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
