"""The rule on inputs that are fed as they are, however large."""

from __future__ import annotations

from collections.abc import Iterator

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.check import named_object
from kflab.catalog.dataset_types import ArrayInfo
from kflab.catalog.profiles import ArrayProfile
from kflab.diagnose.endings import MOVING, MOVING_OPS
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.rules.rule import rule
from kflab.experiment import Experiment
from kflab.graph.nodes import Call, Layer, Op
from kflab.graph.order import consumers

LARGE = 30.0
"""Values beyond this are no longer of the size that layers are made for."""

UNEVEN = 100.0
"""How many times larger one column may vary than another before the smaller one is hardly seen."""

PIXEL = 255.0

CONVOLUTIONS = "convolution"
"""The group of the layers that multiply pixels or steps with weights."""

_TAKES_LARGE = frozenset(
    {"Dense", "EinsumDense", "LSTM", "GRU", "SimpleRNN", "Bidirectional", "TimeDistributed"}
)


@rule("KF016", "inputs-not-scaled", Severity.WARNING)
def scaling(facts: Facts) -> Iterator[Finding]:
    """Inputs are fed with values far from the size that layers are made for.

    Weights begin so that inputs of about -1 to 1 give outputs of the same size. Pixels from 0 to 255, or
    columns of which one is a thousand times larger than another, make the first steps huge and the rest
    slow: the larger column drowns the others.

    Example, where the columns of `wine` reach from 0.1 to 1,680:

        data: {source: wine}

    Use instead:

        data: {source: wine, scale: standard}

    For pixels, `scale: 255`; or begin the model with Rescaling, Normalization or BatchNormalization.
    """
    if facts.matching is None or facts.experiment.training.initial_weights:
        return  # weights that were trained elsewhere expect what they were trained on
    for name, array in facts.matching.inputs.items():
        if array.ids or array.dtype == "string" or not _is_weighed(facts.experiment, "", name):
            continue
        profile = facts.profile.fed.get(array.name) if facts.profile is not None else None
        if problem := _problem(array, profile):
            yield Finding(
                problem, Severity.WARNING, node=name, path="data.scale", fix=_fix(facts, array, profile)
            )


def _problem(array: ArrayInfo, profile: ArrayProfile | None) -> str:
    low = profile.low if profile is not None and profile.low is not None else array.low
    high = profile.high if profile is not None and profile.high is not None else array.high
    if low is None or high is None:
        return ""
    if profile is not None and (uneven := _uneven(profile)):
        return uneven
    typical = (abs(profile.mean or 0) + (profile.deviation or 0)) if profile is not None else None
    if max(abs(low), abs(high)) <= LARGE or (typical is not None and typical < LARGE / 10):
        return ""
    return (
        f"{array.name!r} is fed with values from {low:,.4g} to {high:,.4g}; layers are made for values of "
        "about -1 to 1"
    )


def _uneven(profile: ArrayProfile) -> str:
    """What to say of columns of which one varies far more than another."""
    columns = [column for column in profile.columns if column.deviation]
    if len(columns) < 2:
        return ""
    most = max(columns, key=lambda column: column.deviation or 0)
    least = min(columns, key=lambda column: column.deviation or 0)
    ratio = (most.deviation or 0) / (least.deviation or 1)
    if ratio < UNEVEN or (most.deviation or 0) < 1:
        return ""
    return (
        f"the column {most.name!r} of {profile.name!r} varies {ratio:,.0f} times as much as {least.name!r}, "
        "which will hardly be seen"
    )


def _fix(facts: Facts, array: ArrayInfo, profile: ArrayProfile | None) -> Fix | None:
    high = profile.high if profile is not None and profile.high is not None else array.high
    low = profile.low if profile is not None and profile.low is not None else array.low
    if array.name in facts.experiment.data.prepare:
        return None
    is_pixels = len(array.shape) >= 2 and low is not None and low >= 0 and high is not None
    scale: float | str = 255 if is_pixels and high is not None and high <= PIXEL else "standard"
    return Fix(f"set data.scale to {scale}", (Assign(("data", "scale"), scale),))


def _is_weighed(experiment: Experiment, graph: str, name: str) -> bool:
    """Whether what a node gives is multiplied by weights as it is, and nothing brings it to size before."""
    waiting, seen = [(graph, name)], {(graph, name)}
    while waiting:
        inside, source = waiting.pop()
        value = experiment.graph(inside)
        for other in consumers(value).get(source, ()):
            target = value.own(other).target
            if isinstance(target, Layer) and _weighs(target):
                return True
            further = [place for place in _beyond(experiment, inside, source, other) if place not in seen]
            seen.update(further)
            waiting += further
    return False


def _weighs(layer: Layer) -> bool:
    entry = catalog.load().find(Kind.LAYER, layer.layer)
    inner = named_object(layer.arguments.get("layer"))
    if entry is not None and entry.name == "TimeDistributed" and inner is not None:
        return _weighs(Layer(*inner))
    return entry is not None and (entry.name in _TAKES_LARGE or entry.group == CONVOLUTIONS)


def _beyond(experiment: Experiment, graph: str, source: str, name: str) -> list[tuple[str, str]]:
    """The nodes that give on what node `name` gets from `source`, each with its graph."""
    value = experiment.graph(graph)
    match value.own(name).target:
        case Layer(layer) if _only_moves(layer):
            return [(graph, name)]
        case Op(operation) if operation in MOVING_OPS:
            return [(graph, name)]
        case Call(model) if model in experiment.models:
            given = value.nodes[name].inputs
            inputs = experiment.models[model].input_names()
            return [(model, own) for own, other in zip(inputs, given, strict=False) if other == source]
        case _:
            return []


def _only_moves(layer: str) -> bool:
    return (
        layer in MOVING or layer == "Concatenate" or layer.startswith(("ZeroPadding", "Random", "Resizing"))
    )
