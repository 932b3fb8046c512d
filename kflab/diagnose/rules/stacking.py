"""The rule about recurrent layers that are stacked."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, SetArguments
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.surroundings import (
    WRAPPED,
    Failed,
    by_layer,
    entry_of,
    failures,
    own,
    reports,
    shape_of,
    way_back,
    wrapped,
)
from kflab.diagnose.wording import shape_text
from kflab.graph.nodes import Share
from kflab.graph.order import consumers
from kflab.values import Arguments, Value

SEQUENCES = "return_sequences"
"""The argument that makes a recurrent layer return every step."""

_OVER_TIME = "TimeDistributed"
_ATTENTION = ("MultiHeadAttention", "GroupQueryAttention")


@rule("KF006", "stacked-without-sequences", Severity.ERROR)
def stacked_without_sequences(facts: Facts) -> Iterator[Finding]:
    """A recurrent layer returns its last step only, and the layer behind it expects a sequence.

    LSTM, GRU and the like return one row for the whole sequence unless they are told to return a row for
    each step. The next recurrent layer, Conv1D or TimeDistributed needs all of them.

        first:  {LSTM: {units: 64}, from: words}
        second: {LSTM: {units: 32}, from: first}

    Every recurrent layer but the last returns sequences:

        first:  {LSTM: {units: 64, return_sequences: true}, from: words}

    Inside of Bidirectional it is the inner layer that is told so. To decode a sequence out of the last step
    instead, as an autoencoder does, repeat it: `{RepeatVector: {n: 20}}`.
    """
    told = set()
    for failed in (*failures(facts), *_attending(facts)):
        cause = cuts_sequence(failed, facts)
        if not cause or (failed.graph_name, cause) in told:
            continue
        told.add((failed.graph_name, cause))
        called, arguments = own(failed.graph, cause)
        yield Finding(
            f"{called} returns its last step only ({shape_text(failed.shapes[0])}), but {failed.called} "
            f"{failed.name!r} behind it expects a sequence; return_sequences: true returns every step",
            failed.severity,
            failed.graph_name,
            cause,
            fix=Fix(
                f"let {cause} return sequences",
                (SetArguments(cause, with_sequences(called, arguments), graph=failed.graph_name),),
                safe=_feeds_only(failed, cause),
            ),
            explains=(failed.name,),
        )


def _attending(facts: Facts) -> Iterator[Failed]:
    """The calls of attention to a single step, which Keras refuses only when it is trained."""
    for graph_name, graph, _ in reports(facts):
        for called in _ATTENTION:
            for name in by_layer(graph).get(called, ()):
                node, arguments = graph.nodes[name], own(graph, name)[1]
                query = next(node.references(), "")
                shape = shape_of(facts.report, graph_name, query) if facts.report is not None else None
                if shape is not None and len(shape) == 2:
                    error = Severity.ERROR
                    yield Failed(graph_name, graph, name, node, called, arguments, (shape,), 3, "", error)


def cuts_sequence(failed: Failed, facts: Facts) -> str:
    """The recurrent node that left a refused call without the axis of the steps; "" where that is not why."""
    if facts.report is None or not failed.shapes or not _lacks_steps(failed):
        return ""
    rank = len(failed.shapes[0])
    for name in way_back(failed.graph, failed.name):
        shape = shape_of(facts.report, failed.graph_name, name)
        if shape is None or len(shape) != rank:
            return ""
        called, arguments = own(failed.graph, name)
        if is_recurrent(called):
            return "" if returns_sequences(called, arguments) else name
    return ""


def _lacks_steps(failed: Failed) -> bool:
    if failed.called == _OVER_TIME:
        return len(failed.shapes[0]) == 2
    return failed.axes == len(failed.shapes[0]) + 1 or (
        is_recurrent(failed.called) and len(failed.shapes[0]) == 2
    )


def is_recurrent(called: str) -> bool:
    """Whether a layer goes through a sequence step by step."""
    entry = entry_of(called)
    return entry is not None and (entry.argument(SEQUENCES) is not None or entry.name == "Bidirectional")


def returns_sequences(called: str, arguments: Arguments) -> bool:
    """Whether a recurrent layer returns every step, not the last one only."""
    inner = wrapped(arguments)
    if inner is not None and not _is_direct(called):
        arguments = inner[1]
    return bool(arguments.get(SEQUENCES, False))


def _is_direct(called: str) -> bool:
    """Whether the layer itself is told to return sequences, and not one inside of it."""
    entry = entry_of(called)
    return entry is not None and entry.argument(SEQUENCES) is not None


def with_sequences(called: str, arguments: Arguments, *, returned: bool = True) -> Arguments:
    """The arguments that let a layer return sequences or not, or those that it wraps."""
    if _is_direct(called):
        return {SEQUENCES: returned}
    changed: dict[str, Value] = {}
    for argument in (WRAPPED, "backward_layer"):
        inner = wrapped({WRAPPED: arguments.get(argument)})
        if inner is not None:
            changed[argument] = {inner[0]: {**inner[1], SEQUENCES: returned}}
    return changed


def _feeds_only(failed: Failed, cause: str) -> bool:
    """Whether nothing but the refused call depends on the layer that would return more than before."""
    fed = consumers(failed.graph)
    way = [failed.name, *way_back(failed.graph, failed.name)]
    between = way[1 : way.index(cause) + 1]
    shared = any(node.target == Share(cause) for node in failed.graph.nodes.values())
    return not shared and all(len(fed[name]) == 1 and name not in failed.graph.outputs for name in between)
