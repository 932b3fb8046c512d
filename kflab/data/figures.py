"""The figures of one array: range, mean, what is missing, how often each class occurs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from kflab.catalog.dataset_types import TargetInfo, TargetKind
from kflab.catalog.profiles import ArrayProfile, Bin, ClassCount
from kflab.data.arrays import Array
from kflab.data.histograms import Counter

MOST_DISTINCT = 1_000
"""How many different values are counted; where there are more, it is not told how many."""

MOST_COLUMNS = 200
"""How many columns of a table get figures of their own."""

_BLOCK = 1 << 20
_LAST_EXACT = 2**53  # beyond it, two whole numbers may be one and the same float
_TEXT_KINDS = "OUST"


def figures(name: str, array: Array, *, columns: Sequence[str] = (), is_table: bool = False) -> ArrayProfile:
    """The figures of an array, worked out in blocks: no copy of it is made.

    Args:
        name: what the dataset calls it.
        array: the samples.
        columns: the names of its columns, where it is a table.
        is_table: each column gets figures of its own, by number where it has no name.
    """
    if holds_sequences(array):
        return _of_sequences(name, array)
    found = _of_texts(name, array) if array.dtype.kind in _TEXT_KINDS else _of_numbers(name, array)
    if is_table and array.ndim == 2 and 0 < array.shape[1] <= MOST_COLUMNS:
        names = columns if len(columns) == array.shape[1] else [str(at) for at in range(array.shape[1])]
        own = tuple(figures(column, array[:, at]) for at, column in enumerate(names))
        found = msgspec.structs.replace(found, columns=own)
    return found


def class_counts(array: Array, target: TargetInfo) -> tuple[ClassCount, ...]:
    """How many samples each class has, in the order of the classes; nothing for values.

    Labels of a map, one for each of its places, are counted by places; of several labels that a sample may
    have at a time, each is counted.
    """
    if target.kind is TargetKind.VALUES:
        return ()
    if array.dtype.kind in _TEXT_KINDS:
        return _text_counts(array, target.labels)
    if target.kind in (TargetKind.ONE_HOT, TargetKind.MULTI):
        counts = np.nansum(array.reshape(-1, array.shape[-1]), axis=0, dtype="float64")
    else:
        flat = array.reshape(-1)
        flat = flat[np.isfinite(flat)] if flat.dtype.kind == "f" else flat
        flat = flat[(flat >= 0) & (flat < max(target.classes, MOST_DISTINCT))].astype("int64")
        counts = np.bincount(flat, minlength=target.classes)
    labels = target.labels if len(target.labels) == len(counts) else ()
    return tuple(
        ClassCount(labels[index] if labels else str(index), int(count)) for index, count in enumerate(counts)
    )


def _text_counts(array: Array, labels: Sequence[str]) -> tuple[ClassCount, ...]:
    values, counts = np.unique(_as_texts(array), return_counts=True)
    found = {str(value): int(count) for value, count in zip(values, counts, strict=True)}
    order = [*labels, *(value for value in found if value not in labels)]
    return tuple(ClassCount(label, found.get(label, 0)) for label in order[:MOST_DISTINCT])


def _as_texts(array: Array) -> Array:
    return np.array(["" if is_gap(value) else str(value) for value in array.reshape(-1)])


def word_counts(array: Array) -> Array:
    """How many words each sample has: of a text those between spaces, of ids those that are not 0."""
    if holds_sequences(array):
        return np.array([len(sequence) for sequence in array], int)
    if array.dtype.kind in _TEXT_KINDS:
        return np.array([0 if is_gap(text) else len(str(text).split()) for text in array.reshape(-1)], int)
    counts: Array = np.count_nonzero(array.reshape(len(array), -1), axis=1)
    return counts


def lengths(array: Array) -> tuple[Bin, ...]:
    """How many words the samples of an array of texts or ids have."""
    if not len(array):
        return ()
    counts = word_counts(array)
    counter = Counter(float(counts.min()), float(counts.max()), whole=True)
    counter.add(counts)
    return counter.bins()


def is_gap(value: object) -> bool:
    """Whether a value of a table is missing."""
    if isinstance(value, str):
        return not value
    return value is None or (isinstance(value, float) and math.isnan(value))


def holds_sequences(array: Array) -> bool:
    """Whether the samples are lists of different length, each an array of its own."""
    return array.dtype.kind == "O" and array.ndim == 1 and len(array) > 0 and isinstance(array[0], np.ndarray)


def _of_sequences(name: str, array: Array) -> ArrayProfile:
    together = np.concatenate([np.asarray(sequence, "float64").reshape(-1) for sequence in array])
    gaps = np.array([not np.isfinite(np.asarray(sequence, "float64")).all() for sequence in array])
    found = _of_numbers(name, together)
    return msgspec.structs.replace(
        found,
        dtype=array[0].dtype.name,
        shape=(None, *array[0].shape[1:]),
        samples=len(array),
        missing=int(gaps.sum()),
        infinite=0,
        first_unusable=int(gaps.argmax()) if gaps.any() else None,
        trailing_zeros=0.0,
    )


def _of_texts(name: str, array: Array) -> ArrayProfile:
    rows = array.reshape(len(array), -1) if len(array) else array.reshape(0, 1)
    gaps = np.array([any(is_gap(value) for value in row) for row in rows], dtype=bool)
    distinct: set[object] = set()
    for row in rows:
        distinct.update(row.tolist())
        if len(distinct) > MOST_DISTINCT:
            break
    return ArrayProfile(
        name=name,
        dtype="string",
        shape=array.shape[1:],
        samples=len(array),
        missing=int(gaps.sum()),
        first_unusable=int(gaps.argmax()) if gaps.any() else None,
        distinct=len(distinct) if len(distinct) <= MOST_DISTINCT else None,
    )


def _of_numbers(name: str, array: Array) -> ArrayProfile:
    gathered = _Gathered()
    for start, block in _blocks(array):
        gathered.add(start, block)
    found = ArrayProfile(
        name=name,
        dtype=array.dtype.name,
        shape=array.shape[1:],
        samples=len(array),
        missing=gathered.missing,
        infinite=gathered.infinite,
        first_unusable=gathered.first_unusable,
        trailing_zeros=_trailing_zeros(array),
    )
    if not gathered.count:
        return found
    low, high = gathered.low, gathered.high
    counter = Counter(low, high, whole=gathered.is_whole)
    for _, block in _blocks(array):
        counter.add(_finite(block))
    return msgspec.structs.replace(
        found,
        low=low,
        high=high,
        mean=gathered.mean,
        deviation=math.sqrt(max(gathered.squares / gathered.count, 0.0)),
        zeros=gathered.zeros / gathered.count,
        distinct=_distinct(array, low, high),
        histogram=counter.bins(),
    )


class _Gathered:
    """What is gathered over the blocks of an array; mean and squares are merged as Chan et al. do."""

    def __init__(self) -> None:
        self.count = self.zeros = self.missing = self.infinite = 0
        self.mean = self.squares = 0.0
        self.low, self.high = math.inf, -math.inf
        self.first_unusable: int | None = None
        self.is_whole = True

    def add(self, start: int, block: Array) -> None:
        """Take up the samples from `start` on."""
        if block.dtype.kind == "f":
            self._note_unusable(start, block)
        values = _finite(block)
        if not values.size:
            return
        if self.is_whole and block.dtype.kind == "f":
            self.is_whole = bool((np.floor(values) == values).all())
        count = values.size
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))
        self.zeros += count - int(np.count_nonzero(values))
        # Numbers near the end of float64 overflow in a square: they are told as infinite spread.
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(values.mean(dtype="float64"))
            squares = float(values.var(dtype="float64")) * count
            total = self.count + count
            shift = mean - self.mean
            self.squares += squares + shift * shift * self.count * count / total
            self.mean += shift * count / total
        self.count = total

    def _note_unusable(self, start: int, block: Array) -> None:
        if np.isfinite(block).all():
            return
        flat = block.reshape(len(block), -1)
        missing, infinite = np.isnan(flat).any(axis=1), np.isinf(flat).any(axis=1)
        self.missing += int(missing.sum())
        self.infinite += int(infinite.sum())
        if self.first_unusable is None:
            self.first_unusable = start + int((missing | infinite).argmax())


def _blocks(array: Array) -> Iterator[tuple[int, Array]]:
    rows = max(1, _BLOCK // max(1, math.prod(array.shape[1:])))
    for start in range(0, len(array), rows):
        yield start, array[start : start + rows]


def _finite(block: Array) -> Array:
    if block.dtype.kind != "f":
        return block
    # Half precision would overflow in sums, and 16-bit brain floats know no comparison with an edge.
    wide = block if block.dtype.itemsize >= 4 else block.astype("float32")
    good = np.isfinite(wide)
    return wide if good.all() else wide[good]


def _trailing_zeros(array: Array) -> float:
    if array.dtype.kind not in "iu" or array.ndim != 2 or not array.size:
        return 0.0
    return float((array[:, -1] == 0).mean())


def _distinct(array: Array, low: float, high: float) -> int | None:
    """How many different finite values there are, where they are few."""
    is_exact = max(abs(low), abs(high)) <= _LAST_EXACT
    if array.dtype.kind in "biu" and high - low <= _BLOCK and is_exact:
        seen = np.zeros(int(high - low) + 1, dtype=bool)
        for _, block in _blocks(array):
            seen[block.astype("int64").reshape(-1) - int(low)] = True
        count = int(seen.sum())
        return count if count <= MOST_DISTINCT else None
    known = np.empty(0, dtype=array.dtype)
    for _, block in _blocks(array):
        known = np.unique(np.concatenate([known, np.unique(_finite(block))]))
        if len(known) > MOST_DISTINCT:
            return None
    return len(known)
