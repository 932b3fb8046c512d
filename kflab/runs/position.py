"""How far a training has come, to the step."""

from __future__ import annotations

import msgspec


class Position(msgspec.Struct, frozen=True, order=True):
    """The steps that were made.

    Attributes:
        epoch: the epochs that are done, validation included; so the epoch at work, counted from 0.
        step: the steps that are done of the epoch at work.
    """

    epoch: int = 0
    step: int = 0

    def x(self, steps: int) -> float:
        """Where this is on a curve over epochs, of so many steps each."""
        return self.epoch + (self.step / steps if steps else 0.0)
