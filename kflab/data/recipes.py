"""How samples are made and split: plain functions of arrays, which a script can take over as they stand.

Each function needs only NumPy, scikit-learn's `train_test_split` and the functions that it names, so that the
code that kflab writes for an experiment holds the very lines that kflab itself runs. Their lines are at most
88 columns wide, which is what scripts have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from sklearn.model_selection import train_test_split

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def make_spirals(samples: int, classes: int, noise: float, turns: float) -> tuple[Array, Array]:
    """Points on spiral arms that start in the middle and reach out to radius 1."""
    rng = np.random.default_rng(7)
    arm = np.arange(samples) % classes
    # The square root spreads the points evenly along the arm, which grows longer.
    along = np.sqrt(rng.uniform(0.01, 1, size=samples))
    angle = 2 * np.pi * (along * turns + arm / classes)
    points = along[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points + rng.normal(scale=noise, size=points.shape), arm


def make_windows(samples: int, length: int, horizon: int, noise: float) -> tuple[Array, Array]:
    """Windows of two sine waves whose periods do not divide each other, and noise."""
    rng = np.random.default_rng(7)
    time = np.arange(samples + length + horizon - 1)
    series = np.sin(2 * np.pi * time / 24) + 0.5 * np.sin(2 * np.pi * time / 65)
    series = series + rng.normal(scale=noise, size=series.shape)
    windows = np.lib.stride_tricks.sliding_window_view(series, length + horizon)
    return windows[:, :length, None].copy(), windows[:, length:].copy()


def make_pairs(
    images: Array, digits: Array, count: int, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Pairs of images, every other one of the same digit."""
    rows_of = [np.flatnonzero(digits == digit) for digit in range(10)]
    sizes = np.array([len(rows) for rows in rows_of])
    same = np.arange(count) % 2
    left_digit = rng.integers(10, size=count)
    other = (left_digit + rng.integers(1, 10, size=count)) % 10
    right_digit = np.where(same == 1, left_digit, other)
    table = np.zeros((10, sizes.max()), dtype=int)
    for digit, rows in enumerate(rows_of):
        table[digit, : len(rows)] = rows
    left = rng.integers(sizes[left_digit])
    right = rng.integers(sizes[right_digit])
    # An image beside itself teaches nothing.
    beside = (right + 1) % sizes[right_digit]
    right = np.where((same == 1) & (left == right), beside, right)
    return images[table[left_digit, left]], images[table[right_digit, right]], same


def make_tickets(samples: int, noise: float) -> tuple[Array, Array, Array, Array, Array]:
    """Support tickets: title, text and tags, how urgent they are and for whom.

    About one word in three is of the ticket's department, and urgent tickets use
    words of urgency. The first tags go with the departments.
    """
    rng = np.random.default_rng(11)
    department = rng.integers(4, size=samples)
    # A technical fault is urgent more often than a question about an account.
    urgent = rng.random(samples) < np.array([0.4, 0.5, 0.65, 0.3])[department]
    title = make_text(rng, 12, 5, department, urgent)
    text_body = make_text(rng, 60, 20, department, urgent)
    tags = rng.random((samples, 12)) < 0.15
    rows = np.arange(samples)
    tags[rows, department] |= rng.random(samples) < 0.5
    tags[:, 4] |= urgent & (rng.random(samples) < 0.4)
    wrong = rng.random((2, samples)) < noise
    elsewhere = (department + rng.integers(1, 4, size=samples)) % 4
    priority = (urgent ^ wrong[0]).astype("int32")
    department = np.where(wrong[1], elsewhere, department)
    return title, text_body, tags.astype("float32"), priority, department


def make_text(rng: np.random.Generator, most: int, least: int, department: Array, urgent: Array) -> Array:
    """Word ids: 0 fills up, 1 to 15 are words of urgency, then 25 of each department.

    The rest are everyday words, frequent ones more often, as in real text.
    """
    shape = (len(department), most)
    everyday = 116 + (rng.zipf(1.5, size=shape) - 1) % (10_000 - 116)
    topic = 16 + department[:, None] * 25 + rng.integers(25, size=shape)
    urgency = 1 + rng.integers(15, size=shape)
    draw = rng.random(shape)
    # Whoever is not in a hurry says "urgent" now and then, too.
    threshold = np.where(urgent, 0.2, 0.02)[:, None]
    words = np.where(draw < threshold, urgency, np.where(draw > 0.65, topic, everyday))
    length = rng.integers(least, most + 1, size=len(department))
    return np.where(np.arange(most) < length[:, None], words, 0).astype("int32")


def multi_hot(texts: Array | Sequence[Sequence[int]], num_words: int) -> Array:
    """Rows of zeros and ones: which words a text uses."""
    rows = np.zeros((len(texts), num_words), dtype="uint8")
    for row, words in zip(rows, texts, strict=True):
        row[words] = 1
    return rows


def standardizer(train: Array) -> Callable[[Array], Array]:
    """Bring features to mean 0 and deviation 1, as they are in the training samples.

    The features are along the last axis: columns of a table, channels of an image.
    """
    axes = tuple(range(max(train.ndim - 1, 1)))
    mean = train.mean(axis=axes, dtype="float64")
    deviation = train.std(axis=axes, dtype="float64")
    # A feature that never changes stays at 0 instead of becoming NaN.
    deviation = np.where(deviation > 0, deviation, 1)
    return lambda array: ((array - mean) / deviation).astype("float32")


def split_in_time(arrays: Sequence[Array], fraction: float, gap: int) -> tuple[list[Array], list[Array]]:
    """Hold back the last samples, and leave out those that share values with them."""
    first = len(arrays[0]) - round(len(arrays[0]) * fraction)
    kept = [array[: first - gap] for array in arrays]
    return kept, [array[first:] for array in arrays]


def split(
    rows: Array, held: float, classes: Array | None = None, seed: int | None = None
) -> tuple[Array, Array]:
    """Hold back a fraction or a number of rows, in every class where there are enough.

    At least one row is kept, and one is held back.
    """
    size = held if isinstance(held, int) else math.ceil(held * len(rows))
    size = min(max(size, 1), len(rows) - 1)
    by = None if classes is None else classes[rows]
    if by is not None:
        sizes = np.unique(by, return_counts=True)[1]
        if sizes.min() < 2 or len(sizes) > min(size, len(rows) - size):
            by = None
    kept, back = train_test_split(rows, test_size=size, stratify=by, random_state=seed)
    return kept, back
