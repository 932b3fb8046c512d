"""The datasets that are made from a seed of their own, so that every run trains on the same ones."""

from __future__ import annotations

import numpy as np
from sklearn import datasets

from kflab.catalog.offers import Settings
from kflab.data.arrays import Array, Raw, Samples

_SEED = 7


def _points(points: Array, target: str, classes: Array) -> Raw:
    return Raw(Samples({"point": points.astype("float32")}, {target: classes.astype("int32")}))


def spirals(settings: Settings) -> Raw:
    """Points on spiral arms that start in the middle and reach out to radius 1."""
    random = np.random.default_rng(_SEED)
    samples, classes = settings.whole("samples"), settings.whole("classes")
    arm = np.arange(samples) % classes
    # The square root spreads the points evenly along the arm, which grows longer as it winds.
    along = np.sqrt(random.uniform(0.01, 1, size=samples))
    angle = 2 * np.pi * (along * settings.number("turns") + arm / classes)
    points = along[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points += random.normal(scale=settings.number("noise"), size=points.shape)
    return _points(points, "arm", arm)


def moons(settings: Settings) -> Raw:
    """Points on two interleaved half circles."""
    points, moon = datasets.make_moons(
        settings.whole("samples"), noise=settings.number("noise"), random_state=_SEED
    )
    return _points(points, "moon", moon)


def circles(settings: Settings) -> Raw:
    """Points on a circle of radius 1 and on one of half the radius inside it."""
    points, circle = datasets.make_circles(
        settings.whole("samples"), noise=settings.number("noise"), factor=0.5, random_state=_SEED
    )
    return _points(points, "circle", circle)


def sine(settings: Settings) -> Raw:
    """Windows of a series: two sine waves whose periods do not divide each other, and noise."""
    random = np.random.default_rng(_SEED)
    length, horizon, samples = settings.whole("length"), settings.whole("horizon"), settings.whole("samples")
    time = np.arange(samples + length + horizon - 1)
    series = np.sin(2 * np.pi * time / 24) + 0.5 * np.sin(2 * np.pi * time / 65)
    series = (series + random.normal(scale=settings.number("noise"), size=series.shape)).astype("float32")
    windows = np.lib.stride_tricks.sliding_window_view(series, length + horizon)
    return Raw(
        Samples({"window": windows[:, :length, None].copy()}, {"future": windows[:, length:].copy()}),
        ordered=True,
        gap=horizon - 1,
    )
