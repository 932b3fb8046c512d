"""What the trainers before this one have written of a run that is gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kflab.runs.events import (
    Epoch,
    Event,
    Finished,
    Logs,
    Planned,
    Prepared,
    Resumed,
    Started,
    Steered,
)
from kflab.runs.info import EVENTS
from kflab.runs.position import Position
from kflab.runs.tail import Tail

MADE_AGAIN = frozenset({"rate", "epochs"})
"""The requests that change what is trained: they are made again where a trainer goes on."""

WITH_RESUME = "resumed-"
"""How the ids of requests begin that came with the going on itself."""


@dataclass
class Past:
    """The events of a run until this trainer started.

    Attributes:
        has_trained: a trainer before this one came to train.
        finished: the epochs that were done when one ended the run, which did not just die; -1 where none did,
            or a later one went back before that.
        seconds: how long trainers were at work.
        steered: the requests that changed what is trained, each as it was answered last.
        logs: the values of each epoch.
        planned: how the steps are made.
    """

    has_trained: bool = False
    finished: int = -1
    seconds: float = 0.0
    steered: list[Steered] = field(default_factory=list)
    logs: dict[int, Logs] = field(default_factory=dict)
    planned: Planned | None = None

    def take(self, event: Event) -> None:
        """Takes up what one event says."""
        match event:
            case Planned():
                self.planned = event
            case Epoch():
                self.logs[event.epoch] = event.logs
            case Resumed():
                self.finished = self.finished if event.epoch >= self.finished else -1
                self.logs = {epoch: logs for epoch, logs in self.logs.items() if epoch <= event.epoch}
            case Steered(refused="") if event.request in MADE_AGAIN and event.value is not None:
                self._take_request(event)
            case Finished():
                self.finished = max(self.finished, event.epochs)

    def _take_request(self, event: Steered) -> None:
        """Takes up a request; one that was made again stays in the place that it had among the others."""
        for index, other in enumerate(self.steered):
            if event.id and other.id == event.id:
                self.steered[index] = event
                return
        if event.id.startswith(WITH_RESUME):
            # What is asked for now holds, and not what was asked for before the trainer died.
            self.steered = [other for other in self.steered if other.request != event.request]
        self.steered.append(event)

    def later_than(self, position: Position, known: Sequence[str]) -> list[Steered]:
        """The requests that a snapshot does not have in it, in the order of their places in the training.

        Args:
            position: where it was taken.
            known: the ids of the requests that were answered before.
        """
        later = (
            event
            for event in self.steered
            if event.id not in known and Position(event.epoch, event.step) >= position
        )
        return sorted(later, key=lambda event: Position(event.epoch, event.step))


def read_past(run_dir: Path) -> Past:
    """What is known of a run's trainers but the last, which is this one.

    Raises:
        OSError: the events cannot be read.
    """
    past = Past()
    tail = Tail(run_dir / EVENTS)
    started = updated = 0.0
    has_prepared = False
    while events := tail.read():
        for event in events:
            if isinstance(event, Started):
                past.has_trained = has_prepared
                past.seconds += max(updated - started, 0.0)
                started = event.time
            has_prepared = has_prepared or isinstance(event, Prepared)
            past.take(event)
            updated = event.time
    return past
