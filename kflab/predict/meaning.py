"""What an output of a model says, told from its loss, its shape and what it is held against."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kflab import catalog
from kflab.catalog import Kind as CatalogKind
from kflab.catalog.dataset_types import ArrayInfo, TargetInfo, TargetKind
from kflab.data.arrays import Array
from kflab.experiment import Experiment
from kflab.graph.nodes import Layer, source_of
from kflab.predict.results import Kind

_FEW = 16
_BY_CLASS = frozenset(
    {
        "SparseCategoricalCrossentropy",
        "CategoricalCrossentropy",
        "CategoricalFocalCrossentropy",
        "CategoricalHinge",
        "CategoricalGeneralizedCrossEntropy",
    }
)
_BY_LABEL = frozenset({"BinaryCrossentropy", "BinaryFocalCrossentropy"})
_BY_SIGN = frozenset({"Hinge", "SquaredHinge"})


class Meaning(NamedTuple):
    """What an output says.

    Attributes:
        kind: of what kind it is.
        classes: how many classes or labels it has.
        labels: their names.
        activation: what makes probabilities of it: `softmax`, `sigmoid`, or "" where it gives them already.
        is_single: one number says yes or no.
        is_signed: what is held against it is -1 or 1.
    """

    kind: Kind
    classes: int = 0
    labels: tuple[str, ...] = ()
    activation: str = ""
    is_single: bool = False
    is_signed: bool = False


def meaning_of(
    experiment: Experiment, output: str, shape: Sequence[int | None], held: ArrayInfo | TargetInfo | None
) -> Meaning:
    """What an output says.

    Args:
        experiment: the experiment.
        output: the name of the output.
        shape: the shape of what it says of one sample.
        held: what it is held against, where that is known.
    """
    spec = experiment.training.loss_of(output)
    entry = catalog.load().find(CatalogKind.LOSS, spec.name) if spec else None
    loss = entry.name if entry else ""
    is_logits = bool(spec and spec.arguments.get("from_logits"))
    units = shape[-1] if shape and shape[-1] is not None else 1
    target = held if isinstance(held, TargetInfo) else None
    given = target.labels if target else ()
    by_kind = target.kind if target else None
    by_class = loss in _BY_CLASS or (not loss and _activation(experiment, output) == "softmax")
    if by_class or (
        by_kind is TargetKind.ONE_HOT and len(shape) == 1 and units > 1 and loss not in _BY_LABEL
    ):
        kind = Kind.CLASSES if len(shape) == 1 else Kind.TOKENS
        named = _names(given, units)
        return Meaning(kind, units, named, "softmax" if is_logits or loss == "CategoricalHinge" else "")
    if (loss in _BY_LABEL or loss in _BY_SIGN) and not isinstance(held, ArrayInfo):
        activation = "sigmoid" if is_logits else ""
        is_signed = loss in _BY_SIGN
        if math.prod(axis or 1 for axis in shape) == 1:
            return Meaning(Kind.CLASSES, 2, _names(given, 2), activation, is_single=True, is_signed=is_signed)
        if by_kind is TargetKind.ONE_HOT and len(shape) == 1:
            return Meaning(Kind.CLASSES, units, _names(given, units), activation)
        if len(shape) == 1 and not is_signed:
            return Meaning(Kind.LABELS, units, _names(given, units), activation)
    count = math.prod(axis or _FEW + 1 for axis in shape)
    return Meaning(Kind.VALUES if count <= _FEW else Kind.ARRAYS)


def probabilities(said: Array, meaning: Meaning) -> Array:
    """What was said as probabilities: a row for each sample, a column for each class."""
    said = said.astype("float64")
    if meaning.is_single:
        flat = said.reshape(len(said), 1)
        if meaning.is_signed:
            flat = (flat + 1) / 2
        share = _sigmoid(flat) if meaning.activation == "sigmoid" else np.clip(flat, 0, 1)
        return np.concatenate([1 - share, share], axis=1)
    if meaning.activation == "softmax":
        powers = np.exp(said - said.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
    return _sigmoid(said) if meaning.activation == "sigmoid" else said


def classes_of(true: Array, meaning: Meaning) -> Array:
    """The number of the class of each sample, or of each place, of what it is held against."""
    if meaning.is_single:
        flat = true.reshape(len(true), -1)[:, 0]
        return (flat > (0 if meaning.is_signed else 0.5)).astype("int64")
    is_hot = true.ndim > 1 and true.shape[-1] == meaning.classes > 1
    if is_hot and (meaning.kind is Kind.CLASSES or true.ndim > 2):
        return np.asarray(true.argmax(axis=-1))
    return true.astype("int64")


def _sigmoid(values: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -500, 500))))


def _names(given: Sequence[str], count: int) -> tuple[str, ...]:
    return tuple(given[index] if index < len(given) else str(index) for index in range(count))


def _activation(experiment: Experiment, output: str) -> str:
    graph = experiment.model
    for name, reference in zip(graph.output_names(), graph.outputs, strict=True):
        target = graph.own(source_of(reference)).target
        if name == output and isinstance(target, Layer):
            value = target.arguments.get("activation")
            return "softmax" if target.layer == "Softmax" else value if isinstance(value, str) else ""
    return ""
