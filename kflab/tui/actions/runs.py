"""Training: start, stop, follow, look at runs."""

from __future__ import annotations

from textual.widget import Widget
from textual.widgets import Static

from kflab.tui.actions.base import LabBase


class RunActions(LabBase):
    """What the keys do with runs."""

    training_alive = False
    run_followed = False

    def training_pane(self) -> Widget:
        """The pane that shows a run."""
        pane = Static(id="train", markup=False)
        pane.can_focus = True
        return pane
