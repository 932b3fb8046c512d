"""Answers a question about data: its figures, and samples to be drawn."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import numpy as np

from kflab import document
from kflab.catalog.dataset_types import DatasetInfo, TargetInfo, TargetKind
from kflab.catalog.looks import Asked, Look, Points, Sample, Shown
from kflab.data import profile as profiles
from kflab.data import sampling
from kflab.data.arrays import Array, Raw
from kflab.data.column_names import column_names
from kflab.data.figures import is_gap
from kflab.data.rows import Rows
from kflab.data.showing import Way
from kflab.data.vocabulary import words_of
from kflab.errors import KflabError, UnusableInputError, did_you_mean
from kflab.experiment import Data

MOST_POINTS = 2_000
"""The points of the plane that are drawn."""

_MOST_FITTED = 8_000_000
_MOST_SHUFFLED = 5_000_000


def look(asked: Asked) -> Look:
    """What is asked for; what stands in the way comes as the answer's error."""
    try:
        return _look(asked)
    except profiles.NotDownloadedError as missing:
        return Look(error=str(missing), missing=missing.bytes)
    except UnusableInputError as problem:
        return Look(error=str(problem), unusable=True)
    except KflabError as problem:
        return Look(error=str(problem))
    except MemoryError:
        return Look(error="the data does not fit into memory")


def _look(asked: Asked) -> Look:
    experiment = document.decode(asked.document)
    base = Path(asked.base) if asked.base else None
    seed = (experiment.training.seed or 0) if asked.seed is None else asked.seed
    opened = profiles.Opened(experiment, base)
    profile = opened.profile(seed) if asked.profile else None
    if not asked.samples:
        return Look(profile)
    viewer = Viewer(opened.data, opened.described, opened.raw, asked.side)
    rows = viewer.order(asked.label, seed)
    chosen = rows[asked.skip : asked.skip + asked.samples]
    samples = viewer.samples(chosen)
    if asked.augmented and opened.data.augment:
        samples = _augmented(samples, chosen, opened, seed, asked.side)
    return Look(profile, samples, len(rows), viewer.points(seed))


def _augmented(
    samples: tuple[Sample, ...], rows: Array, opened: profiles.Opened, seed: int, side: int
) -> tuple[Sample, ...]:
    """Samples with what augmentation makes of them, as it might in the first epoch.

    Raises:
        KflabError: the preparation or the augmentation can not be made.
    """
    # Keras is needed for nothing else of a look.
    from kflab.data.augment import Augmentation

    train = opened.raw.train
    pipelines = opened.pipelines(train)
    shown: list[dict[str, Shown]] = [{} for _ in samples]
    for name, specs in opened.data.augment.items():
        if name not in train.inputs or not specs or not len(rows):
            continue
        pipeline = pipelines[name]
        pipeline.fit(sampling.look(train.inputs[name], time.monotonic() + 1, most=_MOST_FITTED).values)
        prepared = pipeline.prepare(np.asarray(train.inputs[name][rows]))
        way = Way(*_range(prepared), side=side)
        changed = Augmentation(specs, name)(prepared, (seed, 0))
        for at, value in enumerate(changed):
            shown[at][name] = way.show(value)
    return tuple(
        msgspec.structs.replace(sample, augmented=own) for sample, own in zip(samples, shown, strict=True)
    )


