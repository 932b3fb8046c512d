"""The data pane: figures of the data, its points, its samples, drawn in cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType

from kflab.tui import keys
from kflab.tui.widgets.cells import CellPane


class DataPane(CellPane, can_focus=True):
    """Shows what is in the data; its keys are answered by the lab.

    Args:
        answer: runs an action of the lab.
    """

    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings(keys.Place.DATA))

    def __init__(self, answer: Callable[[str], None], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._answer = answer

    def action_data_next(self) -> None:
        """Leafs on."""
        self._answer("data_next")

    def action_data_previous(self) -> None:
        """Leafs back."""
        self._answer("data_previous")

    def action_data_view(self) -> None:
        """Turns to figures, points or samples."""
        self._answer("data_view")

    def action_data_next_class(self) -> None:
        """Turns to the samples of the next class."""
        self._answer("data_next_class")

    def action_data_previous_class(self) -> None:
        """Turns to the samples of the class before."""
        self._answer("data_previous_class")

    def action_data_augmented(self) -> None:
        """Shows what augmentation makes of samples, or no longer."""
        self._answer("data_augmented")
