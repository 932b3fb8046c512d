"""Splits samples into those for training, validation and test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kflab.catalog.splits import TEST_SEED, can_cut
from kflab.data import recipes
from kflab.data.arrays import Array, Raw, Samples


def split(
    raw: Raw, *, validation: float, test: float, limit: int | None, stratify: Array | None, seed: int
) -> Raw:
    """Give a dataset the splits that it lacks.

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
    """
    if raw.ordered:
        return _in_time(raw, validation, test, limit)
    rows = np.arange(len(raw.train))
    tested, validated = raw.test, raw.validation
    if tested is None and test and len(rows) > 1:
        rows, held_back = recipes.split(rows, test, stratify, TEST_SEED)
        tested = raw.train.take(held_back)
    if limit is not None and limit < len(rows):
        rows, _ = recipes.split(rows, len(rows) - limit, stratify, seed)
    if validated is None and validation and len(rows) > 1:
        rows, held_back = recipes.split(rows, validation, stratify, seed)
        validated = raw.train.take(held_back)
    return Raw(raw.train.take(rows), validated, tested)


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
