"""The datasets that are made from a seed of their own, so that every run trains on the same ones."""

from __future__ import annotations

from sklearn import datasets

from kflab.catalog.bundled import GENERATED_SEED, INNER_CIRCLE
from kflab.catalog.offers import Settings
from kflab.data import recipes
from kflab.data.arrays import Array, Raw, Samples


def _points(points: Array, target: str, classes: Array) -> Raw:
    return Raw(Samples({"point": points}, {target: classes.astype("int32")}))


def spirals(settings: Settings) -> Raw:
    """Points on spiral arms that start in the middle and reach out to radius 1."""
    points, arm = recipes.make_spirals(
        settings.whole("samples"),
        settings.whole("classes"),
        settings.number("noise"),
        settings.number("turns"),
    )
    return _points(points, "arm", arm)


def moons(settings: Settings) -> Raw:
    """Points on two interleaved half circles."""
    points, moon = datasets.make_moons(
        settings.whole("samples"), noise=settings.number("noise"), random_state=GENERATED_SEED
    )
    return _points(points, "moon", moon)


def circles(settings: Settings) -> Raw:
    """Points on a circle of radius 1 and on a smaller one inside it."""
    points, circle = datasets.make_circles(
        settings.whole("samples"),
        noise=settings.number("noise"),
        factor=INNER_CIRCLE,
        random_state=GENERATED_SEED,
    )
    return _points(points, "circle", circle)


def sine(settings: Settings) -> Raw:
    """Windows of a series: two sine waves whose periods do not divide each other, and noise."""
    horizon = settings.whole("horizon")
    window, future = recipes.make_windows(
        settings.whole("samples"), settings.whole("length"), horizon, settings.number("noise")
    )
    samples = Samples({"window": window}, {"future": future.astype("float32")})
    return Raw(samples, ordered=True, gap=horizon - 1)


def tickets(settings: Settings) -> Raw:
    """Support tickets by title, text and tags."""
    made = recipes.make_tickets(settings.whole("samples"), settings.number("noise"))
    title, text_body, tags, priority, department = made
    inputs = {"title": title, "text_body": text_body, "tags": tags}
    return Raw(Samples(inputs, {"priority": priority, "department": department.astype("int32")}))
