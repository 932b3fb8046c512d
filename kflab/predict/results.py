"""What a model said of samples, as data: small enough to be kept with the run and read by a screen."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from kflab.catalog.looks import Shown

Split: TypeAlias = Literal["test", "validation", "train"]
Which: TypeAlias = Literal["final", "best"]
"""The model at the end of the run, which its test figures are of, or that of its best epoch."""

MOST_SAMPLES = 10_000
"""How many samples are predicted where nobody says otherwise."""

IN_A_CELL = 20
"""How many samples of each cell of a confusion matrix are kept to be looked at."""


class Kind(enum.StrEnum):
    """What an output says."""

    CLASSES = "classes"  # one of several classes, or yes and no
    TOKENS = "tokens"  # one of several classes at each place of a sequence or a picture
    LABELS = "labels"  # any number of labels
    VALUES = "values"  # a few numbers
    ARRAYS = "arrays"  # many numbers, as an autoencoder gives


class ClassScore(msgspec.Struct, frozen=True):
    """How well one class is told: `support` is how many samples are of it."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


class ValueScore(msgspec.Struct, frozen=True):
    """How far values are off: the mean absolute error, the root of the mean squared one, and R².

    `r2` is None where all true values are the same.
    """

    mae: float
    rmse: float
    r2: float | None


class OutputResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one output said of all samples.

    Attributes:
        name: the output.
        kind: what it says.
        labels: the classes by number.
        shape: the shape of what it says of one sample.
        matrix: how many samples of each class (row) were predicted to be of each (column); empty without
            classes, and where nothing is known to be true.
        scores: each class on its own.
        accuracy: the share that is right; None where nothing is known to be true.
        values: how far values are off.
        points: true and predicted values of some samples, one pair for each number.
        error: the mean squared error over all numbers of arrays.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    matrix: tuple[tuple[int, ...], ...] = ()
    scores: tuple[ClassScore, ...] = ()
    accuracy: float | None = None
    values: ValueScore | None = None
    points: tuple[tuple[float, float], ...] = ()
    error: float | None = None


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one output said of one sample.

    Attributes:
        true: the class that it is of; None where that is not known.
        predicted: the class that was predicted.
        shares: the probability of classes or labels, by their number, the most likely first.
        true_labels: the labels that it has.
        true_values: the numbers that are true.
        values: the numbers that were predicted.
        error: how far it is off: the share of wrong places or labels, or the mean squared error.
        shown: what was predicted, where that can be drawn.
    """

    true: int | None = None
    predicted: int | None = None
    shares: tuple[tuple[int, float], ...] = ()
    true_labels: tuple[int, ...] = ()
    true_values: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    error: float | None = None
    shown: Shown | None = None


class SampleResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was said of one sample.

    Attributes:
        index: which one of the split or source it is, counted from 0.
        outputs: what each output said.
        inputs: the sample itself, as the model was fed with it.
        name: what the source calls it, such as the name of a file.
    """

    index: int
    outputs: Mapping[str, Said]
    inputs: Mapping[str, Shown] = {}
    name: str = ""

    def is_wrong(self, output: str) -> bool:
        """Whether an output with classes or labels said anything that is not so."""
        said = self.outputs[output]
        if said.true is not None:
            return said.true != said.predicted
        return bool(said.error)


class Predictions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a model said of samples.

    Attributes:
        run: the run.
        model: which of its models.
        split: the split that the samples are of.
        source: the file or folder that they are of; "" for a split of the run's own data.
        samples: how many were predicted.
        of: how many there are.
        outputs: what each output said of all of them.
        rows: some samples: of each cell of the confusion matrix a few, or those that are off the most.
        stamp: what it was computed from; another one stands for another model or other data.
    """

    run: str
    model: Which
    split: Split
    source: str = ""
    samples: int = 0
    of: int = 0
    outputs: tuple[OutputResult, ...] = ()
    rows: tuple[SampleResult, ...] = ()
    stamp: str = ""

    def output(self, name: str) -> OutputResult | None:
        """What an output said, by its name; the first for ""."""
        return next((output for output in self.outputs if name in ("", output.name)), None)


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the process that predicts answers: predictions, or why there are none."""

    predictions: Predictions | None = None
    error: str = ""
    exit_code: int = 0
