"""What has happened in a run so far, folded from its events."""

from __future__ import annotations

import enum
import functools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from kflab.runs.events import (
    Batch,
    Costed,
    Epoch,
    Evaluated,
    Event,
    Finished,
    Loading,
    Logs,
    Noted,
    NotFinite,
    Planned,
    Predicted,
    Prepared,
    Resumed,
    Snapshotted,
    Started,
    Steered,
    TargetFacts,
    Targets,
    Usage,
)
from kflab.runs.names import VALIDATION, base_name, higher_is_better, in_order
from kflab.runs.pace import Pace
from kflab.runs.position import Position
from kflab.runs.series import Series
from kflab.runs.status import paused_after

_BATCH_POINTS = 20_000
_NOTES = 1_000
_SILENCE = 120.0  # seconds; a trainer tells how busy the machine is every few


class Phase(enum.StrEnum):
    """How far a run has come."""

    WAITING = "waiting"  # nothing has happened yet
    STARTING = "starting"
    LOADING = "loading"
    TRAINING = "training"
    FINISHED = "finished"


class Best(NamedTuple):
    """The best value of a logged quantity and the epoch that reached it."""

    value: float
    epoch: int


def said(note: Noted | Steered) -> str:
    """What a note or an answer says in one line."""
    if isinstance(note, Noted):
        return note.text
    return f"{note.request} refused: {note.refused}" if note.refused else note.text


class Curve:
    """All points of one metric.

    Attributes:
        training: its value on the training samples, one point an epoch at x = 1, 2, ...
        validation: its value on the validation samples, likewise.
        batches: its mean over the epoch so far; x = 1.5 is the middle of the second epoch.
    """

    def __init__(self) -> None:
        self.training = Series()
        self.validation = Series()
        self.batches = Series(_BATCH_POINTS)


