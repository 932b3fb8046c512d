"""Splits samples into those for training, validation and test."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from kflab.catalog.splits import TEST_SEED, can_cut
from kflab.data import recipes
from kflab.data.arrays import Array, Raw, Samples
from kflab.errors import KflabError

_MANY = 1_000_000
"""So many rows are split in a way that takes less memory."""


def split(
    raw: Raw,
    *,
    validation: float,
    test: float,
    limit: int | None,
    stratify: Array | None,
    seed: int,
    how: str = "",
    order: Array | None = None,
    shuffle: bool = True,
) -> Raw:
    """Give a dataset the splits that it lacks, by the numbers of its rows: no sample is read.

    The test split is the same for every seed, so that runs can be compared; the validation split follows the
    seed. Classes keep their shares where there are enough samples of each. Samples that follow each other in
    time are split in time: the last ones are the test.

    Args:
        raw: the samples; what splits it brings are kept.
        validation: the fraction of the training samples to validate on.
        test: the fraction to test on, where there is no test split.
        limit: how many training samples to keep, before those for validation are taken.
        stratify: the classes of the training samples, where they have any.
        seed: the training's seed.
        how: `random`, `stratified` or `time`; "" stands for what `Data.split` says of it.
        order: the values that the training samples follow each other by.
        shuffle: whether samples may change places; without, "" stands for `time`.

    Raises:
        KflabError: classes can not keep their shares, though `how` asks for it.
    """
    if how == "time" or (not how and (raw.ordered or order is not None or not shuffle)):
        if order is not None:
            raw = replace(raw, train=raw.train.take(np.argsort(order, kind="stable")))
        return _in_time(raw, validation, test, limit)
    if how == "stratified" and stratify is None:
        raise KflabError(
            "data.split is stratified, but there is no target with one class a sample; use random"
        )
    by = None if how == "random" else stratify
    is_asked = how == "stratified"
    rows = np.arange(len(raw.train))
    tested, validated = raw.test, raw.validation

    def hold_back(rows: Array, held: float, seed: int) -> tuple[Array, Array]:
        if is_asked:
            _expect_shares(rows, held, by)
        kept, back = hold(rows, held, by, seed)
        return (kept, back) if shuffle else (np.sort(kept), np.sort(back))

    if tested is None and test and len(rows) > 1:
        rows, held_back = hold_back(rows, test, TEST_SEED)
        tested = raw.train.take(held_back)
    if limit is not None and limit < len(rows):
        rows = hold_back(rows, len(rows) - limit, seed)[0] if shuffle else rows[:limit]
    if validated is None and validation and len(rows) > 1:
        rows, held_back = hold_back(rows, validation, seed)
        validated = raw.train.take(held_back)
    return replace(raw, train=raw.train.take(rows), validation=validated, test=tested)


def hold(rows: Array, held: float, classes: Array | None, seed: int) -> tuple[Array, Array]:
    """Hold back rows exactly as `recipes.split` does, of many of them in little memory.

    Where classes are to keep their shares, scikit-learn makes a Python number of each row.
    """
    if classes is not None and classes.dtype.kind == "f" and not np.isfinite(classes[rows]).all():
        # A class that is missing is told elsewhere; here it must not keep anybody from looking at the data.
        classes = None
    if classes is None or len(rows) < _MANY:
        return recipes.split(rows, held, classes, seed)
    return _hold_shares(rows, held, classes, seed)


def _hold_shares(rows: Array, held: float, classes: Array, seed: int) -> tuple[Array, Array]:
    # What tells how many of each class go where has no public name.
    from sklearn.utils.extmath import _approximate_mode

    size = held if isinstance(held, int) else math.ceil(held * len(rows))
    size = min(max(size, 1), len(rows) - 1)
    by = classes[rows]
    values, counts = np.unique(by, return_counts=True)
    if counts.min() < 2 or len(counts) > min(size, len(rows) - size):
        return recipes.split(rows, held, None, seed)
    numbers = np.searchsorted(values, by).astype("uint16" if len(values) < 2**16 else "int64")
    places = np.split(np.argsort(numbers, kind="stable"), np.cumsum(counts)[:-1])
    random = np.random.RandomState(seed)
    kept_of = _approximate_mode(counts, len(rows) - size, random)
    back_of = _approximate_mode(counts - kept_of, size, random)
    kept, back = [], []
    for place, keep, hold_back in zip(places, kept_of, back_of, strict=True):
        order = place[random.permutation(len(place))]
        kept.append(order[:keep])
        back.append(order[keep : keep + hold_back])
    chosen = [np.concatenate(kept), np.concatenate(back)]
    for part in chosen:
        random.shuffle(part)
    return rows[chosen[0]], rows[chosen[1]]


def _expect_shares(rows: Array, held: float, classes: Array | None) -> None:
    """Refuse a split in which not every class could be on both sides.

    Raises:
        KflabError: it is one, with the class that has too few samples.
    """
    if classes is None:
        return
    values, counts = np.unique(classes[rows], return_counts=True)
    rarest = int(counts.argmin())
    if counts[rarest] < 2:
        raise KflabError(
            f"data.split is stratified, but class {values[rarest]} has {counts[rarest]} sample; expected 2 "
            "or more of each class: drop it, or set data.split to random"
        )
    size = held if isinstance(held, int) else math.ceil(held * len(rows))
    if len(values) > min(size, len(rows) - size):
        raise KflabError(
            f"data.split is stratified, but {size} samples of {len(rows)} can not hold one of each of the "
            f"{len(values)} classes: hold back more, or set data.split to random"
        )


def _in_time(raw: Raw, validation: float, test: float, limit: int | None) -> Raw:
    train, tested = raw.train, raw.test
    if tested is None:
        train, tested = _cut(train, test, raw.gap)
    if limit is not None:
        train = train.take(slice(limit))
    validated = raw.validation
    if validated is None:
        train, validated = _cut(train, validation, raw.gap)
    return replace(raw, train=train, validation=validated, test=tested)


def _cut(samples: Samples, fraction: float, gap: int) -> tuple[Samples, Samples | None]:
    if not can_cut(len(samples), fraction, gap):
        return samples, None
    (kept,), (held_back,) = recipes.split_in_time((np.arange(len(samples)),), fraction, gap)
    return samples.take(kept), samples.take(held_back)
