"""Takes up what an output says, batch by batch, and sums it up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np

from kflab.data.arrays import Array
from kflab.predict.results import ClassScore, Kind, OutputResult, Said, ValueScore

MOST_SHARES = 10
"""Probabilities of one sample that are kept."""

_MOST_CLASSES = 200  # of a confusion matrix; of more, only the accuracy is told
_MOST_POINTS = 2_000
_MOST_VALUES = 16


class Collector(Protocol):
    """Takes up what one output says."""

    def take(self, said: Array, true: Array | None) -> None:
        """Takes up a batch."""
        ...

    def result(self) -> OutputResult:
        """What it comes to."""
        ...

    def said(self, index: int) -> Said:
        """What was said of one sample."""
        ...

    def worst(self) -> Array:
        """How far off each sample is; the greatest comes first where there is no room for all."""
        ...


class Classes:
    """One class a sample.

    Args:
        name: the output.
        labels: the names of its classes.
        shape: the shape of what it says.
    """

    def __init__(self, name: str, labels: Sequence[str], shape: Sequence[int]) -> None:
        self._name, self._labels, self._shape = name, tuple(labels), tuple(shape)
        self._true: list[Array] = []
        self._predicted: list[Array] = []
        self._numbers: list[Array] = []
        self._shares: list[Array] = []

    def take(self, said: Array, true: Array | None) -> None:
        """Takes up probabilities, a row for each sample, and the number of its class."""
        most = min(MOST_SHARES, said.shape[-1])
        numbers = np.argsort(-said, axis=-1, kind="stable")[:, :most]
        self._numbers.append(numbers.astype("int32"))
        self._shares.append(np.take_along_axis(said, numbers, axis=-1).astype("float32"))
        self._predicted.append(numbers[:, 0].astype("int32"))
        if true is not None:
            self._true.append(true.astype("int64").reshape(len(said)))

    @property
    def true(self) -> Array | None:
        """The classes that samples are of."""
        return np.concatenate(self._true) if self._true else None

    @property
    def predicted(self) -> Array:
        """The classes that were predicted."""
        return np.concatenate(self._predicted)

    def result(self) -> OutputResult:
        """The confusion matrix and what follows from it."""
        found = OutputResult(self._name, Kind.CLASSES, self._labels, self._shape)
        return scored(found, self.true, self.predicted)

    def said(self, index: int) -> Said:
        """The probabilities of one sample."""
        true, numbers = self.true, np.concatenate(self._numbers)[index]
        shares = np.concatenate(self._shares)[index]
        return Said(
            true=None if true is None else int(true[index]),
            predicted=int(numbers[0]),
            shares=tuple((int(n), round(float(s), 4)) for n, s in zip(numbers, shares, strict=True)),
        )

    def worst(self) -> Array:
        """How sure it was of a wrong class."""
        true, sure = self.true, np.concatenate(self._shares)[:, 0]
        return np.asarray(1 - sure if true is None else np.where(true != self.predicted, 1 + sure, 1 - sure))


class Tokens:
    """A class at each place of a sample; the matrix counts places."""

    def __init__(self, name: str, labels: Sequence[str], shape: Sequence[int]) -> None:
        self._name, self._labels, self._shape = name, tuple(labels), tuple(shape)
        side = len(labels) if len(labels) <= _MOST_CLASSES else 0
        self._counts = np.zeros((side, side), "int64")
        self._errors: list[Array] = []
        self._samples = 0
        self._is_held = False

    def take(self, said: Array, true: Array | None) -> None:
        """Takes up probabilities and classes at each place."""
        predicted = said.argmax(axis=-1).reshape(len(said), -1)
        self._samples += len(said)
        if true is None:
            self._errors.append(np.full(len(said), np.nan))
            return
        self._is_held = True
        held = true.astype("int64").reshape(len(said), -1)
        self._errors.append((held != predicted).mean(axis=1))
        count = len(self._counts)
        if not count:
            return
        within = (held >= 0) & (held < count)
        pairs = held[within] * count + predicted[within]
        self._counts += np.bincount(pairs, minlength=count * count).reshape(count, count)

    def result(self) -> OutputResult:
        """The confusion matrix over all places."""
        found = OutputResult(self._name, Kind.TOKENS, self._labels, self._shape)
        if not self._is_held:
            return found
        if len(self._counts):
            return _of_matrix(found, self._counts)
        return msgspec.structs.replace(found, accuracy=1 - float(np.concatenate(self._errors).mean()))

    def said(self, index: int) -> Said:
        """The share of places that are wrong."""
        error = float(np.concatenate(self._errors)[index])
        return Said(error=None if np.isnan(error) else round(error, 4))

    def worst(self) -> Array:
        """The share of places that are wrong."""
        return np.asarray(np.nan_to_num(np.concatenate(self._errors)))


class Labels:
    """Any number of labels a sample."""

    def __init__(self, name: str, labels: Sequence[str], shape: Sequence[int]) -> None:
        self._name, self._labels, self._shape = name, tuple(labels), tuple(shape)
        self._shares: list[Array] = []
        self._true: list[Array] = []

    def take(self, said: Array, true: Array | None) -> None:
        """Takes up the probability of each label."""
        self._shares.append(said.reshape(len(said), -1).astype("float32"))
        if true is not None:
            self._true.append(true.reshape(len(said), -1) > 0.5)

    def result(self) -> OutputResult:
        """Each label on its own."""
        found = OutputResult(self._name, Kind.LABELS, self._labels, self._shape)
        if not self._true:
            return found
        true, named = np.concatenate(self._true), np.concatenate(self._shares) > 0.5
        return msgspec.structs.replace(
            found,
            scores=_scores(self._labels, true, named),
            accuracy=float((true == named).mean()),
        )

    def said(self, index: int) -> Said:
        """The most likely labels of one sample, and those that it has."""
        shares = np.concatenate(self._shares)[index]
        order = np.argsort(-shares, kind="stable")[:MOST_SHARES]
        true = np.concatenate(self._true)[index] if self._true else None
        return Said(
            shares=tuple((int(n), round(float(shares[n]), 4)) for n in order),
            true_labels=() if true is None else tuple(int(n) for n in np.flatnonzero(true)),
            error=None if true is None else round(float((true != (shares > 0.5)).mean()), 4),
        )

    def worst(self) -> Array:
        """The share of labels that are wrong."""
        shares = np.concatenate(self._shares)
        if not self._true:
            return np.asarray(np.abs(shares - 0.5).min(axis=1))
        return np.asarray((np.concatenate(self._true) != (shares > 0.5)).mean(axis=1))


class Values:
    """A few numbers a sample."""

    def __init__(self, name: str, shape: Sequence[int]) -> None:
        self._name, self._shape = name, tuple(shape)
        self._said: list[Array] = []
        self._true: list[Array] = []

    def take(self, said: Array, true: Array | None) -> None:
        """Takes up numbers."""
        self._said.append(said.reshape(len(said), -1).astype("float64"))
        if true is not None:
            self._true.append(true.reshape(len(said), -1).astype("float64"))

    def result(self) -> OutputResult:
        """How far they are off."""
        found = OutputResult(self._name, Kind.VALUES, (), self._shape)
        if not self._true:
            return found
        said, true = np.concatenate(self._said), np.concatenate(self._true)
        off = said - true
        spread = float(((true - true.mean(axis=0)) ** 2).sum())
        squared = float((off**2).sum())
        step = max(1, -(-said.size // _MOST_POINTS))
        pairs = zip(true.ravel()[::step], said.ravel()[::step], strict=True)
        return msgspec.structs.replace(
            found,
            values=ValueScore(
                float(np.abs(off).mean()),
                float(np.sqrt((off**2).mean())),
                1 - squared / spread if spread > 0 else None,
            ),
            points=tuple((float(a), float(b)) for a, b in pairs if np.isfinite(a) and np.isfinite(b)),
        )

    def said(self, index: int) -> Said:
        """The numbers of one sample."""
        said = np.concatenate(self._said)[index]
        true = np.concatenate(self._true)[index] if self._true else None
        return Said(
            values=tuple(map(float, said[:_MOST_VALUES])),
            true_values=() if true is None else tuple(map(float, true[:_MOST_VALUES])),
            error=None if true is None else float(((said - true) ** 2).mean()),
        )

    def worst(self) -> Array:
        """How far each sample is off."""
        if not self._true:
            return np.zeros(sum(map(len, self._said)))
        off = np.concatenate(self._said) - np.concatenate(self._true)
        return np.asarray(np.nan_to_num((off**2).mean(axis=1), nan=np.inf))


class Arrays:
    """Many numbers a sample: only how far they are off is kept."""

    def __init__(self, name: str, shape: Sequence[int]) -> None:
        self._name, self._shape = name, tuple(shape)
        self._errors: list[Array] = []

    def take(self, said: Array, true: Array | None) -> None:
        """Takes up arrays."""
        if true is None or said.size != true.size:
            self._errors.append(np.full(len(said), np.nan))
            return
        off = said.reshape(len(said), -1).astype("float64") - true.reshape(len(said), -1)
        self._errors.append((off**2).mean(axis=1))

    def result(self) -> OutputResult:
        """How far they are off on average."""
        errors = np.concatenate(self._errors)
        known = errors[~np.isnan(errors)]
        return OutputResult(
            self._name,
            Kind.ARRAYS,
            (),
            self._shape,
            error=float(known.mean()) if len(known) else None,
        )

    def said(self, index: int) -> Said:
        """How far one sample is off."""
        error = float(np.concatenate(self._errors)[index])
        return Said(error=None if np.isnan(error) else error)

    def worst(self) -> Array:
        """How far each sample is off."""
        return np.asarray(np.nan_to_num(np.concatenate(self._errors), nan=0.0))


def scored(found: OutputResult, true: Array | None, predicted: Array) -> OutputResult:
    """A result with the confusion matrix of classes, and what follows from it."""
    if true is None:
        return found
    if len(found.labels) > _MOST_CLASSES:
        return msgspec.structs.replace(found, accuracy=float((true == predicted).mean()))
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(true, predicted, labels=np.arange(len(found.labels)))
    return _of_matrix(found, counts)


def _of_matrix(found: OutputResult, counts: Array) -> OutputResult:
    total = int(counts.sum())
    right = np.diag(counts)
    named, held = counts.sum(axis=0), counts.sum(axis=1)
    scores = tuple(
        _score(label, int(r), int(n), int(h))
        for label, r, n, h in zip(found.labels, right, named, held, strict=True)
    )
    return msgspec.structs.replace(
        found,
        matrix=tuple(tuple(int(count) for count in row) for row in counts),
        scores=scores,
        accuracy=float(right.sum() / total) if total else None,
    )


def _score(label: str, right: int, named: int, held: int) -> ClassScore:
    precision, recall = right / named if named else 0.0, right / held if held else 0.0
    both = precision + recall
    return ClassScore(
        label,
        round(precision, 4),
        round(recall, 4),
        round(2 * precision * recall / both if both else 0.0, 4),
        held,
    )


def _scores(labels: Sequence[str], true: Array, named: Array) -> tuple[ClassScore, ...]:
    from sklearn.metrics import precision_recall_fscore_support

    table = precision_recall_fscore_support(true, named, average=None, zero_division=0)
    return tuple(
        ClassScore(label, round(float(p), 4), round(float(r), 4), round(float(f), 4), int(s))
        for label, p, r, f, s in zip(labels, *table, strict=True)
    )
