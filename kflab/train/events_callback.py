"""Training, written down as events, at next to no cost a step."""

# ruff: noqa: ARG002 - Keras decides what a callback is given

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import keras
import numpy as np

from kflab.runs.events import Batch, Epoch, NotFinite
from kflab.train.journal import INTERVAL, Journal
from kflab.train.notices import Notices
from kflab.train.saving import BestModel
from kflab.train.steppers.stepper import Made

_RATE = "learning_rate"


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Writes the events of training, and keeps the best model.

    Args:
        journal: where events go.
        steps: the steps of an epoch.
        notices: what tells what the callbacks of the experiment did.
        best: what keeps the best model; None where a callback of the experiment does.
        look: adds what the data says to the event of a loss that is no number.

    Attributes:
        epochs_done: the epochs that were completed.
        waited: tells how long batches were waited for in all, where they are read meanwhile.
        away: tells for how long in all no steps were made because somebody asked for something else.
        nan_at: the epoch and step in which the loss was no number for the first time.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        steps: int,
        notices: Notices,
        best: BestModel | None,
        look: Callable[[NotFinite], NotFinite] = lambda lost: lost,
    ) -> None:
        super().__init__()
        self.epochs_done = 0
        self.waited: Callable[[], float] = lambda: 0.0
        self.away: Callable[[], float] = lambda: 0.0
        self.nan_at: tuple[int, int] | None = None
        self._journal = journal
        self._steps = steps
        self._notices = notices
        self._best = best
        self._epoch = 0
        self._epoch_start = 0.0
        self._waited_before = 0.0
        self._away_before = 0.0
        self._next_write = 0.0
        self._look = look
        self._unread: list[tuple[int, object]] = []
        self._last: float | None = None
        self._highest: float | None = None
        self._before: dict[str, Any] | None = None

    def state(self, *, is_within: bool) -> dict[str, Any]:
        """What it knows: for a snapshot. Within an epoch that is the time it took so far, too."""
        return {
            "seconds": self._seconds() if is_within else 0.0,
            "last": self._last if is_within else None,
            "highest": self._highest,
            "nan_at": self.nan_at,
        }

    def take_up(self, state: dict[str, Any], epochs_done: int) -> None:
        """Goes on from what another recorder knew when so many epochs were done."""
        self.epochs_done = epochs_done
        self.nan_at, self._highest = state["nan_at"], state["highest"]
        self._before = state

    def _seconds(self) -> float:
        """How long the epoch at hand was trained."""
        return max(time.monotonic() - self._epoch_start - (self.away() - self._away_before), 0.0)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Notes when the epoch starts, or is gone on with."""
        self.epochs_done = epoch
        self._epoch = epoch + 1
        self._unread.clear()
        self._last = None
        self._epoch_start = time.monotonic()
        self._waited_before = self.waited()
        self._away_before = self.away()
        if self._before is not None:
            self._last = self._before["last"]
            self._epoch_start -= self._before["seconds"]
            self._before = None

    def after_steps(self, step: int, made: Made) -> None:
        """Steps are done.

        Args:
            step: the index of the last of them in the epoch, counted from 0.
            made: what they gave; converted only when it is written.
        """
        now = time.monotonic()
        if self.nan_at is None:
            # To read it would wait for the device; to keep it for the next look costs nothing.
            self._unread.append((step + 1, made.losses))
        if now < self._next_write and not self.model.stop_training:
            return
        self._next_write = now + INTERVAL
        done = step + 1
        values = as_numbers(made.logs)
        self._journal.write(
            Batch(
                time=time.time(),
                epoch=self._epoch,
                step=done,
                steps=self._steps,
                logs=_without_rates(values),
                learning_rate=learning_rate(self.model),
            )
        )
        self._look_for_nan(done, values)

    def after_validation_steps(self, step: int, made: Made) -> None:
        """Steps of the validation are not written down."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Writes the epoch, and what the other callbacks made of it."""
        now = time.time()
        values = as_numbers(logs or {})
        rate = learning_rate(self.model)
        # After ReduceLROnPlateau the optimizer has the rate of the next epoch already.
        had = values.get(_RATE, rate)
        self._journal.write(
            Epoch(
                time=now,
                epoch=epoch + 1,
                seconds=self._seconds(),
                logs=_without_rates(values),
                learning_rate=had,
                waited=round(self.waited() - self._waited_before, 3),
            )
        )
        self.epochs_done = epoch + 1
        self._look_for_nan(self._steps, values)
        for line in self._notices.after_epoch(epoch + 1, values, rate):
            self._journal.note(line)
        if self._best is not None:
            self._best.after_epoch(self.model, values)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Notes what the other callbacks did at the end."""
        for line in self._notices.at_end(self.epochs_done):
            self._journal.note(line)

    def _look_for_nan(self, step: int, values: Mapping[str, float]) -> None:
        if self.nan_at is not None:
            return
        loss = values.get("loss", 0.0)
        unread, self._unread = self._unread, []
        if math.isfinite(loss):
            self._last = loss
            self._highest = loss if self._highest is None else max(self._highest, loss)
            return
        # Keras logs the mean over the epoch, which stays NaN: the first one tells the batch.
        found = ((done, float(mean)) for end, means in unread for done, mean in _numbered(end, means))
        for done, value in found:
            if not math.isfinite(value):
                step = done
                break
            self._last = value
            self._highest = value if self._highest is None else max(self._highest, value)
        self.nan_at = (self._epoch, step)
        self._journal.note(f"the loss is {loss} in epoch {self._epoch}, step {step}")
        self._journal.write(
            self._look(NotFinite(time.time(), self._epoch, step, before=self._last, highest=self._highest))
        )


class AtSteps(Protocol):
    """A callback that is called after steps, without the conversions that Keras makes for others."""

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """An epoch begins, or is gone on with."""

    def after_steps(self, step: int, made: Made) -> None:
        """Steps of the training are done; `step` is the index of the last one in the epoch."""

    def after_validation_steps(self, step: int, made: Made) -> None:
        """Steps of the validation are done; `step` is the index of the last one."""


class Callbacks(keras.callbacks.CallbackList):  # type: ignore[misc]  # Keras has no types
    """Keras' list of callbacks, without its cost a step.

    Keras converts the logs of each step to numbers, in a thread or in the loop, even when nobody looks at
    them. This list does so only for callbacks that listen to steps, and calls the recorder directly.

    Args:
        callbacks: the callbacks of the experiment.
        recorder: the recorder; it comes last, so that it sees what the others did.
        model: the model.
        epochs: the epochs to train.
        steps: the steps of an epoch.

    Attributes:
        listen_to_steps: whether a callback counts steps, so that each has to be made by itself.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        recorder: AtSteps,
        *,
        model: keras.Model,
        epochs: int,
        steps: int,
    ) -> None:
        super().__init__(
            [*callbacks, recorder], add_history=True, model=model, verbose=0, epochs=epochs, steps=steps
        )
        self._recorder = recorder
        self._at_steps = _that_override(callbacks, "batch", "train_batch")
        self._at_validation_steps = _that_override(callbacks, "test_batch")
        self.listen_to_steps = any(map(_counts_steps, self._at_steps))

    def before_steps(self, step: int) -> None:
        """Steps begin; `step` is the index of the first one."""
        for callback in self._at_steps:
            callback.on_train_batch_begin(step, logs={})

    def after_steps(self, step: int, made: Made) -> None:
        """Steps are done; `step` is the index of the last one."""
        if self._at_steps:
            values = as_numbers(made.logs)
            for callback in self._at_steps:
                callback.on_train_batch_end(step, logs=values)
        self._recorder.after_steps(step, made)

    def before_validation_steps(self, step: int) -> None:
        """Steps of the validation begin."""
        for callback in self._at_validation_steps:
            callback.on_test_batch_begin(step, logs={})

    def after_validation_steps(self, step: int, made: Made) -> None:
        """Steps of the validation are done."""
        if self._at_validation_steps:
            values = as_numbers(made.logs)
            for callback in self._at_validation_steps:
                callback.on_test_batch_end(step, logs=values)
        self._recorder.after_validation_steps(step, made)

    def begin_epoch(self, epoch: int, *, is_fresh: bool) -> None:
        """An epoch begins; one that is gone on with began for the callbacks of the experiment before."""
        if is_fresh:
            self.on_epoch_begin(epoch)
        else:
            self._recorder.on_epoch_begin(epoch)


