"""What is in the data: figures of each array as its source has it, and as the model is fed with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from kflab.catalog import datasets
from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin, TargetKind
from kflab.catalog.matching import Matching
from kflab.catalog.profiles import ArrayProfile, ClassCount, Profile
from kflab.data import downloads, sampling
from kflab.data.arrays import Array, Raw, Samples
from kflab.data.column_names import column_names
from kflab.data.figures import class_counts, figures, lengths
from kflab.data.load import load_raw
from kflab.data.prepare import scaler
from kflab.data.rows import Rows
from kflab.data.split import split
from kflab.errors import KflabError
from kflab.experiment import Data, Experiment

MOST_SECONDS = 4.0
"""How long reading may take: whoever asks shall have an answer within five seconds."""


class NotDownloadedError(KflabError):
    """The dataset is not on this machine, and looking never downloads.

    Args:
        message: what a person reads.
        size: the bytes of the download.
    """

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.bytes = size


def profile(
    experiment: Experiment | Data,
    base: Path | None = None,
    *,
    seed: int | None = None,
    most_seconds: float = MOST_SECONDS,
) -> Profile:
    """What is in the data of an experiment.

    Nothing is downloaded. Of large data a sample is looked at, the same one each time.

    Args:
        experiment: the experiment, or its data section alone.
        base: the folder that a relative path starts from; nothing given: the current one.
        seed: what the validation split follows; nothing given: the training's own, or 0.
        most_seconds: how long reading may take.

    Raises:
        NotDownloadedError: a download would be needed.
        KflabError: the data can not be used.
    """
    return Opened(experiment, base).profile(seed, most_seconds=most_seconds)


class Opened:
    """The data of an experiment, found and open to be looked at.

    Args:
        experiment: the experiment, or its data section alone.
        base: the folder that a relative path starts from; nothing given: the current one.

    Attributes:
        data: the data section.
        info: what the dataset holds as it would load.
        described: what the source holds before anything is prepared.
        raw: its arrays.

    Raises:
        NotDownloadedError: a download would be needed.
        KflabError: the data can not be used.
    """

    def __init__(self, experiment: Experiment | Data, base: Path | None) -> None:
        self._began = time.monotonic()
        self._seed = experiment.training.seed if isinstance(experiment, Experiment) else None
        self.data = experiment.data if isinstance(experiment, Experiment) else experiment
        self.info = datasets.describe(self.data, base)
        self.described = _of_source(self.data, self.info, base)
        self.raw = read_raw(self.data, self.info, base)

    def profile(self, seed: int | None = None, *, most_seconds: float = MOST_SECONDS) -> Profile:
        """The figures; as `profile` of this module."""
        until = self._began + most_seconds
        looked = {name: sampling.look(array, until) for name, array in _arrays(self.raw.train).items()}
        parts = _split(self.raw, self.data, self.described, seed or self._seed or 0)
        fed, is_sampled = _fed(parts.train, self.data, self.described, until)
        return Profile(
            info=self.info,
            raw={name: _figures(name, found, self.described) for name, found in looked.items()},
            fed=fed,
            train=len(parts.train),
            validation=len(parts.validation) if parts.validation else 0,
            test=len(parts.test) if parts.test else 0,
            validation_classes=_validation_classes(parts.validation, self.described, until),
            is_sampled=is_sampled or any(found.rows is not None for found in looked.values()),
            seconds=time.monotonic() - self._began,
        )


def read_raw(data: Data, info: DatasetInfo, base: Path | None) -> Raw:
    """All arrays of the data's source, as it has them.

    Raises:
        NotDownloadedError: a download would be needed.
        KflabError: the data can not be used.
    """
    if info.origin is Origin.DOWNLOAD:
        offer = datasets.find(data.source)
        if offer is not None and not downloads.is_here(offer):
            size = f"{info.download_bytes / 1e6:.1f} MB"
            raise NotDownloadedError(
                f"{info.name} is not on this machine yet: the first run downloads {size}; "
                f"{offer.instead} came with kflab",
                info.download_bytes,
            )
    every = Matching(
        {array.name: array for array in info.inputs}, {target.name: target for target in info.targets}
    )
    return load_raw(data, info, every, base, None)


def _of_source(data: Data, info: DatasetInfo, base: Path | None) -> DatasetInfo:
    """What the source holds before anything is prepared."""
    plain = Data(source=data.source, arguments=data.arguments, inputs=data.inputs, targets=data.targets)
    return datasets.describe(plain, base) if data != plain else info


def _arrays(samples: Samples) -> Mapping[str, Rows]:
    # An array whose name does not tell its part stands in both.
    return {**samples.targets, **samples.inputs}


def _figures(name: str, looked: sampling.Looked, info: DatasetInfo) -> ArrayProfile:
    described, target = info.input(name), info.target(name)
    is_table = described is not None and len(described.shape) == 1 and not described.ids
    columns = column_names(info.name) if is_table else ()
    found = figures(name, looked.values, columns=columns, is_table=is_table)
    if found.first_unusable is not None:
        found = msgspec.structs.replace(found, first_unusable=looked.row_of(found.first_unusable))
    if described is not None and _holds_words(described, looked.values):
        found = msgspec.structs.replace(found, lengths=lengths(looked.values))
    if target is not None:
        found = msgspec.structs.replace(found, classes=class_counts(looked.values, target))
    return found


def _holds_words(described: ArrayInfo, values: Array) -> bool:
    """Whether an array holds texts, or ids of words in sequences."""
    if values.dtype.kind in "OUST":
        return values.ndim == 1 or values.shape[1:] == (1,)
    return bool(described.ids) and values.ndim == 2


def _split(raw: Raw, data: Data, info: DatasetInfo, seed: int) -> Raw:
    return split(
        raw,
        validation=data.validation,
        test=data.test,
        limit=data.limit,
        stratify=_strata(raw, info),
        seed=seed,
    )


def _strata(raw: Raw, info: DatasetInfo) -> Array | None:
    for target in info.targets:
        if target.kind in (TargetKind.CLASSES, TargetKind.BINARY) and not target.shape:
            labels = raw.train.targets.get(target.name)
            return None if labels is None else np.asarray(labels)
    return None


def _fed(train: Samples, data: Data, info: DatasetInfo, until: float) -> tuple[dict[str, ArrayProfile], bool]:
    found: dict[str, ArrayProfile] = {}
    is_sampled = False
    for name, array in _arrays(train).items():
        looked = sampling.look(array, until)
        is_sampled = is_sampled or looked.rows is not None
        described = info.input(name)
        if described is not None:
            scale = datasets.scale_of(data, array.dtype.name, array.ndim - 1, described.ids)
            values = scaler(scale, looked.values)(looked.values)
            looked = sampling.Looked(values, looked.rows)
        found[name] = _figures(name, looked, info)
    return found, is_sampled


def _validation_classes(
    validation: Samples | None, info: DatasetInfo, until: float
) -> dict[str, tuple[ClassCount, ...]]:
    if validation is None:
        return {}
    counted = {
        target.name: class_counts(sampling.look(validation.targets[target.name], until).values, target)
        for target in info.targets
        if target.name in validation.targets
    }
    return {name: counts for name, counts in counted.items() if counts}
