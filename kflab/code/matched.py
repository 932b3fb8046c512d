"""Which array of the data has which place in the model, as code is written for it."""

from __future__ import annotations

from pathlib import Path

from kflab.catalog.dataset_types import DatasetInfo, TargetInfo, TargetKind
from kflab.catalog.datasets import describe
from kflab.catalog.matching import Matching, match
from kflab.errors import KflabError
from kflab.experiment import Experiment


def matched(experiment: Experiment, base: Path | None) -> Matching:
    """Which array of the data feeds each Input, and which one each output is held against.

    Raises:
        KflabError: they do not fit, or can not be prepared like that.
    """
    training = experiment.training
    outputs = [
        name
        for name in experiment.model.output_names()
        if not training.loss or training.loss_of(name) or training.metrics_of(name)
    ]
    info = describe(experiment.data, base)
    for problem in info.misprepared[:1]:
        raise KflabError(f"{problem.path}: {problem.message}")
    matching = match(experiment.model, experiment.data, info, outputs)
    if matching.problems:
        raise KflabError("; ".join(matching.problems))
    return matching


def class_target(matching: Matching, source: DatasetInfo) -> TargetInfo | None:
    """The target by whose classes the samples are divided, as its source has it."""
    for target in matching.targets.values():
        own = source.target(target.name) if isinstance(target, TargetInfo) else None
        if own is not None and own.kind in (TargetKind.CLASSES, TargetKind.BINARY):
            return None if own.shape else own
    return None
