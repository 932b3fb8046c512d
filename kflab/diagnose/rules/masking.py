"""The rule about padding that a recurrent layer reads as if it were text."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, SetArguments
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.rules.stacking import is_recurrent
from kflab.diagnose.surroundings import by_layer, entry_of, own, way_back
from kflab.graph.nodes import Graph
from kflab.graph.order import consumers

_OFTEN = 0.05
"""From what part of the samples on padding at the end is worth a word."""

_HANDS_ON = frozenset({"regularization", "normalization", "activation"})
"""The groups of layers that hand a mask on and leave the steps as they are."""

_PAD = "pad_sequences"


@rule("KF033", "padding-not-masked", Severity.WARNING)
def padding_not_masked(facts: Facts) -> Iterator[Finding]:
    """Sequences are padded at their ends, and a recurrent layer behind an Embedding reads the padding.

    Without a mask an LSTM goes on over the zeros at the end of a short text and forgets what stood before.

        words: {Embedding: {input_dim: 20000, output_dim: 64}, from: tokens}
        read:  {LSTM: {units: 64}, from: words}

    Let the Embedding mark the id 0 as padding, which recurrent layers then pass over:

        words: {Embedding: {input_dim: 20000, output_dim: 64, mask_zero: true}, from: tokens}

    Padding in front of the text (`pad_sequences: {padding: pre}`) does less harm, as the text comes last.
    """
    graph = facts.experiment.model
    for name in by_layer(graph).get("Embedding", ()):
        if own(graph, name)[1].get("mask_zero"):
            continue
        readers, others = _readers(graph, name)
        padded = _padded(facts, graph, name) if readers else ""
        if padded:
            yield Finding(
                f"{padded}, and {readers[0]!r} behind it reads the padding as if it were text; "
                "mask_zero: true lets it pass over the zeros",
                Severity.WARNING,
                node=name,
                fix=Fix("use mask_zero: true", (SetArguments(name, {"mask_zero": True}),), safe=not others),
            )


def _readers(graph: Graph, name: str) -> tuple[list[str], bool]:
    """The recurrent nodes that a node feeds with nothing but layers between that hand a mask on.

    The second is whether it feeds others, too, which may know no masks.
    """
    fed = consumers(graph)
    readers: list[str] = []
    others = False
    waiting, seen = list(fed[name]), set[str]()
    while waiting:
        reader = waiting.pop(0)
        if reader in seen:
            continue
        seen.add(reader)
        called = own(graph, reader)[0]
        entry = entry_of(called)
        if is_recurrent(called):
            readers.append(reader)
        elif entry is not None and entry.group in _HANDS_ON:
            waiting += fed[reader]
        else:
            others = True
    return readers, others


def _padded(facts: Facts, graph: Graph, name: str) -> str:
    """How it is known that the ids are padded at the end, in words; "" where it is not known."""
    source = next((before for before in way_back(graph, name) if graph.nodes[before].is_input), "")
    array = facts.matching.inputs.get(source) if facts.matching is not None else None
    if array is None:
        return ""
    for step in facts.experiment.data.prepare.get(array.name, ()):
        if step.name == _PAD and step.arguments.get("padding") == "post":
            return f"{array.name!r} is padded with zeros at the end"
    seen = facts.profile.fed.get(array.name) if facts.profile is not None else None
    if seen is None or seen.trailing_zeros < _OFTEN:
        return ""
    return f"{seen.trailing_zeros:.0%} of the samples of {array.name!r} end in zeros"