def as_numbers(logs: Mapping[str, object]) -> dict[str, float]:
    """Logs as plain numbers, those of nested mappings beside the others.

    A metric that gives a number for each class (`F1Score` without `average`) is logged as their mean.
    """
    values: dict[str, float] = {}
    for name, value in logs.items():
        if isinstance(value, Mapping):
            values.update(as_numbers(value))
        else:
            values[name] = _number(value)
    return values


def _number(value: Any) -> float:
    # A number, which nearly all are, is read ten times as fast as an array: some are at each end of an epoch.
    if isinstance(value, float) or getattr(value, "shape", None) == ():
        return float(value)
    return float(np.mean(keras.ops.convert_to_numpy(value)))


def learning_rate(model: keras.Model) -> float | None:
    """The learning rate now; None for an optimizer that has no single one."""
    rate = getattr(model.optimizer, _RATE, None)
    if rate is None:
        return None
    # A person who wrote 0.001 does not want to read 0.0010000000474974513, which is what 32 bits make of it.
    return float(f"{float(rate):.7g}")


def _without_rates(values: Mapping[str, float]) -> dict[str, float | None]:
    # Keras' own callbacks add the learning rate to the logs; an event has a field for it.
    return {name: value for name, value in values.items() if not name.startswith(_RATE)}


def _that_override(
    callbacks: Sequence[keras.callbacks.Callback], *events: str
) -> list[keras.callbacks.Callback]:
    hooks = [f"on_{event}_{edge}" for event in events for edge in ("begin", "end")]
    base = keras.callbacks.Callback
    return [
        callback
        for callback in callbacks
        if any(getattr(type(callback), hook) is not getattr(base, hook) for hook in hooks)
    ]


def _counts_steps(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback does something at certain steps, and not just whenever it is called."""
    saves = getattr(callback, "save_freq", "epoch")
    updates = getattr(callback, "update_freq", "epoch")
    own = type(callback).__module__.partition(".")[0] != "keras"
    return own or saves != "epoch" or updates != "epoch"


def _numbered(end: int, means: object) -> list[tuple[int, float]]:
    """The mean losses after some steps, each with its number; `end` is that of the last one."""
    values = np.atleast_1d(keras.ops.convert_to_numpy(means))
    return list(enumerate(values.tolist(), end - len(values) + 1))
