"""Undo and redo as values: what an experiment was, and the name of the edit that changed it."""

from __future__ import annotations

import msgspec

from kflab.experiment import Experiment


class Step(msgspec.Struct, frozen=True):
    """An experiment and the name of the edit that led away from it or back to it: `add Dense`."""

    experiment: Experiment
    name: str


class History(msgspec.Struct, frozen=True):
    """An experiment with all that it was before and all that was undone."""

    now: Experiment
    done: tuple[Step, ...] = ()
    undone: tuple[Step, ...] = ()

    def edit(self, experiment: Experiment, name: str) -> History:
        """The history after an edit called `name`; an edit that changes nothing leaves no step."""
        if experiment == self.now:
            return self
        return History(experiment, (*self.done, Step(self.now, name)))

    def undo(self) -> History:
        """The history one edit earlier, or itself where there is none."""
        if not self.done:
            return self
        *rest, last = self.done
        return History(last.experiment, tuple(rest), (*self.undone, Step(self.now, last.name)))

    def redo(self) -> History:
        """The history with the last undone edit done again, or itself where there is none."""
        if not self.undone:
            return self
        *rest, last = self.undone
        return History(last.experiment, (*self.done, Step(self.now, last.name)), tuple(rest))
