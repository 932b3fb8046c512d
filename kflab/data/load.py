"""Loads the data of an experiment: split, prepared, and keyed by the model's own inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from kflab.catalog import datasets
from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.matching import Matching, match
from kflab.catalog.offers import Settings
from kflab.data import bundled, downloads, generated, sources
from kflab.data.arrays import Array, Progress, Raw
from kflab.data.augment import Augmentation
from kflab.data.beside import put_beside
from kflab.data.layer_steps import as_text
from kflab.data.parts import Part, Splits
from kflab.data.pipelines import Fitted, plan
from kflab.data.prepare import checked
from kflab.data.split import split
from kflab.errors import KflabError
from kflab.experiment import Data, Experiment

__all__ = ["Part", "Splits", "held_outputs", "load", "load_raw", "load_with", "split_raw"]

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


def load(
    experiment: Experiment, base: Path | None = None, progress: Progress | None = None, seed: int = 0
) -> Splits:
    """The data of an experiment, ready for its model.

    What is in memory is prepared now; what is not, when it is read.

    Args:
        experiment: the model, the data and the losses, which tell what outputs need a target.
        base: the folder that a relative path of a file is relative to; nothing given: the current one.
        progress: told how far a download is.
        seed: fixes the validation split and the order of the training samples.

    Raises:
        KflabError: the data cannot be had, does not fit the model, or is not fit to train on.
    """
    return load_with(experiment, None, base, progress, seed)


def load_with(
    experiment: Experiment,
    known: Callable[[Fitted], Fitted] | None,
    base: Path | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> Splits:
    """The data of an experiment, prepared with what was learned before: `known` fills that in.

    Without it the steps learn of the training samples; the rest is as in `load`.

    Raises:
        KflabError: the data cannot be had, does not fit the model, or is not fit to train on.
    """
    data, graph = experiment.data, experiment.model
    sources.study(data, base, progress)
    source, info = datasets.describe_raw(data, base), datasets.describe(data, base)
    for problem in info.misprepared[:1]:
        raise KflabError(f"{problem.path}: {problem.message}")
    matching = match(graph, data, info, held_outputs(experiment))
    if matching.problems:
        raise KflabError("; ".join(matching.problems))
    raw = load_raw(data, source, matching, base, progress)
    raw = replace(
        raw,
        train=checked(raw.train, "training", raw.gaps),
        validation=None if raw.validation is None else checked(raw.validation, "validation", raw.gaps),
        test=None if raw.test is None else checked(raw.test, "test", raw.gaps),
    )
    parts = split_raw(raw, data, source, matching.targets.values(), seed)
    planned = plan(graph, data, source, matching.inputs, matching.targets, raw.gaps)
    if known is None:
        for name, pipeline in planned.inputs.items():
            pipeline.fit(parts.train.inputs[name])
        for name, pipeline in planned.targets.items():
            pipeline.fit(parts.train.targets[name])
    else:
        planned = known(planned)
    counts = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    fitted = replace(planned, samples={name: len(held or ()) for name, held in counts.items()})
    augmentations = {name: Augmentation(specs, name) for name, specs in data.augment.items() if specs}
    return Splits(
        fitted.part(parts.train, augmentations),
        None if parts.validation is None else fitted.part(parts.validation),
        None if parts.test is None else fitted.part(parts.test),
        fitted,
    )


def held_outputs(experiment: Experiment) -> tuple[str, ...]:
    """The outputs that need a target: those with a loss or a metric, all where there is no loss yet."""
    training = experiment.training
    return tuple(
        name
        for name in experiment.model.output_names()
        if not training.loss or training.loss_of(name) or training.metrics_of(name)
    )


def split_raw(
    raw: Raw, data: Data, source: DatasetInfo, held: Iterable[ArrayInfo | TargetInfo], seed: int
) -> Raw:
    """The samples in the splits that the data section asks for; none is read but classes and order.

    Args:
        raw: the samples.
        data: the data section.
        source: the dataset as its source has it.
        held: what the outputs are held against: the first with classes tells the strata.
        seed: fixes the validation split and the order of the training samples.

    Raises:
        KflabError: they can not be split like that.
    """
    return split(
        raw,
        validation=data.validation,
        test=data.test,
        limit=data.limit,
        stratify=_classes(raw, held, source, data),
        seed=seed,
        how=data.split,
        order=_order(raw, data),
        shuffle=data.shuffle,
    )


def _classes(
    raw: Raw, held: Iterable[ArrayInfo | TargetInfo], source: DatasetInfo, data: Data
) -> Array | None:
    """The classes of the training samples, by the first target that has any."""
    if data.split in ("random", "time"):
        return None
    for target in held:
        own = source.target(target.name) if isinstance(target, TargetInfo) else None
        if own is not None and own.kind in (TargetKind.CLASSES, TargetKind.BINARY):
            return None if own.shape else raw.train.targets[own.name][:]
    return None


def _order(raw: Raw, data: Data) -> Array | None:
    """The values that the training samples follow each other by."""
    if not data.order_by or data.split not in ("", "time"):
        return None
    samples = raw.train
    column = samples.inputs.get(data.order_by)
    column = samples.targets.get(data.order_by) if column is None else column
    # A column of a table is a sample of one number.
    if column is None or column.shape[1:] not in ((), (1,)):
        names = ", ".join((*samples.inputs, *samples.targets))
        raise KflabError(
            f"data.order_by: there is no column {data.order_by!r} to order by; there are {names}"
        )
    values = column[:].reshape(len(column))
    return as_text(values).astype(str) if values.dtype == object else values


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
        is_download = info.origin is Origin.DOWNLOAD
        raw = (
            downloads.load_download(offer, settings, progress)
            if is_download
            else _LOADERS[offer.name](settings)
        )
        return put_beside(raw, matching.inputs.values())
    wanted = [*matching.inputs.values(), *matching.targets.values()]
    order = info.input(data.order_by) or info.target(data.order_by)
    if order is not None and all(order.name != array.name for array in wanted):
        wanted.append(order)
    return sources.open_source(data, wanted, base, progress, look=look)
