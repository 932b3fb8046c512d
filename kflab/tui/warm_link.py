"""The lab's trainer that waits for the next run, where the settings want one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kflab.errors import UnusableInputError
from kflab.runs.warm_keeping import WarmKeeper
from kflab.settings import read_settings

if TYPE_CHECKING:
    from kflab.tui.app import Lab


class WarmLink:
    """Keeps a trainer at hand while the lab is open, and tells the lab whether it is ready.

    Args:
        lab: the lab.
        backend: the Keras backend that the lab's runs have.
    """

    def __init__(self, lab: Lab, backend: str) -> None:
        self._lab, self._loop = lab, asyncio.get_running_loop()
        self.keeper = WarmKeeper(backend, is_wanted=_is_wanted, on_change=self._changed)
        self.keeper.start()

    async def close(self) -> None:
        """Ends the trainer, unless it has a run."""
        await asyncio.to_thread(self.keeper.close)

    def _changed(self) -> None:
        # This is called by threads, which must not touch what is drawn.
        self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._lab.trainer_ready = self.keeper.is_ready


def _is_wanted() -> bool:
    try:
        return read_settings().warm_trainer
    except UnusableInputError:
        return False  # A run that is started says what is wrong with the settings.
