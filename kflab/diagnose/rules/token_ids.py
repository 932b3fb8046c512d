"""The rule on ids that an Embedding has no row for."""

from __future__ import annotations

from collections.abc import Iterator

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.dataset_types import ArrayInfo
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, SetArguments
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.sources import inputs_behind
from kflab.graph.nodes import Layer

EMBEDDINGS = frozenset({"Embedding", "ReversibleEmbedding"})
"""The layers that look up a row of weights for each id."""


@rule("KF013", "id-beyond-embedding", Severity.ERROR)
def token_ids(facts: Facts) -> Iterator[Finding]:
    """The data holds ids that the Embedding has no row for.

    An Embedding has `input_dim` rows, for the ids 0 to `input_dim` - 1. A larger id ends training with
    "indices[...] is not in [0, ...)" on a CPU; on a GPU it becomes zeros without a word. A vocabulary of
    n words and an id that fills up is n + 1 ids.

    Example, where the ids reach 9,999:

        vectors: {Embedding: {input_dim: 5000, output_dim: 64}, from: words}

    Use instead:

        vectors: {Embedding: {input_dim: 10000, output_dim: 64}, from: words}
    """
    if facts.matching is None or not facts.matching.inputs:
        return
    offers = catalog.load()
    for graph in ("", *facts.experiment.models):
        value = facts.experiment.graph(graph)
        for name, node in value.nodes.items():
            target = value.own(name).target
            if not isinstance(target, Layer):
                continue
            entry = offers.find(Kind.LAYER, target.layer)
            rows = target.arguments.get("input_dim")
            if entry is None or entry.name not in EMBEDDINGS or not isinstance(rows, int) or not node.inputs:
                continue
            for source in sorted(inputs_behind(facts.experiment, graph, node.inputs[0])):
                array = facts.matching.inputs.get(source)
                if array is not None:
                    yield from _beyond(facts, graph, name, rows, array)


def _beyond(facts: Facts, graph: str, node: str, rows: int, array: ArrayInfo) -> Iterator[Finding]:
    said = array.high if array.high is not None else array.ids - 1 if array.ids else None
    found = facts.profile.fed.get(array.name) if facts.profile is not None else None
    high, low = (found.high, found.low) if found is not None else (said, array.low)
    is_whole = found is not None and facts.profile is not None and not facts.profile.is_sampled
    if high is not None and high < rows and not is_whole:
        high = said if said is not None else high  # what was not looked at may hold more
    if high is not None and high >= rows:
        is_seen = found is not None and found.high is not None and found.high >= rows
        most = int(max(high, said or 0)) + 1
        yield Finding(
            f"the ids of {array.name!r} {'reach' if is_seen else 'may reach'} {high:,.0f}, but this "
            f"Embedding has rows for 0 to {rows - 1:,} only; use input_dim {most}",
            # What is only said of the data need not be in it.
            Severity.ERROR if is_seen else Severity.WARNING,
            graph=graph,
            node=node,
            fix=Fix(f"set input_dim to {most}", (SetArguments(node, {"input_dim": most}, graph=graph),)),
        )
    elif low is not None and low < 0:
        yield Finding(
            f"the ids of {array.name!r} begin at {low:g}; expected 0 or more: a negative one is looked up "
            "from the end, or not at all",
            Severity.WARNING,
            graph=graph,
            node=node,
        )
