"""What is in the data: figures of each array as its source has it, and as the model is fed with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from kflab.catalog import datasets
from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin
from kflab.catalog.matching import Matching, match, put_together
from kflab.catalog.preparation_problems import preparation_problems
from kflab.catalog.profiles import ArrayProfile, ClassCount, Profile
from kflab.data import downloads, sampling, sources
from kflab.data.arrays import Array, Raw, Samples
from kflab.data.column_names import column_names
from kflab.data.figures import class_counts, figures, lengths
from kflab.data.load import load_raw, split_raw
from kflab.data.pipelines import Pipeline, plan
from kflab.data.rows import Rows
from kflab.errors import KflabError
from kflab.experiment import Data, Experiment
from kflab.graph.nodes import Graph

MOST_SECONDS = 2.6
"""How long reading may take: whoever asks shall have an answer within five seconds, samples and all."""

_RAW_SHARE = 0.6
"""How much of that is for the arrays as the source has them; the rest is for what the model gets."""


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
        is_part: they are rows from all over a large table, whose number nobody has counted.

    Raises:
        NotDownloadedError: a download would be needed.
        KflabError: the data can not be used.
    """

    def __init__(self, experiment: Experiment | Data, base: Path | None) -> None:
        self._began = time.monotonic()
        self._experiment = experiment if isinstance(experiment, Experiment) else None
        self.data = experiment.data if isinstance(experiment, Experiment) else experiment
        sources.study(self.data, base, look=True)
        self.info = datasets.describe(self.data, base)
        self.described = datasets.describe_raw(self.data, base)
        graph = self._experiment.model if self._experiment else Graph()
        self.raw = read_raw(self.data, self.described, base, graph)
        self.is_part = self.described.origin is Origin.FILE and not self.described.train

    def profile(self, seed: int | None = None, *, most_seconds: float = MOST_SECONDS) -> Profile:
        """The figures; as `profile` of this module."""
        until = self._began + most_seconds
        first = self._began + most_seconds * _RAW_SHARE
        looked = {name: sampling.look(array, first) for name, array in _arrays(self.raw.train).items()}
        found = Profile(
            info=self.info,
            raw={name: _figures(name, one, self.described) for name, one in looked.items()},
            train=0 if self.is_part else len(self.raw.train),
            is_sampled=self.is_part or any(one.rows is not None for one in looked.values()),
        )
        if seed is None:
            seed = (self._experiment.training.seed if self._experiment else None) or 0
        try:
            found = self._prepared(found, seed, until)
        except KflabError as problem:
            found = msgspec.structs.replace(found, problem=str(problem))
        found = self._of_all(found)
        return msgspec.structs.replace(found, seconds=time.monotonic() - self._began)

    def _of_all(self, found: Profile) -> Profile:
        """The figures with the samples that there are, where only some of them were read."""
        if not self.raw.sampled_from:
            return found
        factor = self.raw.sampled_from / max(1, len(self.raw.train))
        train = round(found.train * factor)
        return msgspec.structs.replace(
            found,
            train=train if self.data.limit is None else min(train, self.data.limit),
            validation=round(found.validation * (factor if self.raw.validation is None else 1)),
            test=round(found.test * (factor if self.raw.test is None else 1)),
            is_sampled=True,
        )

    def _prepared(self, found: Profile, seed: int, until: float) -> Profile:
        """The figures with those of the splits, and of what the model gets."""
        parts = split_raw(self.raw, self.data, self.described, self.info.targets, seed)
        found = msgspec.structs.replace(
            found, validation_classes=_validation_classes(parts.validation, self.described, until)
        )
        if not self.is_part:
            found = msgspec.structs.replace(
                found,
                train=len(parts.train),
                validation=len(parts.validation) if parts.validation else 0,
                test=len(parts.test) if parts.test else 0,
            )
        fed, is_sampled = self._fed(parts.train, until)
        return msgspec.structs.replace(found, fed=fed, is_sampled=is_sampled or found.is_sampled)

    def _fed(self, train: Samples, until: float) -> tuple[dict[str, ArrayProfile], bool]:
        pipelines = self.pipelines(train)
        found: dict[str, ArrayProfile] = {}
        is_sampled = False
        for name, rows in _arrays(train).items():
            looked = sampling.look(rows, until)
            is_sampled = is_sampled or looked.rows is not None
            pipeline = pipelines.get(name)
            if pipeline is not None:
                # What is fitted is fitted on what was looked at: a run does so on all training samples.
                pipeline.fit(looked.values)
                looked = sampling.Looked(pipeline(looked.values), looked.rows)
            found[name] = _figures(name, looked, self.info)
        return found, is_sampled

    def pipelines(self, train: Samples) -> dict[str, Pipeline]:
        """How each array is prepared; nothing is fitted yet.

        Raises:
            KflabError: a step can not be made.
        """
        if problem := next(iter(preparation_problems(self.data, self.described)), None):
            raise KflabError(f"{problem.path}: {problem.message}")
        known = {array.name: array for array in put_together(self.data, self.info)}
        feeds = {
            name: array
            for name in train.inputs
            if (array := self.info.input(name) or known.get(name)) is not None
        }
        held = {name: target for name in train.targets if (target := self.info.target(name)) is not None}
        planned = plan(Graph(), self.data, self.described, feeds, held, self.raw.gaps)
        return {**planned.targets, **planned.inputs}


def read_raw(data: Data, source: DatasetInfo, base: Path | None, graph: Graph) -> Raw:
    """All arrays of the data's source, as it has them; of a large table, a sample.

    Args:
        data: the data section.
        source: the dataset as its source has it.
        base: the folder that a relative path starts from.
        graph: the model, which may be fed with columns that are no arrays of their own.

    Raises:
        NotDownloadedError: a download would be needed.
        KflabError: the data can not be used.
    """
    if source.origin is Origin.DOWNLOAD:
        offer = datasets.find(data.source)
        if offer is not None and not downloads.is_here(offer):
            size = f"{source.download_bytes / 1e6:.1f} MB"
            raise NotDownloadedError(
                f"{source.name} is not on this machine yet: the first run downloads {size}; "
                f"{offer.instead} came with kflab",
                source.download_bytes,
            )
    own = match(graph, data, source)
    every = Matching(
        {array.name: array for array in (*source.inputs, *own.inputs.values())},
        {target.name: target for target in source.targets},
    )
    return load_raw(data, source, every, base, None, look=True)


def _arrays(samples: Samples) -> Mapping[str, Rows]:
    # An array whose name does not tell its part stands in both.
    return {**samples.targets, **samples.inputs}


def _figures(name: str, looked: sampling.Looked, info: DatasetInfo) -> ArrayProfile:
    described, target = info.input(name), info.target(name)
    is_table = described is not None and len(described.shape) == 1 and not described.ids
    columns = (described.features if described else ()) or (column_names(info.name) if is_table else ())
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
        return values.shape[1:] in ((), (1,))
    return bool(described.ids) and values.ndim == 2


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
