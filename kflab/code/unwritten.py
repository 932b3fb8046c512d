"""What a document can say of data and training that no code is written for yet."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.catalog.datasets import STANDARD
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
    beside = [name for names in data.inputs.values() if not isinstance(names, str) for name in names]
    for name in beside:
        if data.prepare.get(name) or data.augment.get(name):
            yield f"preparing {name!r}, one of several columns that feed an Input"
    if not any(experiment.data.augment.values()):
        return
    graph = experiment.model
    if len(graph.input_names()) > 1 or len(graph.output_names()) > 1:
        yield "data.augment of a model with several inputs or outputs"
    if sum(map(bool, experiment.data.augment.values())) > 1:
        yield "data.augment of several arrays"
    if experiment.data.scale == STANDARD:
        yield "data.augment before data.scale: standard"
