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
    nodes: list[str] = []
    incomplete: list[str] = []
    for segment in segments:
        target = segment.target
        assert target is not None
        if nodes:
            edited = edits.add_after(experiment, graph, nodes[-1], target, segment.name)
        else:
            edited = place(experiment, target, segment.name)
        nodes.append(edited.node)
        if segment.missing:
            incomplete.append(edited.node)
        experiment = edited.experiment
        for source in segment.inputs:
            experiment = edits.connect(experiment, graph, source, nodes[-1]).experiment
    return Added(Edited(experiment, _said(nodes), nodes[-1]), tuple(nodes), tuple(incomplete))


def _said(nodes: Sequence[str]) -> str:
    """What undo calls it: `add conv2d, relu`."""
    rest = len(nodes) - _NAMED
    return f"add {', '.join(nodes[:_NAMED])}{f' and {rest} more' if rest > 0 else ''}"