class Viewer:
    """Shows samples of a dataset.

    Args:
        data: the data section.
        info: what the source holds before anything is prepared.
        raw: its arrays.
        side: the most pixels of a side of an image.
    """

    def __init__(self, data: Data, info: DatasetInfo, raw: Raw, side: int) -> None:
        self._info, self._raw = info, raw
        names, words = column_names(data.source), words_of(data.source)
        self._ways: dict[str, Way] = {}
        for array in info.inputs:
            low, high = _range(raw.train.inputs[array.name])
            self._ways[array.name] = Way(
                low,
                high,
                ids=bool(array.ids),
                names=array.features or names,
                words=words if array.ids else {},
                side=side,
            )
            if low == 0 and high == 1 and words:
                self._ways[array.name] = Way(low, high, words=words, side=side)
        for target in info.targets:
            if target.name not in self._ways:
                self._ways[target.name] = Way(*_range(raw.train.targets[target.name]), side=side)

    def order(self, label: str, seed: int) -> Array:
        """The indices of the training samples in the order they are shown; those of one class, if asked.

        Raises:
            UnusableInputError: there is no such class.
        """
        count = len(self._raw.train)
        rows = np.arange(count) if not label else self._of_class(label)
        if self._raw.ordered:
            return rows
        random = np.random.default_rng(seed)
        if len(rows) > _MOST_SHUFFLED:
            return rows[random.choice(len(rows), _MOST_SHUFFLED // 10, replace=False)]
        return random.permutation(rows)

    def _of_class(self, label: str) -> Array:
        known: list[str] = []
        for target in self._info.targets:
            if target.kind is TargetKind.VALUES:
                continue
            labels = _label_names(target)
            known += labels
            values = np.asarray(self._raw.train.targets[target.name][:])
            if values.dtype.kind in "OUST":
                chosen = np.array([str(value) == label for value in values.reshape(-1)])
            elif label in labels:
                number = labels.index(label)
                whole = target.kind in (TargetKind.ONE_HOT, TargetKind.MULTI)
                chosen = values[..., number] == 1 if whole else values == number
            else:
                continue
            if chosen.any():
                return np.flatnonzero(chosen.reshape(len(values), -1).any(axis=1))
        if not known:
            raise UnusableInputError(f"{self._info.name} has no classes, so none is {label!r}")
        raise UnusableInputError(f"there is no sample of a class {label!r}{did_you_mean(label, known)}")

    def samples(self, rows: Array) -> tuple[Sample, ...]:
        """The samples at some indices."""
        if not len(rows):
            return ()
        train = self._raw.train
        inputs = {name: np.asarray(array[rows]) for name, array in train.inputs.items()}
        targets = {name: np.asarray(array[rows]) for name, array in train.targets.items()}
        return tuple(
            Sample(
                index=int(row),
                inputs={name: self._ways[name].show(values[at]) for name, values in inputs.items()},
                targets={
                    target.name: self._ways[target.name].show(targets[target.name][at])
                    for target in self._info.targets
                    if target.kind is TargetKind.VALUES or len(target.shape) > 1
                },
                labels={
                    target.name: _label(target, targets[target.name][at])
                    for target in self._info.targets
                    if target.kind is not TargetKind.VALUES and len(target.shape) <= 1
                },
            )
            for at, row in enumerate(rows)
        )

    def points(self, seed: int) -> Points | None:
        """The points of a dataset whose only input has two numbers."""
        if len(self._info.inputs) != 1 or self._info.inputs[0].shape != (2,):
            return None
        array = self._raw.train.inputs[self._info.inputs[0].name]
        rows = np.sort(np.random.default_rng(seed).permutation(len(array))[:MOST_POINTS])
        values = np.asarray(array[rows], dtype="float64")
        good = np.isfinite(values).all(axis=1)
        target = next((one for one in self._info.targets if one.kind in _ONE_CLASS and not one.shape), None)
        classes = np.zeros(len(rows), dtype=int)
        if target is not None:
            classes = np.nan_to_num(np.asarray(self._raw.train.targets[target.name][rows])).astype(int)
        return Points(
            xs=tuple(values[good, 0].tolist()),
            ys=tuple(values[good, 1].tolist()),
            classes=tuple(classes[good].tolist()),
            labels=tuple(_label_names(target)) if target is not None else (),
        )


_ONE_CLASS = (TargetKind.CLASSES, TargetKind.BINARY)


def _range(rows: Rows) -> tuple[float | None, float | None]:
    """The range of an array, as far as it is told by a few samples from all over it."""
    if rows.dtype.kind in "OUST":
        return None, None
    values = sampling.look(rows, time.monotonic() + 0.3, most=2_000_000).values
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    return (float(finite.min()), float(finite.max())) if finite.size else (None, None)


def _label_names(target: TargetInfo) -> list[str]:
    return list(target.labels) or [str(number) for number in range(target.classes)]


def _label(target: TargetInfo, value: Array) -> str:
    names = _label_names(target)
    flat = np.asarray(value).reshape(-1)
    if flat.dtype.kind in "OUST":
        return ", ".join("missing" if is_gap(one) else str(one) for one in flat)
    if target.kind in (TargetKind.ONE_HOT, TargetKind.MULTI):
        own = [names[at] if at < len(names) else str(at) for at in np.flatnonzero(flat == 1)]
        return ", ".join(own) or "none"
    number = float(flat[0])
    if number.is_integer() and 0 <= number < len(names):
        return names[int(number)]
    return f"{number:g}"
