"""Asking what a new node shall call, and putting the answer where a key wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from kflab.experiment import Experiment
from kflab.graph.edits import Edited
from kflab.graph.nodes import Target
from kflab.tui.actions.base import LabBase
from kflab.tui.rows.node import target_of, target_options
from kflab.values import Value

Place: TypeAlias = Callable[[Experiment, Target, str], Edited]
"""Puts one node with a target where a key wants it, under a name or, for "", a fresh one."""


class AskingActions(LabBase):
    """Asks for the target of a new node."""

    def ask_target(self, title: str, place: Place, *, source: str = "") -> None:  # noqa: ARG002
        """Asks what to add, puts it in place and asks for the values that it can not do without.

        Args:
            title: where it goes, such as `Add after image`.
            place: puts the first node; what is added behind it in the same line follows it.
            source: the node that feeds the first one, whose shape tells `conv` from Conv1D to Conv3D.
        """
        session = self.session
        options = target_options(self.lab.catalog, session.experiment, session.graph_name)

        def add(value: Value) -> None:
            if self.edit(lambda experiment: place(experiment, target_of(str(value)), "")):
                self.fill_missing()

        self.choose(title, options, add, prompt="layer or operation")
