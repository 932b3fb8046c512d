"""The pane of predictions: a confusion matrix with a cursor, and samples with what was said of them."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.geometry import Region, Spacing

from kflab.tui import keys
from kflab.tui.widgets.data import DataPane


class PredictPane(DataPane, inherit_bindings=False):
    """Shows lines of coloured cells as the data pane does, and keeps one line in sight."""

    BINDINGS: ClassVar[list[BindingType]] = list(keys.bindings(keys.Place.PREDICT))

    def keep_in_sight(self, line: int) -> None:
        """Scrolls so that a line is seen, with a little around it."""
        self.call_after_refresh(
            lambda: self.scroll_to_region(
                Region(0, line, 1, 1), spacing=Spacing(top=3, bottom=1), animate=False, x_axis=False
            )
        )

    # Its keys are answered by the lab

    def action_predict_up(self) -> None:
        """Goes up."""
        self._answer("predict_up")

    def action_predict_down(self) -> None:
        """Goes down."""
        self._answer("predict_down")

    def action_predict_left(self) -> None:
        """Goes to the left."""
        self._answer("predict_left")

    def action_predict_right(self) -> None:
        """Goes to the right."""
        self._answer("predict_right")

    def action_predict_open(self) -> None:
        """Shows the samples of the cell."""
        self._answer("predict_open")

    def action_predict_back(self) -> None:
        """Goes back to the matrix, or to the graph."""
        self._answer("predict_back")

    def action_predict_mistakes(self) -> None:
        """Shows all mistakes."""
        self._answer("predict_mistakes")

    def action_predict_source(self) -> None:
        """Asks for a file of one's own."""
        self._answer("predict_source")

    def action_predict_model(self) -> None:
        """Turns to the other model."""
        self._answer("predict_model")

    def action_predict_output(self) -> None:
        """Turns to the next output."""
        self._answer("predict_output")
