"""The nodes of a line added to a graph, one behind the other, as one edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from kflab.experiment import Experiment
from kflab.graph import edits
from kflab.graph.edits import Edited
from kflab.graph.nodes import Target
from kflab.quick_add.understood import Segment

Place: TypeAlias = Callable[[Experiment, Target, str], Edited]
"""Puts one node with a target where it is wanted, under a name or, for "", a fresh one."""

_NAMED = 3


class Added(msgspec.Struct, frozen=True):
    """What adding a line made of an experiment.

    Attributes:
        edited: the edit, one step for undo; the last node is selected.
        nodes: the new nodes in order.
        incomplete: those of them that lack arguments that they can not do without.
    """

    edited: Edited
    nodes: tuple[str, ...]
    incomplete: tuple[str, ...] = ()


def changed_to(graph: str, changed: str) -> Place:
    """The place of a node that is there already: it comes to call the target, arguments that fit stay."""

    def place(experiment: Experiment, target: Target, name: str) -> Edited:
        edited = edits.set_target(experiment, graph, changed, target)
        if not name:
            return edited
        renamed = edits.rename(edited.experiment, graph, changed, name)
        return Edited(renamed.experiment, edited.name, name, renamed=renamed.renamed)

    return place


def add_chain(experiment: Experiment, graph: str, segments: Sequence[Segment], place: Place) -> Added:
    """Adds the nodes of a line.

    Args:
        experiment: what they are added to.
        graph: the graph they are added to, "" for the main one.
        segments: the nodes; each needs a target.
        place: puts the first one in its place; each further one comes after the one before it.

    Raises:
        EditRefusedError: a name is taken, or it would run in a circle.
    """
    first, *further = segments
    assert first.target is not None
    edited = _called(place(experiment, first.target, first.name), graph, first)
    nodes = [edited.node]
    for segment in further:
        assert segment.target is not None
        added = edits.add_after(edited.experiment, graph, nodes[-1], segment.target, segment.name)
        added = _called(added, graph, segment)
        nodes.append(added.node)
        edited = msgspec.structs.replace(
            edited, experiment=added.experiment, name=_said(edited.name, nodes), node=added.node
        )
    incomplete = [node for node, segment in zip(nodes, segments, strict=True) if segment.missing]
    return Added(edited, tuple(nodes), tuple(incomplete))


def _called(edited: Edited, graph: str, segment: Segment) -> Edited:
    """The edit with the further inputs of the node that it added, and the arguments of its call."""
    experiment, node = edited.experiment, edited.node
    for source in segment.inputs:
        experiment = edits.connect(experiment, graph, source, node).experiment
    for argument, source in segment.tensors:
        experiment = edits.connect(experiment, graph, source, node, argument).experiment
    for argument, value in segment.call.items():
        experiment = edits.set_call_argument(experiment, graph, node, argument, value).experiment
    return msgspec.structs.replace(edited, experiment=experiment)


def _said(done: str, nodes: Sequence[str]) -> str:
    """What undo calls it, given what it called the first node: `add conv2d, relu and 2 more`."""
    if len(nodes) <= _NAMED:
        return f"{done}, {nodes[-1]}"
    return f"{done.rpartition(' and ')[0] or done} and {len(nodes) - _NAMED} more"
