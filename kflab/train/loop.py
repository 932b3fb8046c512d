"""The loop over epochs and steps: what `fit` of Keras does, to be steered and gone on with at any step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

import keras

from kflab.engine.private import backed_up_epochs
from kflab.runs.position import Position
from kflab.train.events_callback import Callbacks, as_numbers
from kflab.train.feeding import Fed
from kflab.train.grouping import Grouping
from kflab.train.model_variables import changed_by_validation, values_of
from kflab.train.steppers.stepper import Made, Stepper


class Attendant(Protocol):
    """What looks after a training: it is called on the thread that trains, so it has to be quick."""

    def before_training(self, loop: Loop) -> None:
        """Called once before the first step; may set `loop.start` and `loop.epochs`."""

    def after_steps(self, loop: Loop, made: Made | None) -> None:
        """Called between two groups of steps; `made` is None where they were steps of a validation."""

    def after_epoch(self, loop: Loop, logs: dict[str, float]) -> None:
        """Called after an epoch, its validation and the callbacks."""

    def next_stop(self, loop: Loop) -> int | None:
        """A step of the epoch at hand at which a group has to end; None where that does not matter."""


class Loop:
    """Trains a model, as `fit` of Keras would.

    Args:
        model: the compiled model.
        stepper: makes the steps.
        callbacks: the callbacks; the recorder is called last.
        train: the training samples.
        validation: the samples that each epoch is held against.
        epochs: the epochs to train.
        grouping: how many steps are made at once.
        attendants: what looks after the training, called in this order.

    Attributes:
        start: where training begins; 0 steps of epoch 0, unless it goes on from a snapshot.
        position: what is done.
        epochs: the epochs that are trained in all; may be changed at any time.
        is_stopping: a stop was asked for, after the step or the epoch at hand.
        is_validating: the model is held against samples: after the steps of an epoch, or on request.
    """

    def __init__(
        self,
        model: keras.Model,
        stepper: Stepper,
        callbacks: Callbacks,
        *,
        train: Fed,
        validation: Fed | None,
        epochs: int,
        grouping: Grouping,
        attendants: Sequence[Attendant] = (),
    ) -> None:
        self.model, self.stepper, self.callbacks = model, stepper, callbacks
        self.train, self.validation = train, validation
        self.epochs = epochs
        self.start = self.position = Position()
        self.is_stopping = self.is_validating = False
        self._stops_now = False
        self._grouping, self._attendants = grouping, tuple(attendants)
        # Steps of an evaluation take less time than those of the training: they are grouped by their own.
        self._test_grouping = grouping.again()

    @property
    def stops_now(self) -> bool:
        """Whether no step follows, though the epoch at hand is not done."""
        return self._stops_now

    @property
    def steps(self) -> int:
        """The steps of an epoch."""
        return self.train.steps

    def stop_after_step(self) -> None:
        """Ends the training after the step at hand; the epoch at hand does not count as done."""
        self.is_stopping = self._stops_now = True

    def stop_after_epoch(self) -> None:
        """Ends the training after the epoch at hand."""
        self.is_stopping = True

    def run(self) -> None:
        """Trains until all epochs are done, or a callback or somebody ends it."""
        self.model.stop_training = False
        self.callbacks.on_train_begin()
        self.start = Position(backed_up_epochs(self.model))
        self.stepper.take_up()
        for attendant in self._attendants:
            attendant.before_training(self)
        self.position = self.start
        # An attendant that goes on from where a callback had ended the training sets `stop_training`.
        while self.position.epoch < self.epochs and not (self.is_stopping or self.model.stop_training):
            if not self._epoch():
                break
        self.stepper.settle()
        self.model.optimizer.finalize_variable_values(self.model.trainable_weights)
        self.stepper.take_up()
        self.callbacks.on_train_end()

    def validate(self, samples: Fed | None = None) -> dict[str, float] | None:
        """Holds the model as it is now against some samples; the epoch goes on unharmed.

        Args:
            samples: the samples; None: those of the validation split.

        Returns:
            Loss and metrics; None where the training was stopped meanwhile.
        """
        self.stepper.settle()
        changed = changed_by_validation(self.model)
        before = values_of(changed)
        self.is_validating = True
        try:
            logs = self._validated(samples or self.validation)
        finally:
            self.is_validating = False
        self.stepper.settle()
        for variable, value in zip(changed, before, strict=True):
            variable.assign(value)
        self.stepper.take_up()
        return logs

    def _epoch(self) -> bool:
        """Trains the rest of the epoch at hand; whether it was done to its end."""
        epoch, is_fresh = self.position.epoch, self.position.step == 0
        self.stepper.begin_epoch(epoch, fresh=is_fresh)
        self.stepper.settle()
        self.callbacks.begin_epoch(epoch, is_fresh=is_fresh)
        self.stepper.take_up()
        logs = self._trained() if self.position.step < self.steps else self._logs_so_far()
        if logs is None:
            return False
        if self.validation is not None:
            self.is_validating = True
            found = self._validated(self.validation)
            self.is_validating = False
            if found is None:
                return False
            logs |= {f"val_{name}": value for name, value in found.items()}
        self.position = Position(epoch + 1)
        self.stepper.settle()
        # A callback that does something after the last epoch has to know which one that is by now.
        self.callbacks.set_params({**self.callbacks.params, "epochs": self.epochs})
        self.callbacks.on_epoch_end(epoch, logs)
        self.stepper.take_up()
        for attendant in self._attendants:
            attendant.after_epoch(self, logs)
        return True

    def _trained(self) -> dict[str, float] | None:
        """Makes the steps that are left of the epoch; None where it ended before all were made."""
        epoch, made = self.position.epoch, None
        while self.position.step < self.steps:
            step = self.position.step
            count = self._group(step)
            self.callbacks.before_steps(step)
            begin = time.perf_counter()
            made = self.stepper.train(step, count)
            self.stepper.wait(made)
            self._grouping.took(count, time.perf_counter() - begin)
            self.position = Position(epoch, step + count)
            self.stepper.settle()
            self.callbacks.after_steps(step + count - 1, made)
            for attendant in self._attendants:
                attendant.after_steps(self, made)
            if self._stops_now or (self.model.stop_training and self.position.step < self.steps):
                return None
        return as_numbers(made.logs) if made is not None else {}

    def _group(self, step: int) -> int:
        # The first step is told of at once, before the device is made ready for a smaller last batch.
        is_first = self.position == self.start
        most = 1 if is_first or self.callbacks.listen_to_steps else self._grouping.size
        ends = (attendant.next_stop(self) for attendant in self._attendants)
        return min(most, self.steps - step, *(end - step for end in ends if end is not None and end > step))

    def _logs_so_far(self) -> dict[str, float]:
        """What the steps of an epoch gave that were all made before the training was gone on with."""
        return as_numbers(self.model.get_metrics_result())

    def _validated(self, samples: Fed | None) -> dict[str, float] | None:
        """Holds the model against samples; None where it ended before that was done."""
        if samples is None:
            return {}
        self.model.stop_evaluating = False
        grouping = self._test_grouping
        # Callbacks may change the weights that are evaluated: SwapEMAWeights does.
        self.stepper.settle()
        self.callbacks.on_test_begin()
        self.stepper.take_up()
        step, made = 0, None
        while step < samples.steps:
            count = min(grouping.size, samples.steps - step)
            self.callbacks.before_validation_steps(step)
            begin = time.perf_counter()
            made = self.stepper.evaluate(samples, begin=step, count=count)
            self.stepper.wait(made)
            grouping.took(count, time.perf_counter() - begin)
            step += count
            self.callbacks.after_validation_steps(step - 1, made)
            for attendant in self._attendants:
                attendant.after_steps(self, None)
            if (self._stops_now or self.model.stop_evaluating) and step < samples.steps:
                self._end_test({})
                return None
        logs = as_numbers(made.logs) if made is not None else {}
        self._end_test(logs)
        return logs

    def _end_test(self, logs: dict[str, float]) -> None:
        self.stepper.settle()
        self.callbacks.on_test_end(logs)
        self.stepper.take_up()
