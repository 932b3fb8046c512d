"""How long the steps and epochs of a training take, told after as few of them as will do."""

# ruff: noqa: ARG002 - Keras decides what a callback is given

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping

import keras

from kflab.train.events_callback import as_numbers
from kflab.train.steppers.stepper import Made

SECONDS = 4.0
"""How long steps are measured, and at most half as long again those of the validation."""

LEAST_STEPS = 3
"""Steps that are measured at least, however long they take; so many of the validation, too."""

LEAST_EPOCHS = 3
"""Epochs that are measured at least where so many take no longer than `SECONDS`."""


class Stopwatch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Measures a training from its first step, and ends it when enough is known.

    The first step and the first step of the validation compile what they run, so they stand for themselves.

    Args:
        steps: the steps of an epoch.
        validation_steps: the steps of a validation; 0 without one.

    Attributes:
        first_logs: loss and metrics after the first step.
    """

    def __init__(self, steps: int, validation_steps: int) -> None:
        super().__init__()
        self.first_logs: dict[str, float] = {}
        self.first_step_seconds = 0.0
        self._steps, self._validation_steps = steps, validation_steps
        self._training = _Window(LEAST_STEPS, SECONDS)
        self._validating = _Window(LEAST_STEPS, SECONDS / 2)
        self._epochs: list[float] = []
        self._done = self._validated = 0
        self._begin = self._epoch_begin = self._first = 0.0

    @property
    def step_seconds(self) -> float:
        """A step once the model is compiled."""
        if self._training.mean or not self._epochs:
            return self._training.mean or self.first_step_seconds
        return statistics.median(self._epochs) / self._steps

    @property
    def has_validated(self) -> bool:
        """Whether there was a validation to measure."""
        return self._validating.mean > 0

    @property
    def epoch_seconds(self) -> float:
        """An epoch with its validation: as measured, or as its steps tell where it is too long for that."""
        if self._epochs:
            return statistics.median(self._epochs)
        return self._steps * self.step_seconds + self._validation_steps * self._validating.mean

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Starts the clock."""
        self._begin = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Notes when an epoch starts; what the first one has compiled in between no longer counts."""
        self._epoch_begin = time.perf_counter()
        self._done = self._validated = 0
        self._training.pause()
        if epoch == 1:
            self._training = _Window(LEAST_STEPS, SECONDS)

    def after_steps(self, step: int, made: Made) -> None:
        """Steps are done; `step` is the index of the last one."""
        count, self._done = step + 1 - self._done, step + 1
        if not self._first:
            self.first_logs = as_numbers(made.logs)
            self._first = time.perf_counter()
            self.first_step_seconds = self._first - self._begin
            return
        if not self._training.running:
            self._training.start()
            return
        self._training.count(count)
        if self._training.has_enough() and step + 1 < self._steps and self._is_long():
            self._training.pause()
            self.model.stop_training = True

    def _is_long(self) -> bool:
        """Whether an epoch takes longer than is waited for."""
        return self._training.mean * self._steps > 2 * SECONDS

    def after_validation_steps(self, step: int, made: Made) -> None:
        """Steps of the validation are done; `step` is the index of the last one."""
        self._training.pause()
        count, self._validated = step + 1 - self._validated, step + 1
        if not self._validating.running:
            self._validating.start()
            return
        self._validating.count(count)
        if self._validating.has_enough() and step + 1 < self._validation_steps:
            self.model.stop_evaluating = self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Notes how long a whole epoch took, but for the first, which compiles the model."""
        now = time.perf_counter()
        self._validating.pause()
        if epoch:
            self._epochs.append(now - self._epoch_begin)
        enough = len(self._epochs) >= LEAST_EPOCHS or self._training.has_enough()
        if now - self._first > SECONDS and enough:
            self.model.stop_training = True


class _Window:
    """A stretch of time in which things are counted; it may pause."""

    def __init__(self, least: int, seconds: float) -> None:
        self._least, self._seconds = least, seconds
        self._start: float | None = None
        self._last = 0.0
        self._elapsed, self._count, self._counted = 0.0, 0, 0

    @property
    def running(self) -> bool:
        return self._start is not None

    @property
    def mean(self) -> float:
        """Seconds for each thing counted; 0 while there is none."""
        count = self._counted + (self._count if self.running else 0)
        elapsed = self._elapsed + (self._last - self._start if self._start is not None else 0.0)
        return elapsed / count if count else 0.0

    def start(self) -> None:
        self._start = self._last = time.perf_counter()
        self._count = 0

    def count(self, more: int) -> None:
        self._count += more
        self._last = time.perf_counter()

    def pause(self) -> None:
        if self._start is not None:
            self._elapsed += self._last - self._start
            self._counted += self._count
            self._start = None

    def has_enough(self) -> bool:
        elapsed = self._elapsed + (self._last - self._start if self._start is not None else 0.0)
        return self._counted + self._count >= self._least and elapsed >= self._seconds