class RunState:
    """The state of a run after the events it was given. Not for several threads at once.

    Attributes:
        phase: how far it has come.
        pid: the trainer's process; 0 before it started.
        started: when it started; 0 before.
        updated: the time of the last event; 0 before the first.
        loading: what is being loaded, while it is.
        prepared: the sizes of the run, once they are known.
        epoch: the epoch at work, counted from 1; the last one when all are done.
        step: the steps done of that epoch.
        epochs_done: the epochs that are done.
        curves: the curves of every metric by its name without `val_`.
        learning_rate: the learning rate, x as in `Curve.batches`.
        logs: the newest values by name, `val_` ones from the last epoch.
        best: the best value so far of everything logged that has a better direction, `val_` ones too.
        notes: what was noted, oldest first.
        test: loss and metrics on the test split.
        finished: the last event of the run, once it came.
        first_logs: the values of the very first step, before anything was learned.
        targets: what the training targets of each output are like.
        costed: the memory it was expected to take.
        not_finite: the step in which the loss became no number.
        predicted: what the trained model said of samples that it was not trained on.
        epoch_seconds: how long each epoch took, by its number.
        waited: the seconds of all epochs in which no batch was ready.
        planned: how the steps are made.
        snapshot: the newest snapshot.
        steered: the requests that were answered, oldest first.
        resumed: where trainers went on that took the run up again, oldest first.
        is_paused: no steps are made until it is told to go on.
        usage: how busy the machine is, as it was told last.
    """

    def __init__(self) -> None:
        self.phase = Phase.WAITING
        self.pid = 0
        self.started = 0.0
        self.updated = 0.0
        self.loading: Loading | None = None
        self.prepared: Prepared | None = None
        self.epoch = 0
        self.step = 0
        self.epochs_done = 0
        self.curves: dict[str, Curve] = {}
        self.learning_rate = Series(_BATCH_POINTS)
        self.logs: dict[str, float | None] = {}
        self.best: dict[str, Best] = {}
        self.notes: list[Noted] = []
        self.test: Logs = {}
        self.finished: Finished | None = None
        self.first_logs: Logs = {}
        self.targets: Mapping[str, TargetFacts] = {}
        self.costed: Costed | None = None
        self.not_finite: NotFinite | None = None
        self.predicted: Predicted | None = None
        self.epoch_seconds: dict[int, float] = {}
        self.waited = 0.0
        self.planned: Planned | None = None
        self.snapshot: Snapshotted | None = None
        self.steered: list[Steered] = []
        self.resumed: list[Resumed] = []
        self.is_paused = False
        self.usage: Usage | None = None
        self._pace = Pace()
        self._goes_on = False
        self._session = self._before = 0.0
        self._waited: dict[int, float] = {}
        self._note_positions: list[Position] = []

    @property
    def told(self) -> list[Noted | Steered]:
        """What was noted and what was answered, oldest first."""
        found: list[Noted | Steered] = [*self.notes, *self.steered]
        found.sort(key=lambda note: note.time)
        return found

    @property
    def epochs(self) -> int:
        """How many epochs there will be at most; 0 before that is known."""
        return self.prepared.epochs if self.prepared else 0

    @property
    def steps(self) -> int:
        """The steps of an epoch; 0 before that is known."""
        return self.prepared.steps if self.prepared else 0

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the curves in a lasting order: the loss, then metrics, then each output's own."""
        return in_order(self.curves, self.prepared.outputs if self.prepared else ())

    @property
    def progress(self) -> float:
        """How much of all epochs is done, 0 to 1."""
        if not self.prepared or not self.epochs:
            return 0.0
        return min((self.epochs_done + (self.step / self.steps if self.steps else 0.0)) / self.epochs, 1.0)

    @property
    def steps_per_second(self) -> float | None:
        """How many steps a second it makes now; None as long as that cannot be told."""
        return self._pace.steps_per_second

    def seconds_left(self, now: float) -> float | None:
        """How long the epochs that are left will take, seen from the time `now`, validation included.

        None as long as that cannot be told, and when the run is not training.
        """
        return self._pace.seconds_left(self._seen_from(now)) if self.phase is Phase.TRAINING else None

    def seconds(self, now: float) -> float:
        """How long it has been at work, seen from the time `now`."""
        if self.finished:
            return self.finished.seconds
        return self._before + max(self._seen_from(now) - self._session, 0.0) if self._session else 0.0

    def _seen_from(self, now: float) -> float:
        """The time `now`, unless the clock was set since the last event: none is silent for so long."""
        return self.updated + min(max(now - self.updated, 0.0), _SILENCE)

    def apply_all(self, events: Sequence[Event]) -> None:
        """Takes up the next events, in their order."""
        for event in events:
            self.apply(event)

    @functools.singledispatchmethod
    def _take(self, event: Event) -> None:
        raise TypeError(f"no event: {event!r}")

    def apply(self, event: Event) -> None:
        """Takes up the next event."""
        before, self.updated = self.updated, event.time
        if isinstance(event, Started):
            self._before += max(before - self._session, 0.0)
            self._session = event.time
        self.is_paused = paused_after(event, was=self.is_paused)
        if not self.is_paused:
            self._pace.go_on(event.time)
        self._take(event)

    @_take.register
    def _(self, event: Started) -> None:
        self.phase, self.pid = Phase.STARTING, event.pid
        self.started = self.started or event.time
        self._goes_on = bool(self.curves)
        self.loading = self.finished = None

    @_take.register
    def _(self, event: Loading) -> None:
        self.phase, self.loading = Phase.LOADING, event

    @_take.register
    def _(self, event: Prepared) -> None:
        self.phase, self.prepared, self.loading = Phase.TRAINING, event, None
        self.epoch, self.step = self.epochs_done + 1, 0
        self._pace.prepared(event.time, event.epochs, event.steps)

    @_take.register
    def _(self, event: Batch) -> None:
        self._drop_what_is_done_again(event.epoch)
        if event.epoch == event.step == 1:
            self.first_logs = event.logs
        x = event.epoch - 1 + (event.step / event.steps if event.steps else 0.0)
        for name, value in event.logs.items():
            self._curve(name).batches.append(x, value)
            self.logs[name] = value
        self._take_learning_rate(x, event.learning_rate)
        self.epoch, self.step = event.epoch, event.step
        self._pace.batch(event.time, event.epoch, event.step)

    @_take.register
    def _(self, event: Epoch) -> None:
        self._drop_what_is_done_again(event.epoch)
        for name, value in event.logs.items():
            curve = self._curve(name)
            (curve.validation if name.startswith(VALIDATION) else curve.training).append(event.epoch, value)
            self.logs[name] = value
            self._take_best(name, value, event.epoch)
        self._take_learning_rate(event.epoch, event.learning_rate)
        self.epoch_seconds[event.epoch] = event.seconds
        self._waited[event.epoch] = event.waited
        self.waited += event.waited
        self._pace.epoch(event.time, event.epoch, event.seconds)
        self.epochs_done = event.epoch
        is_last = event.epoch >= self.epochs
        self.epoch, self.step = (event.epoch, 0) if is_last else (event.epoch + 1, 0)

    @_take.register
    def _(self, event: Targets) -> None:
        self.targets = event.outputs

    @_take.register
    def _(self, event: Costed) -> None:
        self.costed = event

    @_take.register
    def _(self, event: NotFinite) -> None:
        self.not_finite = event

    @_take.register
    def _(self, event: Predicted) -> None:
        self.predicted = event

    @_take.register
    def _(self, event: Planned) -> None:
        self.planned = event

    @_take.register
    def _(self, event: Resumed) -> None:
        self._drop_from(Position(event.epoch, event.step))
        self._before = event.seconds or self._before
        self._pace.resumed(event.time, self.epoch, event.step)
        if event.epochs and self.prepared is not None:
            self.prepared = msgspec.structs.replace(self.prepared, epochs=event.epochs)
            self._pace.more(event.epochs)
        self.resumed.append(event)
        del self.resumed[:-_NOTES]

    @_take.register
    def _(self, event: Snapshotted) -> None:
        self.snapshot = event

    @_take.register
    def _(self, event: Steered) -> None:
        # What a trainer that goes on makes again is told again.
        self.steered = [other for other in self.steered if not event.id or other.id != event.id][-_NOTES:]
        self.steered.append(event)
        if self.is_paused:
            self._pace.pause(event.time)
        if event.request == "epochs" and event.value is not None and self.prepared is not None:
            self.prepared = msgspec.structs.replace(self.prepared, epochs=int(event.value))
            self._pace.more(self.prepared.epochs)

    @_take.register
    def _(self, event: Usage) -> None:
        self.usage = event

    @_take.register
    def _(self, event: Noted) -> None:
        self.notes.append(event)
        # What a trainer says before it goes on is of no step.
        at = Position() if self._goes_on else Position(self.epochs_done, self.step)
        self._note_positions.append(at)
        del self.notes[:-_NOTES], self._note_positions[:-_NOTES]

    @_take.register
    def _(self, event: Evaluated) -> None:
        self.test = event.logs

    @_take.register
    def _(self, event: Finished) -> None:
        self.phase, self.finished, self.loading = Phase.FINISHED, event, None
        self.test = event.test or self.test

    def _curve(self, name: str) -> Curve:
        return self.curves.setdefault(base_name(name), Curve())

    def _drop_what_is_done_again(self, epoch: int) -> None:
        """A run that died and was started again may go back some epochs, or to the start."""
        if self._goes_on:
            self._drop_from(Position(epoch - 1))

    def _drop_from(self, position: Position) -> None:
        """Forgets what was done after a position: it is done again."""
        self._goes_on = False
        done = position.epoch
        self.epoch_seconds = {epoch: took for epoch, took in self.epoch_seconds.items() if epoch <= done}
        self._waited = {epoch: waited for epoch, waited in self._waited.items() if epoch <= done}
        self.waited = sum(self._waited.values())
        kept = [index for index, at in enumerate(self._note_positions) if at <= position]
        self.notes = [self.notes[index] for index in kept]
        self._note_positions = [self._note_positions[index] for index in kept]
        self.test, self.predicted = {}, None
        if (
            self.not_finite is not None
            and Position(self.not_finite.epoch - 1, self.not_finite.step) > position
        ):
            self.not_finite = None
        for curve in self.curves.values():
            curve.training.cut(done)
            curve.validation.cut(done)
            curve.batches.cut(position.x(self.steps))
        self.learning_rate.cut(position.x(self.steps))
        self.steered = [event for event in self.steered if Position(event.epoch, event.step) <= position]
        self.resumed = [event for event in self.resumed if Position(event.epoch, event.step) <= position]
        self.epochs_done, self.epoch, self.step = done, done + 1, position.step
        self.best, self.logs = {}, {}
        for name, curve in self.curves.items():
            for prefix, series in (("", curve.training), (VALIDATION, curve.validation)):
                if series:
                    self.logs[prefix + name] = series.last
                for x, y in zip(series.xs, series.ys, strict=True):
                    self._take_best(prefix + name, None if math.isnan(y) else y, int(x))

    def _take_learning_rate(self, x: float, rate: float | None) -> None:
        if rate is not None and (not self.learning_rate or x > self.learning_rate.xs[-1]):
            self.learning_rate.append(x, rate)

    def _take_best(self, name: str, value: float | None, epoch: int) -> None:
        higher = higher_is_better(name)
        if value is None or higher is None:
            return
        best = self.best.get(name)
        if best is None or (value > best.value if higher else value < best.value):
            self.best[name] = Best(value, epoch)
