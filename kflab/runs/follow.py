"""Following a run from outside: its state, kept up to date."""

from __future__ import annotations

from pathlib import Path

from kflab.runs.history import RunState
from kflab.runs.info import EVENTS
from kflab.runs.status import Status, status
from kflab.runs.tail import Tail


class Follow:
    """A run as it goes; ask `poll` as often as the screen should change.

    Args:
        run_dir: the run folder.

    Attributes:
        state: what has happened so far. A new object when the events were started over.
    """

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.state = RunState()
        self._tail = Tail(run_dir / EVENTS)

    def poll(self) -> bool:
        """Takes up what is new, a bounded part of it at a time; whether there was anything.

        Raises:
            OSError: the events cannot be read.
        """
        restarts = self._tail.restarts
        events = self._tail.read()
        if self._tail.restarts != restarts:
            self.state = RunState()
        self.state.apply_all(events)
        return bool(events) or self._tail.restarts != restarts

    @property
    def is_behind(self) -> bool:
        """Whether there is more to read now: `poll` again before the state is shown as the newest."""
        return not self._tail.at_end

    @property
    def skipped(self) -> int:
        """How many lines of the events could not be read."""
        return self._tail.skipped

    def status(self) -> Status:
        """What became of the run.

        Raises:
            UnusableInputError: this is no run folder any more.
        """
        return status(self.run_dir)
