"""How much the samples of each class count in training, as code."""

from __future__ import annotations

from collections.abc import Mapping

from kflab.catalog.class_weight import weights_by_number, with_classes
from kflab.catalog.dataset_types import TargetInfo, TargetKind
from kflab.code.data import DataCode
from kflab.code.layout import Brackets, Expression, Joined, call, lines, listed, literal
from kflab.experiment import Experiment

_NUMPY = "import numpy as np"


def weights_of_classes(experiment: Experiment, data: DataCode) -> tuple[dict[str, Expression], list[str]]:
    """The argument of `fit` that weighs the samples by their classes, and the statements before it.

    Args:
        experiment: the experiment.
        data: the code that gets the samples; what the statements need is added to it.

    Raises:
        UnusableInputError: no output has classes, or it is not clear which output's class is meant.
    """
    wanted = experiment.training.class_weight
    if not wanted:
        return {}, []
    outputs = experiment.model.output_names()
    classes = with_classes({name: data.held[name] for name in outputs if name in data.held})
    given = {} if isinstance(wanted, str) else weights_by_number(wanted, classes)
    _, y = data.parts["train"]
    alone = classes.get(outputs[0]) if len(outputs) == 1 else None
    if alone is not None and _is_one_a_sample(alone):
        if given:
            return {"class_weight": _numbered(given[outputs[0]])}, []
        data.imports.add(_NUMPY)
        return {"class_weight": "class_weight"}, [
            f"classes, counts = np.unique({_numbers(y, alone)}, return_counts=True)",
            f"class_weight = dict(zip(classes, len({y}) / (len(classes) * counts)))",
        ]
    weights: list[Expression] = []
    for place, name in enumerate(outputs):
        target = y if len(outputs) == 1 else f"{y}[{place}]"
        weights.append(_of_samples(target, name, data, classes, given, balanced=isinstance(wanted, str)))
    made = weights[0] if len(outputs) == 1 else listed(weights)
    return {"sample_weight": "sample_weight"}, lines(made, before="sample_weight = ")


def _of_samples(
    target: str,
    output: str,
    data: DataCode,
    classes: Mapping[str, TargetInfo],
    given: Mapping[str, Mapping[int, float]],
    *,
    balanced: bool,
) -> Expression:
    """How much each sample counts for one output of several."""
    if output not in classes or not (balanced or output in given):
        if output not in data.with_target:
            return "None"
        data.imports.add(_NUMPY)
        return f"np.ones(len({target}))"
    numbers = _numbers(target, classes[output])
    if balanced:
        data.recipes.append("balanced")
        return call("balanced", numbers)
    data.recipes.append("weighted")
    return call("weighted", numbers, _numbered(given[output]))


def _is_one_a_sample(target: TargetInfo) -> bool:
    """Whether each sample has one class, which is what Keras weighs by itself."""
    return not target.shape or (target.kind is TargetKind.ONE_HOT and len(target.shape) == 1)


def _numbers(target: str, info: TargetInfo) -> str:
    """The numbers of the classes, also where they are rows with a single 1."""
    return f"{target}.argmax(axis=-1)" if info.kind is TargetKind.ONE_HOT else target


def _numbered(weights: Mapping[int, float]) -> Expression:
    return Brackets(
        "", "{}", tuple(Joined(f"{number}: ", literal(weight)) for number, weight in weights.items())
    )
