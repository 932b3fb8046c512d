"""The place of curves and console: it has the keys that steer the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Container

from kflab.tui import keys


class TrainingArea(Container):
    """Holds what shows a run; its keys are answered by the lab, and by it alone while there is none.

    Args:
        answer: runs an action of the lab.
        applies: whether a command applies now.
    """

    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings(keys.Place.TRAIN))

    def __init__(
        self,
        answer: Callable[[str], None],
        applies: Callable[[keys.Command], bool],
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._answer, self._applies = answer, applies

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Whether an action applies now; the keys of others mean what they do elsewhere."""
        command = keys.find(action, keys.Place.TRAIN)
        return command is None or self._applies(command)

    def action_pause_run(self) -> None:
        """Pauses the run, or lets it go on."""
        self._answer("pause_run")

    def action_learning_rate(self) -> None:
        """Asks for a learning rate."""
        self._answer("learning_rate")

    def action_more_epochs(self) -> None:
        """Trains for an epoch more."""
        self._answer("more_epochs")

    def action_fewer_epochs(self) -> None:
        """Trains for an epoch fewer."""
        self._answer("fewer_epochs")

    def action_evaluate_run(self) -> None:
        """Evaluates the model as it is."""
        self._answer("evaluate_run")

    def action_stop_after_epoch(self) -> None:
        """Stops the run after the epoch."""
        self._answer("stop_after_epoch")

    def action_snapshot_run(self) -> None:
        """Takes a snapshot."""
        self._answer("snapshot_run")
