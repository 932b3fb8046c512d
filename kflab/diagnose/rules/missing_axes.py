"""The rule about a missing channel or feature axis."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kflab.catalog.matching import fitted, input_shape
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, InsertBefore, SetArguments, Step
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.rules.stacking import cuts_sequence, is_recurrent
from kflab.diagnose.surroundings import Failed, by_layer, failures, shape_of, value_of, way_back
from kflab.diagnose.wording import shape_text
from kflab.engine.protocol import Shape
from kflab.graph.nodes import Call, Layer
from kflab.graph.order import consumers
from kflab.values import Value

_RANKED = re.compile(r"[123]D")
_FIRST = "channels_first"


@rule("KF004", "missing-axis", Severity.ERROR)
def missing_axis(facts: Facts) -> Iterator[Finding]:
    """A layer expects a channel or feature axis, and the data has none.

    Conv2D and the 2-D pooling layers take images of height×width×channels: a grey image has one channel, and
    has to say so. Conv1D and recurrent layers take steps×features: a series of single numbers has one
    feature. Keras says "expected min_ndim=4, found ndim=3", and counts the batch axis.

        image: {Input: {shape: [28, 28]}}
        conv:  {Conv2D: {filters: 16, kernel_size: 3}, from: image}

    Give the Input the axis; the samples are brought to it, as axes of 1 change nothing about them:

        image: {Input: {shape: [28, 28, 1]}}

    Where the axis is lost inside of the model, put it in with `{Reshape: {target_shape: [28, 28, 1]}}`.
    """
    for failed in failures(facts):
        if len(failed.shapes) != 1 or not _takes_features(facts, failed) or cuts_sequence(failed, facts):
            continue
        shape = failed.shapes[0]
        if failed.axes == len(shape) + 1:
            wanted = _with_axis(failed, shape)
            axis = "channel" if len(wanted) > 2 else "feature"
            message = f"{failed.message}: the {axis} axis is missing"
            yield _finding(failed, message, _fix(facts, failed, wanted, axis))
        elif failed.axes == len(shape) + 2 and (fix := _unflattened(facts, failed)) is not None:
            yield _finding(failed, f"{failed.message}: the samples are flat", fix)


def _finding(failed: Failed, message: str, fix: Fix | None) -> Finding:
    return Finding(message, failed.severity, failed.graph_name, failed.name, fix=fix, explains=(failed.name,))


def _takes_features(facts: Facts, failed: Failed) -> bool:
    """Whether the last axis of what a node is given is one of channels or features."""
    if isinstance(failed.node.target, Call):
        model = facts.experiment.models.get(failed.called)
        shape = input_shape(model, model.input_names()[0]) if model and model.input_names() else None
        return shape == (*failed.shapes[0][1:], 1)
    return bool(_RANKED.search(failed.called)) or is_recurrent(failed.called)


def _with_axis(failed: Failed, shape: Shape) -> Shape:
    """A sample's shape with an axis of 1 where the layer looks for the channels."""
    sizes = shape[1:]
    first = value_of(failed.called, failed.arguments, "data_format") == _FIRST
    return (1, *sizes) if first else (*sizes, 1)


def _fix(facts: Facts, failed: Failed, wanted: Shape, axis: str) -> Fix | None:
    step = _of_input(facts, failed, wanted)
    if step is not None:
        return Fix(f"give {step.node} a {axis} axis: {shape_text((None, *wanted))}", (step,))
    target: Step
    if wanted.count(None) > 1:
        place = 1 if wanted[0] == 1 and wanted[-1] != 1 else -1
        target = InsertBefore(failed.name, "ops.expand_dims", {"axis": place}, graph=failed.graph_name)
    else:
        sizes: list[Value] = [-1 if size is None else size for size in wanted]
        target = InsertBefore(failed.name, "Reshape", {"target_shape": sizes}, graph=failed.graph_name)
    return Fix(f"add a {axis} axis before {failed.name}", (target,), safe=_starts_at_input(failed))


def _starts_at_input(failed: Failed) -> bool:
    return any(failed.graph.nodes[name].is_input for name in way_back(failed.graph, failed.name))


def _of_input(facts: Facts, failed: Failed, wanted: Shape) -> SetArguments | None:
    """The step that gives the Input the axis, where all between it and the layer only hands it on.

    An Input of a nested model gets what its callers have, so that it is not changed.
    """
    if failed.graph_name or facts.report is None:
        return None
    fed = consumers(failed.graph)
    bear = {other.name for other in failures(facts) if not other.graph_name and other.axes == failed.axes}
    bear.update(by_layer(failed.graph).get("Flatten", ()))
    bear.update(name for name in failed.graph.nodes if failed.graph.owner(name) in bear)
    for name in way_back(failed.graph, failed.name):
        node = failed.graph.nodes[name]
        if (len(fed[name]) != 1 and not bear.issuperset(fed[name])) or name in failed.graph.outputs:
            return None
        if shape_of(facts.report, "", name) != failed.shapes[0]:
            return None
        if node.is_input:
            assert isinstance(node.target, Layer)
            if "shape" not in node.target.arguments or not _takes(facts, name, wanted):
                return None
            return SetArguments(name, {"shape": list(wanted)})
    return None


def _takes(facts: Facts, name: str, wanted: Shape) -> bool:
    """Whether what feeds an Input can be brought to a shape, as far as that is known."""
    array = facts.matching.inputs.get(name) if facts.matching is not None else None
    return array is None or fitted(array.shape, wanted) is not None


def _unflattened(facts: Facts, failed: Failed) -> Fix | None:
    """What gives an Input the shape that its data has, where it was written as one row of numbers."""
    source = next(way_back(failed.graph, failed.name), "")
    node = failed.graph.nodes.get(source)
    array = facts.matching.inputs.get(source) if facts.matching is not None else None
    if failed.graph_name or node is None or not node.is_input or array is None:
        return None
    channels = len(failed.shapes[0]) - 1 + 2
    shape: Shape = array.shape if len(array.shape) == channels else (*array.shape, 1)
    if len(shape) != channels or len(consumers(failed.graph)[source]) != 1:
        return None
    step = SetArguments(source, {"shape": list(shape)})
    return Fix(f"give {source} the shape of the data: {shape_text((None, *shape))}", (step,))
