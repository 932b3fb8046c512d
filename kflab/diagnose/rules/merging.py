"""The rule about merging tensors whose shapes do not fit."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, InsertBefore, SetArguments, Step
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.structure import MERGING
from kflab.diagnose.surroundings import (
    Failed,
    by_layer,
    entry_of,
    failures,
    own,
    reports,
    shape_of,
    value_of,
)
from kflab.diagnose.wording import and_text, shape_text
from kflab.engine.protocol import Shape
from kflab.graph.nodes import source_of
from kflab.graph.order import consumers, needed
from kflab.values import Arguments, Value

_PROJECTIONS = {4: "Conv2D", 5: "Conv3D"}
"""What brings a tensor of so many axes to another number of channels; for others Dense does."""


@rule("KF008", "merge-does-not-fit", Severity.ERROR)
def merge_does_not_fit(facts: Facts) -> Iterator[Finding]:
    """Tensors are merged whose shapes do not fit.

    Add, Subtract, Multiply and the like take tensors of one shape, where an axis of 1 fits any size.
    Concatenate takes tensors that agree on every axis but the one that they are joined on. Dot takes two
    tensors whose chosen axes have the same size.

        left:  {Conv2D: {filters: 16, kernel_size: 3}, from: image}
        right: {Conv2D: {filters: 32, kernel_size: 3}, from: image}
        sum:   {Add: {}, from: [left, right]}

    Give both the same shape: the same number of filters, the same padding and strides, or a projection on
    the branch that is shorter, as in a residual network:

        wider: {Conv2D: {filters: 32, kernel_size: 1}, from: left}
        sum:   {Add: {}, from: [wider, right]}

    Tensors of different sizes along one axis are joined there: `{Concatenate: {axis: 1}}`.
    """
    for failed in failures(facts):
        if len(failed.shapes) < 2 or not _merges(failed.called):
            continue
        pair = _clash(failed)
        if pair is None:
            continue
        one, other = pair
        yield Finding(
            f"{_expects(failed)}, but {_given(failed, one)} and {_given(failed, other)}"
            f"{_difference(failed, one, other)}",
            failed.severity,
            failed.graph_name,
            failed.name,
            fix=_fix(failed, one, other),
            explains=(failed.name,),
        )
    yield from _unlike_queries(facts)


def _unlike_queries(facts: Facts) -> Iterator[Finding]:
    """Dot products of a query with keys of another size: Keras calls them, and fails in the first step."""
    for name, graph, _ in reports(facts):
        assert facts.report is not None
        for node_name in by_layer(graph).get("Attention", ()):
            inputs = graph.nodes[node_name].inputs
            if len(inputs) < 2 or node_name not in needed(graph):
                continue
            query, key = inputs[0], inputs[2 if len(inputs) > 2 else 1]
            one, other = (shape_of(facts.report, name, reference) for reference in (query, key))
            if not one or not other or None in {one[-1], other[-1]} or one[-1] == other[-1]:
                continue
            yield Finding(
                f"Attention multiplies a query with keys of the same size, but {query} gives "
                f"{shape_text(one)} and {key} gives {shape_text(other)}: they differ in the last axis "
                f"({one[-1]} and {other[-1]})",
                graph=name,
                node=node_name,
                fix=Fix(
                    f"bring {query} to {other[-1]} features with Dense",
                    (InsertBefore(node_name, "Dense", {"units": other[-1]}, graph=name),),
                    safe=False,
                ),
            )


def _merges(called: str) -> bool:
    entry = entry_of(called)
    if entry is None:
        return False
    if called.startswith("ops."):
        names = [tensor.name for tensor in entry.tensors]
        return _joins(called) or (names[:2] == ["x1", "x2"] and not entry.arguments[2:])
    return entry.group == MERGING


def _joins(called: str) -> bool:
    return called in {"Concatenate", "ops.concatenate"}


def _expects(failed: Failed) -> str:
    if _joins(failed.called):
        axis = value_of(failed.called, failed.arguments, "axis")
        return f"{failed.called} joins tensors on axis {axis} that agree on every other one"
    if failed.called == "Dot":
        axes = value_of(failed.called, failed.arguments, "axes")
        return f"Dot expects the same size on its axes ({axes})"
    return f"{failed.called} expects tensors of the same shape"


def _given(failed: Failed, place: int) -> str:
    reference = tuple(failed.node.references())[place]
    called = own(failed.graph, source_of(reference))[0]
    who = f"{reference} ({called})" if called and called != "Input" else reference
    return f"{who} gives {shape_text(failed.shapes[place])}"


def _difference(failed: Failed, one: int, other: int) -> str:
    first, second = failed.shapes[one], failed.shapes[other]
    if len(first) != len(second):
        return f": {len(first) - 1} and {len(second) - 1} axes beside the batch"
    if failed.called == "Dot":
        return ""
    axes = _differing(failed, first, second)
    words = [
        f"{'the last axis' if axis == len(first) - 1 else f'axis {axis}'} ({first[axis]} and {second[axis]})"
        for axis in axes
    ]
    return f": they differ in {and_text(words)}" if words else ""


def _differing(failed: Failed, first: Shape, second: Shape) -> list[int]:
    """The axes on which two shapes of as many axes clash; the batch axis is axis 0."""
    joined = _joined_axis(failed, len(first))
    spread = not _joins(failed.called)
    return [
        axis
        for axis in range(1, len(first))
        if axis != joined
        and None not in {first[axis], second[axis]}
        and first[axis] != second[axis]
        and not (spread and 1 in {first[axis], second[axis]})
    ]


def _joined_axis(failed: Failed, count: int) -> int | None:
    axis = value_of(failed.called, failed.arguments, "axis") if _joins(failed.called) else None
    return axis % count if isinstance(axis, int) and -count <= axis < count else None


def _clash(failed: Failed) -> tuple[int, int] | None:
    """The places of the first two tensors that do not fit each other."""
    count = len(failed.node.inputs) if len(failed.node.inputs) > 1 else len(failed.shapes)
    for other in range(1, count):
        for one in range(other):
            first, second = failed.shapes[one], failed.shapes[other]
            if failed.called == "Dot":
                return one, other
            if len(first) != len(second) or _differing(failed, first, second):
                return one, other
    return None


def _fix(failed: Failed, one: int, other: int) -> Fix | None:
    first, second = failed.shapes[one], failed.shapes[other]
    if failed.called == "Dot":
        return _other_axes(failed, first, second)
    if len(first) != len(second):
        return _flattened(failed) if _joins(failed.called) else None
    if _joins(failed.called) and (fix := _other_axis(failed)) is not None:
        return fix
    return (
        _padded(failed, one, other)
        or _padded(failed, other, one)
        or (None if _joins(failed.called) else _projected(failed, one, other))
    )


def _other_axis(failed: Failed) -> Fix | None:
    """Joined on another axis, where that is the only one on which all the tensors differ."""
    shapes = failed.shapes
    if len({len(shape) for shape in shapes}) != 1:
        return None
    axes = [axis for axis in range(1, len(shapes[0])) if len({shape[axis] for shape in shapes}) > 1]
    if len(axes) != 1:
        return None
    step = SetArguments(failed.name, {"axis": axes[0]}, graph=failed.graph_name)
    return Fix(f"join on axis {axes[0]}", (step,))


def _other_axes(failed: Failed, first: Shape, second: Shape) -> Fix | None:
    """The only two axes of one size, for Dot."""
    pairs: list[list[Value]] = [
        [one, other]
        for one in range(1, len(first))
        for other in range(1, len(second))
        if first[one] is not None and first[one] == second[other]
    ]
    if len(pairs) != 1:
        return None
    step = SetArguments(failed.name, {"axes": pairs[0]}, graph=failed.graph_name)
    return Fix(f"use the axes {pairs[0][0]} and {pairs[0][1]}", (step,), safe=False)


def _flattened(failed: Failed) -> Fix | None:
    """Each tensor as one row, where one of them is."""
    if min(len(shape) for shape in failed.shapes) != 2 or failed.node.named:
        return None
    places = [place for place, shape in enumerate(failed.shapes) if len(shape) > 2]
    if any(None in failed.shapes[place][1:] for place in places):
        return None
    steps: tuple[Step, ...] = tuple(
        InsertBefore(failed.name, "Flatten", position=place, graph=failed.graph_name) for place in places
    )
    return Fix(f"flatten what {failed.name} is given", steps, safe=False)


def _padded(failed: Failed, small: int, large: int) -> Fix | None:
    """Padding for the layer whose map became smaller than the other, where it would be as large with it."""
    before, after = failed.shapes[small], failed.shapes[large]
    source = source_of(tuple(failed.node.references())[small])
    called, arguments = own(failed.graph, source)
    if value_of(called, arguments, "padding") != "valid" or not _goes_by_one(called, arguments):
        return None
    kernel = value_of(called, arguments, "kernel_size")
    if not isinstance(kernel, int) or value_of(called, arguments, "data_format") == "channels_first":
        return None
    dilation = value_of(called, arguments, "dilation_rate")
    rate = dilation if isinstance(dilation, int) else 1
    channels = len(before) - 1
    grown = [size and size + (kernel - 1) * rate for size in before[1:channels]]
    if grown != list(after[1:channels]):
        return None
    if not _joins(failed.called) and before[channels] != after[channels]:
        return None
    return Fix(
        f"use padding: same in {source}",
        (SetArguments(source, {"padding": "same"}, graph=failed.graph_name),),
        safe=len(consumers(failed.graph)[source]) == 1,
    )


def _goes_by_one(called: str, arguments: Arguments) -> bool:
    """Whether the window of a layer goes on by one place at a time."""
    strides = value_of(called, arguments, "strides")
    return strides in (1, None) or (isinstance(strides, list) and set(strides) == {1})


def _projected(failed: Failed, one: int, other: int) -> Fix | None:
    """A layer that gives one tensor the shape of the other: as many channels, strides where needed."""
    first, second = failed.shapes[one], failed.shapes[other]
    if failed.node.named or None in first[1:] or None in second[1:]:
        return None
    strides = {_ratio(a, b) for a, b in zip(first[1:-1], second[1:-1], strict=True)}
    backwards = {_ratio(b, a) for a, b in zip(first[1:-1], second[1:-1], strict=True)}
    if len(strides) > 1 or (strides == {0} and backwards == {0}):
        return None
    if strides == {1} or not strides:
        place = one if (first[-1] or 0) < (second[-1] or 0) else other
        stride = 1
    else:
        place = one if strides != {0} else other
        stride = next(iter(strides if strides != {0} else backwards))
    wanted = failed.shapes[other if place == one else one]
    layer = _PROJECTIONS.get(len(first), "Dense")
    if layer == "Dense" and stride != 1:
        layer = "Conv1D"
    arguments: dict[str, Value] = {"units": wanted[-1]}
    if layer != "Dense":
        arguments = {"filters": wanted[-1], "kernel_size": 1}
        if stride != 1:
            arguments["strides"] = stride
    reference = failed.node.inputs[place]
    step = InsertBefore(failed.name, layer, arguments, position=place, graph=failed.graph_name)
    return Fix(f"bring {reference} to {shape_text(wanted)} with {layer}", (step,), safe=False)


def _ratio(large: int | None, small: int | None) -> int:
    """How many times one size is in another as strides make it: 2 of 28 and 14; 0 where it is not."""
    if not large or not small:
        return 0
    times = -(-large // small)
    return times if large >= small and -(-large // times) == small else 0
