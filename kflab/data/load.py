"""Loads the data of an experiment: split, scaled, and keyed by the model's own inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kflab.catalog import datasets
from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.matching import Matching, input_shape, match
from kflab.catalog.offers import Settings
from kflab.data import bundled, downloads, generated, sources
from kflab.data.arrays import Array, Progress, Raw, Samples
from kflab.data.prepare import check_finite, fit_shape, scaler
from kflab.data.split import split
from kflab.errors import KflabError
from kflab.experiment import Data, Experiment

_LOADERS: Mapping[str, Callable[[Settings], Raw]] = {
    "digits": bundled.digits,
    "digits_pairs": bundled.digits_pairs,
    "iris": bundled.iris,
    "wine": bundled.wine,
    "breast_cancer": bundled.breast_cancer,
    "diabetes": bundled.diabetes,
    "spirals": generated.spirals,
    "moons": generated.moons,
    "circles": generated.circles,
    "sine": generated.sine,
    "tickets": generated.tickets,
}


@dataclass(frozen=True)
class Part:
    """The samples of one split.

    Attributes:
        inputs: arrays by the name of the model's input.
        targets: arrays by the name of the model's output.
    """

    inputs: dict[str, Array]
    targets: dict[str, Array]

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


@dataclass(frozen=True)
class Splits:
    """The samples of an experiment; validation or test may be missing."""

    train: Part
    validation: Part | None
    test: Part | None


def load(
    experiment: Experiment, base: Path | None = None, progress: Progress | None = None, seed: int = 0
) -> Splits:
    """The data of an experiment, ready for its model.

    Args:
        experiment: the model, the data and the losses, which tell what outputs need a target.
        base: the folder that a relative path of a file is relative to; nothing given: the current one.
        progress: told how far a download is.
        seed: fixes the validation split and the order of the training samples.

    Raises:
        KflabError: the data cannot be had, does not fit the model, or is not fit to train on.
    """
    data, graph = experiment.data, experiment.model
    info = datasets.describe(data, base)
    training = experiment.training
    outputs = tuple(
        name
        for name in graph.output_names()
        if not training.loss or training.loss_of(name) or training.metrics_of(name)
    )
    matching = match(graph, data, info, outputs)
    if matching.problems:
        raise KflabError("; ".join(matching.problems))
    raw = load_raw(data, info, matching, base, progress)
    held = {"training": raw.train, "validation": raw.validation, "test": raw.test}
    for name, samples in held.items():
        if samples is not None:
            check_finite(samples, name)
    parts = split(
        raw,
        validation=data.validation,
        test=data.test,
        limit=data.limit,
        stratify=_classes(raw, matching),
        seed=seed,
    )
    scalers = {
        name: scaler(_scale(name, array, data, info), array) for name, array in parts.train.inputs.items()
    }

    def part(samples: Samples) -> Part:
        scaled = {name: scalers[name](array) for name, array in samples.inputs.items()}
        inputs = {
            name: fit_shape(scaled[array.name], input_shape(graph, name), name)
            for name, array in matching.inputs.items()
        }
        # An autoencoder is held against what it was fed with, in the shape it was fed.
        own = scaled | {array.name: inputs[name] for name, array in matching.inputs.items()}
        targets = {
            name: own[array.name] if isinstance(array, ArrayInfo) else samples.targets[array.name]
            for name, array in matching.targets.items()
        }
        return Part(inputs, targets)

    return Splits(
        part(parts.train),
        None if parts.validation is None else part(parts.validation),
        None if parts.test is None else part(parts.test),
    )


def _scale(name: str, array: Array, data: Data, info: DatasetInfo) -> float | str | None:
    described = info.input(name)
    return datasets.scale_of(data, array.dtype.name, array.ndim - 1, described.ids if described else 0)


def _classes(raw: Raw, matching: Matching) -> Array | None:
    """The classes of the training samples, by the first target that has any."""
    for target in matching.targets.values():
        if isinstance(target, TargetInfo) and target.kind in (TargetKind.CLASSES, TargetKind.BINARY):
            return None if target.shape else raw.train.targets[target.name]
    return None


def load_raw(
    data: Data,
    info: DatasetInfo,
    matching: Matching,
    base: Path | None,
    progress: Progress | None,
    *,
    look: bool = False,
) -> Raw:
    """The arrays of the data's source that a matching asks for, or all of a dataset of the catalog.

    With `look`, a sample of a large table will do, which is there at once.
    """
    offer = datasets.find(data.source)
    if offer is not None:
        settings = offer.fill(data.arguments)
        if info.origin is Origin.DOWNLOAD:
            return downloads.load_download(offer, settings, progress)
        return _LOADERS[offer.name](settings)
    wanted = [*matching.inputs.values(), *matching.targets.values()]
    return sources.open_source(data, info, wanted, base, progress, look=look)
