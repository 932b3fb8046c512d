"""Splits samples into those for training, validation and test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.model_selection import train_test_split

from kflab.data.arrays import Array, Raw, Samples

_TEST_SEED = 5


def split(
    raw: Raw, *, validation: float, test: float, limit: int | None, stratify: Array | None, seed: int
) -> Raw:
    """Give a dataset the splits that it lacks.

    The test split is the same for every seed, so that runs can be compared; the validation split and the
    order of the training samples follow the seed. Classes keep their shares where there are enough samples
    of each. Samples that follow each other in time are split in time: the last ones are the test.

    Args:
        raw: the samples; what splits it brings are kept.
        validation: the fraction of the training samples to validate on.
        test: the fraction to test on, where there is no test split.
        limit: how many training samples to keep, before those for validation are taken.
        stratify: the classes of the training samples, where they have any.
        seed: the training's seed.
    """
    if raw.ordered:
        return _in_time(raw, validation, test, limit)
    rows = np.arange(len(raw.train))
    tested = raw.test
    if tested is None:
        rows, held_back = _divide(rows, test, stratify, _TEST_SEED)
        tested = raw.train.take(held_back) if len(held_back) else None
    rows = np.random.default_rng(seed).permutation(rows)
    if limit is not None and limit < len(rows):
        rows = _divide(rows, 1 - limit / len(rows), stratify, seed)[0][:limit]
    validated = raw.validation
    if validated is None:
        rows, held_back = _divide(rows, validation, stratify, seed)
        validated = raw.train.take(held_back) if len(held_back) else None
    return Raw(raw.train.take(rows), validated, tested)


def _divide(rows: Array, fraction: float, stratify: Array | None, seed: int) -> tuple[Array, Array]:
    """Rows kept and rows held back, at least one of each unless nothing is to be held back."""
    count = min(max(round(len(rows) * fraction), 1), len(rows) - 1) if fraction > 0 else 0
    if count == 0:
        return rows, rows[:0]
    classes = None if stratify is None else stratify[rows]
    if classes is not None:
        sizes = np.unique(classes, return_counts=True)[1]
        if sizes.min() < 2 or len(sizes) > min(count, len(rows) - count):
            classes = None
    kept, held_back = train_test_split(rows, test_size=count, stratify=classes, random_state=seed % 2**32)
    return kept, held_back


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
    count = round(len(samples) * fraction)
    first = len(samples) - count
    if count == 0 or first - gap < 1:
        return samples, None
    return samples.take(slice(first - gap)), samples.take(slice(first, None))
