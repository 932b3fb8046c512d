"""The rule about the batch axis inside of an Input's shape."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.catalog.matching import Shape, fitted, input_shape
from kflab.catalog.matching import shape_text as written
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, SetArguments
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.surroundings import failures, way_back
from kflab.graph.nodes import Layer
from kflab.graph.order import descendants


@rule("KF005", "batch-axis-in-shape", Severity.ERROR)
def batch_axis_in_shape(facts: Facts) -> Iterator[Finding]:
    """The shape of an Input has the batch size in it.

    An Input says what one sample looks like; Keras puts the batch axis in front by itself, of any size.

        image: {Input: {shape: [32, 28, 28, 1]}}
        training: {batch_size: 32}

    Leave it out:

        image: {Input: {shape: [28, 28, 1]}}

    Where the size of the batch really has to be fixed, that is `batch_size: 32` beside the shape.
    """
    graph = facts.experiment.model
    for name in graph.input_names():
        node = graph.nodes.get(name)
        shape = input_shape(graph, name)
        if node is None or not isinstance(node.target, Layer) or shape is None or len(shape) < 2:
            continue
        if "shape" not in node.target.arguments:
            continue
        sample = _of_data(facts, name, shape) or _of_failure(facts, name, shape)
        if sample is None:
            continue
        batch = facts.experiment.training.batch_size
        is_batch = f", the batch size {batch}," if shape[0] == batch else ""
        yield Finding(
            f"the shape {written(shape)} begins with a batch axis{is_batch} that Keras adds by itself; one "
            f"sample has the shape {written(sample)}",
            node=name,
            fix=Fix(f"use the shape {written(sample)}", (SetArguments(name, {"shape": list(sample)}),)),
            explains=(name, *descendants(graph, name)),
        )


def _of_data(facts: Facts, name: str, shape: Shape) -> Shape | None:
    """The shape of a sample where the data fits the Input without the first axis, and only so."""
    array = facts.matching.inputs.get(name) if facts.matching is not None else None
    if array is None or fitted(array.shape, shape) is not None or fitted(array.shape, shape[1:]) is None:
        return None
    is_batch = shape[0] in {None, facts.experiment.training.batch_size}
    return shape[1:] if is_batch or len(shape) == len(array.shape) + 1 else None


def _of_failure(facts: Facts, name: str, shape: Shape) -> Shape | None:
    """The shape of a sample where a layer is refused for an axis too many that the data can do without."""
    known = facts.matching.inputs.get(name) if facts.matching is not None else None
    if known is not None and fitted(known.shape, shape[1:]) is None:
        return None
    if shape[0] not in {1, None, facts.experiment.training.batch_size}:
        return None
    for failed in failures(facts):
        if failed.graph_name or not failed.shapes or name not in way_back(failed.graph, failed.name):
            continue
        given = failed.shapes[0]
        if given[1:] == shape and failed.axes == len(given) - 1:
            return shape[1:]
    return None
