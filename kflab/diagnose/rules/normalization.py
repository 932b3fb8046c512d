"""The rule about what stands around a BatchNormalization."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, InsertAfter, MoveBehind, Remove, SetArguments, Step
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.surroundings import by_layer, entry_of, own, value_of
from kflab.diagnose.wording import and_text
from kflab.graph.arguments import TRAINABLE
from kflab.graph.memo import Recent
from kflab.graph.nodes import Graph, Layer, Share, source_of
from kflab.graph.order import consumers

_NORM = "BatchNormalization"
_MOST = 3
"""How many nodes with one and the same mistake are told on their own; more are told together."""

_LINEAR = frozenset({None, "linear"})


@rule("KF029", "around-batch-normalization", Severity.WARNING)
def around_batch_normalization(facts: Facts) -> Iterator[Finding]:
    """BatchNormalization stands beside a Dropout, behind a bias that it cancels, or behind an activation.

    Dropout beside BatchNormalization: what Dropout does to the variance in training is not there when the
    model is used, so that the normalization learns numbers that do not hold. Put Dropout behind the
    activation or leave it out: BatchNormalization regularizes by itself.

    A bias before BatchNormalization is taken off again with the mean; `use_bias: false` saves its weights.

    An activation inside of the layer before it is normalized afterwards, so that half of what relu returns is
    negative no more, or again. Put the activation behind it:

        conv: {Conv2D: {filters: 16, kernel_size: 3, activation: relu}, from: image}
        norm: {BatchNormalization: {}, from: conv}

        conv: {Conv2D: {filters: 16, kernel_size: 3, use_bias: false}, from: image}
        norm: {BatchNormalization: {}, from: conv}
        relu: {Activation: {activation: relu}, from: norm}
    """
    for name in ("", *facts.experiment.models):
        graph = facts.experiment.graph(name)
        norms = by_layer(graph).get(_NORM, ())
        if not norms:
            continue
        yield from _dropouts(name, graph)
        yield from _activations(name, graph, norms)
        if not facts.experiment.training.initial_weights:
            yield from _biases(name, graph, norms)


def _dropouts(graph_name: str, graph: Graph) -> Iterator[Finding]:
    fed = consumers(graph)
    for name in by_layer(graph).get("Dropout", ()):
        node = graph.nodes[name]
        source = source_of(node.inputs[0]) if node.inputs else ""
        # With a noise shape it drops whole samples of a residual branch, which is another thing.
        arguments = own(graph, name)[1]
        if arguments.get("noise_shape") is not None or not _drops(arguments.get("rate")):
            continue
        after = fed[name]
        if source in graph.nodes and own(graph, source)[0] == _NORM:
            what = f"stands straight behind {source!r}, a {_NORM}"
        elif len(after) == 1 and own(graph, after[0])[0] == _NORM:
            what = f"stands straight before {after[0]!r}, a {_NORM}"
        else:
            continue
        yield Finding(
            f"it {what}: the mean and variance that are learned with dropout do not hold without it; put it "
            "behind the activation, or leave it out",
            Severity.WARNING,
            graph_name,
            name,
            fix=_moved(graph_name, graph, name, after),
        )


def _drops(rate: object) -> bool:
    return isinstance(rate, int | float) and rate > 0


def _moved(graph_name: str, graph: Graph, name: str, after: tuple[str, ...]) -> Fix:
    """The Dropout behind the activation that follows; out of the model where there is none."""
    is_own = isinstance(graph.nodes[name].target, Layer) and name not in _kept(graph)
    if is_own and len(after) == 1:
        entry = entry_of(own(graph, after[0])[0])
        behind = consumers(graph)[after[0]]
        next_norm = len(behind) == 1 and own(graph, behind[0])[0] == _NORM
        if entry is not None and entry.group == "activation" and not next_norm:
            return Fix(f"put {name} behind {after[0]}", (MoveBehind(name, after[0], graph_name),), safe=False)
    return Fix(f"take {name} out", (Remove(name, graph_name),), safe=False)


def _find_shared(graph: Graph) -> frozenset[str]:
    """The nodes whose layers others share, and those that are outputs: what stands at both is left alone."""
    owners = {node.target.node for node in graph.nodes.values() if isinstance(node.target, Share)}
    return frozenset(owners | {source_of(reference) for reference in graph.outputs})


_kept = Recent(_find_shared)


def _before(graph: Graph, norm: str) -> str:
    """The node with a layer of its own that feeds a BatchNormalization and nothing else, or ""."""
    node = graph.nodes[norm]
    source = source_of(node.inputs[0]) if len(node.inputs) == 1 else ""
    if source not in graph.nodes or len(consumers(graph)[source]) != 1:
        return ""
    is_own = isinstance(graph.nodes[source].target, Layer)
    return source if is_own and source not in _kept(graph) else ""


def _is_linear(graph: Graph, name: str) -> bool | None:
    """Whether a layer with a kernel and a bias has no activation; nothing for other layers."""
    called, arguments = own(graph, name)
    entry = entry_of(called)
    if entry is None or entry.argument("use_bias") is None or entry.argument("activation") is None:
        return None
    if value_of(called, {}, "activation") is not None:
        return None  # a recurrent layer, whose activation is inside of its steps
    activation = arguments.get("activation")
    return isinstance(activation, str | None) and activation in _LINEAR


def _activations(graph_name: str, graph: Graph, norms: Sequence[str]) -> Iterator[Finding]:
    found = [
        (norm, source)
        for norm in norms
        if (source := _before(graph, norm)) and _is_linear(graph, source) is False
    ]
    for group in _grouped(found):
        steps: list[Step] = []
        for norm, source in group:
            activation = own(graph, source)[1]["activation"]
            steps.append(SetArguments(source, reset=("activation",), graph=graph_name))
            steps.append(InsertAfter(norm, "Activation", {"activation": activation}, graph_name))
        sources = [source for _, source in group]
        norm, source = group[0]
        yield Finding(
            f"its activation comes before {norm!r}, which normalizes what it returned{_others(sources)}; put "
            "the activation behind the BatchNormalization",
            Severity.WARNING,
            graph_name,
            source,
            fix=Fix("put the activation behind the BatchNormalization", tuple(steps), safe=False),
        )


def _biases(graph_name: str, graph: Graph, norms: Sequence[str]) -> Iterator[Finding]:
    found = [
        (norm, source)
        for norm in norms
        if (source := _before(graph, norm)) and _has_vain_bias(graph, norm, source)
    ]
    for group in _grouped(found):
        sources = [source for _, source in group]
        yield Finding(
            f"it adds a bias that {group[0][0]!r}, a {_NORM}, takes off again with the mean"
            f"{_others(sources)}; use_bias: false saves its weights",
            Severity.WARNING,
            graph_name,
            sources[0],
            fix=Fix(
                "leave the bias out",
                tuple(SetArguments(source, {"use_bias": False}, graph=graph_name) for source in sources),
            ),
        )


def _has_vain_bias(graph: Graph, norm: str, source: str) -> bool:
    called, arguments = own(graph, source)
    scaling = own(graph, norm)[1]
    if not _is_linear(graph, source) or value_of(called, arguments, "use_bias") is not True:
        return False
    # A frozen layer is as it was trained, and one with settings for its bias has it on purpose.
    kept = TRAINABLE in arguments or TRAINABLE in scaling or any("bias_" in key for key in arguments)
    return not kept and scaling.get("center", True) is True and scaling.get("axis", -1) in {-1, 3}


def _grouped(found: Sequence[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
    """Each on its own, or all together where they are many: then it is how the whole model is made."""
    if len(found) > _MOST:
        yield found
        return
    for one in found:
        yield [one]


def _others(sources: Sequence[str]) -> str:
    if len(sources) < 2:
        return ""
    shown = [repr(source) for source in sources[1:3]]
    left = len(sources) - 3
    return f" (so do {and_text([*shown, *([f'{left} more'] if left > 0 else [])])})"
