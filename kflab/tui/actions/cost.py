"""Asking what training will cost."""

from __future__ import annotations

from kflab.tui.actions.base import LabBase


class CostActions(LabBase):
    """What the key for the cost does."""

    def action_cost(self) -> None:
        """Shows what training will cost."""
        from kflab.tui.screens.cost import CostScreen

        self.app.push_screen(CostScreen())
