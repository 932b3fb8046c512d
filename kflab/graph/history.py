"""Undo and redo as values: what an experiment was, and the name of the edit that changed it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kflab.experiment import Experiment


class Renamed(msgspec.Struct, frozen=True):
    """What an edit gave other names, by the old ones: nodes of one graph, and nested models.

    Attributes:
        graph: the graph that the nodes stand in, by the name that it had before.
        nodes: the new names of the nodes.
        models: the new names of the nested models.
    """

    graph: str = ""
    nodes: Mapping[str, str] = {}
    models: Mapping[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self.nodes or self.models)

    def node(self, graph: str, name: str) -> str:
        """What a node of a graph, by the name that that had before, is called now."""
        return self.nodes.get(name, name) if graph == self.graph else name

    def model(self, name: str) -> str:
        """What a nested model is called now."""
        return self.models.get(name, name)

    def back(self) -> Renamed:
        """The old names, by the new ones."""
        return Renamed(
            self.model(self.graph),
            {new: old for old, new in self.nodes.items()},
            {new: old for old, new in self.models.items()},
        )


SAME_NAMES = Renamed()
"""What most edits leave: every name as it was."""


class Step(msgspec.Struct, frozen=True):
    """An experiment and the edit that led away from it or back to it.

    Attributes:
        experiment: the experiment.
        name: what the edit did: `add Dense`.
        renamed: what the edit gave other names, by those before it, whichever way it led.
    """

    experiment: Experiment
    name: str
    renamed: Renamed = SAME_NAMES


class History(msgspec.Struct, frozen=True):
    """An experiment with all that it was before and all that was undone."""

    now: Experiment
    done: tuple[Step, ...] = ()
    undone: tuple[Step, ...] = ()

    def edit(self, experiment: Experiment, name: str, renamed: Renamed = SAME_NAMES) -> History:
        """The history after an edit called `name`; an edit that changes nothing leaves no step."""
        if experiment == self.now:
            return self
        return History(experiment, (*self.done, Step(self.now, name, renamed)))

    def undo(self) -> History:
        """The history one edit earlier, or itself where there is none."""
        if not self.done:
            return self
        *rest, last = self.done
        return History(last.experiment, tuple(rest), (*self.undone, Step(self.now, last.name, last.renamed)))

    def redo(self) -> History:
        """The history with the last undone edit done again, or itself where there is none."""
        if not self.undone:
            return self
        *rest, last = self.undone
        return History(last.experiment, (*self.done, Step(self.now, last.name, last.renamed)), tuple(rest))
