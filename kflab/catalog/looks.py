"""What is asked about data, and what whoever looks at it answers: figures and samples to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from kflab.catalog.profiles import Profile
from kflab.experiment import Experiment
from kflab.values import Value


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question about the data of an experiment.

    Attributes:
        document: the experiment as a document.
        base: the folder that a relative path starts from; "" stands for the current one.
        seed: what splits and samples follow; nothing given: the training's own.
        samples: how many samples to send along.
        skip: how many samples to leaf over first.
        label: only samples of this class, by its name or number; "" stands for all.
        side: the most pixels that a side of an image is sent with.
        profile: whether the figures are wanted; samples alone come faster.
        augmented: whether images come with what augmentation makes of them, too.
    """

    document: Mapping[str, Value]
    base: str = ""
    seed: int | None = None
    samples: int = 0
    skip: int = 0
    label: str = ""
    side: int = 64
    profile: bool = True
    augmented: bool = False


class Picture(msgspec.Struct, frozen=True, tag="picture", tag_field="kind"):
    """An image of 8 bits a channel.

    Attributes:
        width: columns of pixels.
        height: rows of pixels.
        channels: 1 for grey, 3 for red, green and blue.
        pixels: row after row, from the top left.
    """

    width: int
    height: int
    channels: int
    pixels: bytes


class Words(msgspec.Struct, frozen=True, tag="words", tag_field="kind", omit_defaults=True):
    """A text, or the ids of its words.

    Attributes:
        text: the words; "" where only their ids are known.
        ids: the ids, what fills up left out.
        filled: how many ids fill it up.
    """

    text: str = ""
    ids: tuple[int, ...] = ()
    filled: int = 0


class Row(msgspec.Struct, frozen=True, tag="row", tag_field="kind", omit_defaults=True):
    """Numbers or words side by side; missing ones are None.

    Attributes:
        values: what they are.
        names: what each is called, where that is known.
        left_out: how many more there are.
    """

    values: tuple[float | str | None, ...]
    names: tuple[str, ...] = ()
    left_out: int = 0


class Curves(msgspec.Struct, frozen=True, tag="curves", tag_field="kind", omit_defaults=True):
    """Series over the same steps, a missing value None.

    Attributes:
        lines: the values of each series.
        steps: how many values a series has; they may be thinned out.
        left_out: how many more series there are.
    """

    lines: tuple[tuple[float | None, ...], ...]
    steps: int = 0
    left_out: int = 0


Shown: TypeAlias = Picture | Words | Row | Curves
"""What can be drawn of an array's value in one sample."""


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sample.

    Attributes:
        index: which one it is of the source's training samples, counted from 0.
        inputs: what the model would see, by the array's name, as the source has it.
        targets: what it is held against, by the array's name.
        labels: the class, or classes, of each target in words, by the target's name.
        augmented: what augmentation made of inputs.
    """

    index: int
    inputs: Mapping[str, Shown] = {}
    targets: Mapping[str, Shown] = {}
    labels: Mapping[str, str] = {}
    augmented: Mapping[str, Shown] = {}


class Points(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points in the plane and the class of each.

    Attributes:
        xs: where they are from left to right.
        ys: where they are from bottom to top.
        classes: the class of each; 0 for all where there are none.
        labels: the names of the classes.
        names: the names of the two axes.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    classes: tuple[int, ...]
    labels: tuple[str, ...] = ()
    names: tuple[str, str] = ("x", "y")


class Look(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was seen, or why nothing was.

    Attributes:
        profile: the figures, where they were asked for.
        samples: the samples that were asked for.
        of: how many samples there are to leaf through, those of one class where it was asked for.
        points: the points of a dataset whose only input has two numbers.
        error: why nothing was seen, in one line.
        missing: what would have to be downloaded first, in bytes; 0 where nothing would.
        unusable: the data itself is what is wrong, so that no run could use it either.
    """

    profile: Profile | None = None
    samples: tuple[Sample, ...] = ()
    of: int = 0
    points: Points | None = None
    error: str = ""
    missing: int = 0
    unusable: bool = False


def ask(experiment: Experiment, base: str = "", **wanted: object) -> Asked:
    """A question about an experiment's data; `wanted` are the other attributes of `Asked`."""
    from kflab import document

    return msgspec.convert({"document": document.encode(experiment), "base": base, **wanted}, Asked)
