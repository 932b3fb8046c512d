"""How much the samples of each class count in training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kflab.catalog.class_weight import weights_by_number, with_classes
from kflab.catalog.dataset_types import ArrayInfo, TargetInfo
from kflab.data.arrays import Array
from kflab.data.rows import Rows, blocks
from kflab.graph.nodes import Graph

if TYPE_CHECKING:
    from kflab.data.parts import Part
    from kflab.experiment import Training


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
    training: Training, part: Part, held: Mapping[str, ArrayInfo | TargetInfo], graph: Graph
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
    classes = with_classes({name: held[name] for name in graph.output_names() if name in held})
    counts = {name: _counts(part.targets[name], target.classes) for name, target in classes.items()}
    if isinstance(wanted, str):
        return Weights({name: _balanced(count) for name, count in counts.items()})
    given = weights_by_number(wanted, classes, {name: len(count) for name, count in counts.items()})
    return Weights({name: _table(numbers, len(counts[name])) for name, numbers in given.items()})


def _table(numbers: Mapping[int, float], count: int) -> Array:
    """The weight of each class; 1 where none is given."""
    weights = np.ones(max(count, *numbers) + 1, "float32")
    for number, weight in numbers.items():
        weights[number] = weight
    return weights


def _counts(target: Rows, classes: int) -> Array:
    """How many samples each class has, of those that there are said to be and those that turn up."""
    counts = np.zeros(max(1, classes), "int64")
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
