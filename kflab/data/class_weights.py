"""How much the samples of each class count in training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kflab.catalog.dataset_types import TargetInfo, TargetKind
from kflab.data.arrays import Array
from kflab.data.rows import Rows, blocks
from kflab.errors import KflabError, UnusableInputError, did_you_mean
from kflab.graph.nodes import Graph

if TYPE_CHECKING:
    from kflab.data.parts import Part
    from kflab.experiment import Training

BALANCED = "balanced"
_PATH = "training.class_weight"


@dataclass(frozen=True)
class Weights:
    """The weight of each class, by the number of the class.

    Attributes:
        by_output: the weights of the classes of each output that has any.
    """

    by_output: Mapping[str, Array]

    def of(self, targets: Mapping[str, Array], graph: Graph) -> list[Array | None]:
        """The weights of samples for each output of the model, in its order; 1 where one has no classes."""
        return [self._of_output(name, targets.get(name)) for name in graph.output_names()]

    def _of_output(self, name: str, target: Array | None) -> Array | None:
        if target is None:
            return None
        weights = self.by_output.get(name)
        return np.ones(len(target), "float32") if weights is None else weights[numbers_of(target)]


def numbers_of(target: Array) -> Array:
    """The number of the class of each sample, whether it is given as such or as a row with a single 1."""
    if target.ndim > 1 and target.dtype.kind == "f":
        return np.asarray(target.argmax(axis=-1))
    return target.astype("int64").reshape(len(target), *[size for size in target.shape[1:] if size != 1])


def weights_of(
    training: Training, part: Part, held: Mapping[str, TargetInfo | object], graph: Graph
) -> Weights | None:
    """The weights of an experiment's classes; None where every sample counts 1.

    Args:
        training: how it is trained.
        part: the training samples.
        held: what each output is held against.
        graph: the model.

    Raises:
        UnusableInputError: no output has classes, a class is not there, or it is not clear which output's
            class is meant.
    """
    wanted = training.class_weight
    if not wanted:
        return None
    classes = {
        name: target
        for name in graph.output_names()
        if isinstance(target := held.get(name), TargetInfo)
        and target.kind in (TargetKind.CLASSES, TargetKind.BINARY, TargetKind.ONE_HOT)
    }
    if not classes:
        raise UnusableInputError("no output has classes that could be weighted; leave it out", path=_PATH)
    counts = {name: _counts(part.targets[name]) for name in classes}
    if wanted == BALANCED:
        return Weights({name: _balanced(count) for name, count in counts.items()})
    assert not isinstance(wanted, str)
    return Weights(_given(wanted, classes, {name: len(count) for name, count in counts.items()}))


def _counts(target: Rows) -> Array:
    """How many samples each class has."""
    counts = np.zeros(1, "int64")
    for block in blocks(target):
        found = np.bincount(numbers_of(block).reshape(-1), minlength=len(counts))
        width = max(len(found), block.shape[-1] if block.ndim > 1 and block.dtype.kind == "f" else 0)
        found = np.pad(found, (0, width - len(found)))
        found[: len(counts)] += counts
        counts = found
    return counts


def _balanced(counts: Array) -> Array:
    """Weights that make all classes count the same, and leave the mean weight of a sample at 1."""
    there = counts > 0
    weights = counts.sum() / (there.sum() * np.maximum(counts, 1))
    return np.asarray(np.where(there, weights, 1), dtype="float32")


def _given(
    wanted: Mapping[str, float], classes: Mapping[str, TargetInfo], found: Mapping[str, int]
) -> dict[str, Array]:
    """The weights that a document gives, for the one output whose classes they name.

    Raises:
        UnusableInputError: they name the classes of none, or of several.
    """
    fits = {
        name: numbers
        for name, target in classes.items()
        if (numbers := _numbers(wanted, target, found[name])) is not None
    }
    if not fits:
        (name, target), *_ = classes.items()
        known = target.labels or tuple(str(number) for number in range(max(target.classes, found[name])))
        unknown = next((key for key in wanted if key not in known), next(iter(wanted)))
        raise UnusableInputError(
            f"{unknown!r} is no class of {name!r}{did_you_mean(unknown, known)}; its classes are "
            f"{', '.join(known[:12])}{'…' if len(known) > 12 else ''}",
            path=_PATH,
        )
    if len(fits) > 1:
        raise UnusableInputError(
            f"the outputs {' and '.join(fits)} all have these classes, and it is not told which of them is "
            "meant: name classes by labels that one of them has, or use balanced",
            path=_PATH,
        )
    made = {}
    for name, numbers in fits.items():
        weights = np.ones(max(classes[name].classes, found[name]), "float32")
        for number, weight in numbers.items():
            if weight < 0:
                raise KflabError(f"{_PATH}: expected weights of 0 or more, got {weight:g}")
            weights[number] = weight
        made[name] = weights
    return made


def _numbers(wanted: Mapping[str, float], target: TargetInfo, found: int) -> dict[int, float] | None:
    """The weights by the numbers of classes, or None where a name is no class of the target."""
    numbers = {}
    for key, weight in wanted.items():
        if key in target.labels:
            numbers[target.labels.index(key)] = weight
        elif key.isascii() and key.isdigit() and int(key) < max(target.classes, found):
            numbers[int(key)] = weight
        else:
            return None
    return numbers
