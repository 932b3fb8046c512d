"""The decision surface of the followed run, shown and hidden."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from kflab.runs.surface import Surface, read_surface
from kflab.tui.actions.base import LabBase
from kflab.tui.widgets.surface import SurfacePane

PAUSE = 2.0
"""Seconds between two drawings of a surface."""


class SurfaceActions(LabBase):
    """What the key for the surface does."""

    def __init__(self) -> None:
        super().__init__()
        self._surface_of: Path | None = None
        self._surface: Surface | None = None
        self._next_surface = 0.0

    @property
    def followed_dir(self) -> Path | None:
        """The folder of the run that is followed."""
        raise NotImplementedError

    @property
    def training_alive(self) -> bool:
        """Whether the followed run is at work."""
        raise NotImplementedError

    def compose_surface(self) -> SurfacePane:
        """The picture beside the curves."""
        return SurfacePane(id="surface")

    def action_surface(self) -> None:
        """Shows what the model says of the plane beside the curves, or no longer."""
        pane = self.query_one(SurfacePane)
        if pane.display:
            pane.display = False
            return
        self.run_worker(self._open_surface(), group="surface", exclusive=True)

    async def _open_surface(self) -> None:
        run_dir = self.followed_dir
        found = await asyncio.to_thread(read_surface, run_dir) if run_dir else None
        if found is None and not self._has_plane():
            self.say("Only a model with one input of two numbers and one output of classes has a surface.")
            return
        self._take_surface(run_dir, found)
        self.query_one(SurfacePane).display = True

    def _has_plane(self) -> bool:
        info = self.session.info
        return info is not None and len(info.inputs) == 1 and info.inputs[0].shape == (2,)

    def follow_surface(self) -> None:
        """Draws the newest surface where it is shown, now and then: it is much for a slow line."""
        now = time.monotonic()
        is_time = now >= self._next_surface or not self.training_alive
        if self.query_one(SurfacePane).display and is_time:
            self._next_surface = now + PAUSE
            self.run_worker(self._refresh_surface(), group="surface", exclusive=True)

    async def _refresh_surface(self) -> None:
        run_dir = self.followed_dir
        found = await asyncio.to_thread(read_surface, run_dir) if run_dir else None
        self._take_surface(run_dir, found)

    def _take_surface(self, run_dir: Path | None, found: Surface | None) -> None:
        if run_dir == self._surface_of and found == self._surface and found is not None:
            return
        self._surface_of, self._surface = run_dir, found
        self.query_one(SurfacePane).show_surface(found)
