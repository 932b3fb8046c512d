"""What is asked of a training while it runs: done between two steps, answered, and made again at a resume."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import keras
import msgspec
import numpy as np

from kflab.errors import KflabError
from kflab.runs.control import (
    Evaluate,
    GoOn,
    Pause,
    Request,
    SetEpochs,
    SetRate,
    Stop,
    TakeSnapshot,
    kind_of,
    new_id,
    refusal,
)
from kflab.runs.events import Steered
from kflab.runs.info import EVENTS
from kflab.runs.position import Position
from kflab.runs.requests import LOOK_SECONDS, Asked, NoRequest
from kflab.train.events_callback import learning_rate
from kflab.train.feeding import Fed
from kflab.train.journal import Journal, refused
from kflab.train.past import MADE_AGAIN
from kflab.train.steppers.stepper import Made

if TYPE_CHECKING:
    from kflab.train.loop import Attendant, Loop

_SIGN_SECONDS = 30.0
"""How often a paused trainer shows that it is alive to those who see its folder only."""


class TakesSnapshots(Protocol):
    """What takes snapshots of a training."""

    def take(self, loop: Loop) -> object:
        """Takes one now."""

    def evaluating(self, loop: Loop) -> contextlib.AbstractContextManager[None]:
        """What an evaluation stands in, within which some may be taken."""

    def after_steps(self, loop: Loop, made: Made | None) -> None:
        """Tells of those that were written meanwhile."""


class _NotDoneError(KflabError):
    """Why a request is not done."""


class Steering:
    """Answers requests between steps; an attendant of the training loop.

    Args:
        journal: where requests come from and answers go.
        again: what was answered after the snapshot that this trainer goes on from, in its order: the learning
            rates and numbers of epochs are set again at the very same steps.
        snapshots: what takes snapshots; None where none are taken.
        test: the test split, to evaluate on where there is no validation split.
        guard: what watches the run folder and its disk, in a pause, too.

    Attributes:
        away: the seconds in which no steps were made because that was asked for, or the model was evaluated.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        again: Sequence[Steered] = (),
        snapshots: TakesSnapshots | None = None,
        test: Fed | None = None,
        guard: Attendant | None = None,
    ) -> None:
        self.away = 0.0
        self._guard = guard
        self._journal = journal
        self._again = [made for made in again if made.request in MADE_AGAIN and not made.refused]
        self._snapshots, self._test = snapshots, test
        self._is_paused = self._evaluates_in_pause = False
        self._later: list[TakeSnapshot | Evaluate] = []

    def before_training(self, loop: Loop) -> None:
        """Answers what was asked before the first step."""
        loop.position = loop.start
        self._attend(loop)

    def after_steps(self, loop: Loop, made: Made | None) -> None:  # noqa: ARG002 - what was made does not matter
        """Answers what was asked meanwhile."""
        self._attend(loop)

    def after_epoch(self, loop: Loop, logs: dict[str, float]) -> None:  # noqa: ARG002 - as above
        """Answers what was asked meanwhile."""
        self._attend(loop)

    def next_stop(self, loop: Loop) -> int | None:
        """The step of this epoch after which something is made again."""
        here = loop.position
        return next(
            (made.step for made in self._again if made.epoch == here.epoch and made.step > here.step), None
        )

    def _attend(self, loop: Loop) -> None:
        while self._again and Position(self._again[0].epoch, self._again[0].step) <= loop.position:
            self._make_again(loop, self._again.pop(0))
        for asked in self._asked():
            if isinstance(asked, TakeSnapshot | Evaluate) and loop.is_validating:
                self._later.append(asked)  # neither is done in the middle of a validation
            else:
                self._answer(loop, asked)
        if self._is_paused and not self._evaluates_in_pause:
            self._wait(loop)
        if loop.stops_now:
            self._refuse_later(loop)

    def _asked(self) -> list[Asked]:
        """What was put off, and what was asked since."""
        later, self._later = self._later, []
        return [*later, *self._journal.requests()]

    def _refuse_later(self, loop: Loop) -> None:
        """Answers what was put off, where training ends before it can be done."""
        here = loop.position
        later, self._later = self._later, []
        for asked in later:
            self._journal.answer(refused(asked, "the training is over", epoch=here.epoch, step=here.step))

    def _make_again(self, loop: Loop, made: Steered) -> None:
        if made.value is None:
            return
        if made.request == "rate":
            _set_rate(loop, made.value)
        else:
            loop.epochs = int(made.value)
        self._journal.answer(msgspec.structs.replace(made, time=time.time()))

    def _answer(self, loop: Loop, asked: Asked) -> None:
        here = loop.position
        if isinstance(asked, NoRequest):
            self._journal.answer(refused(asked, epoch=here.epoch, step=here.step))
            return
        try:
            if reason := refusal(asked):
                raise _NotDoneError(reason)
            answer = self._do(loop, asked)
        except (KflabError, OSError) as error:
            self._journal.answer(refused(asked, str(error), epoch=here.epoch, step=here.step))
            return
        self._journal.answer(
            msgspec.structs.replace(
                answer,
                time=time.time(),
                request=kind_of(asked),
                epoch=here.epoch,
                step=here.step,
                # By its id it is known to a trainer that makes it again; a line written by hand has none.
                id=asked.id or new_id(),
            )
        )

    def _do(self, loop: Loop, asked: Request) -> Steered:
        """Does what is asked; the text, value and logs of the answer are returned."""
        match asked:
            case Pause():
                return self._pause(loop)
            case GoOn():
                return self._go_on(loop)
            case Stop():
                return self._stop(loop, asked)
            case TakeSnapshot():
                return self._take_snapshot(loop)
            case SetRate():
                return _change_rate(loop, asked)
            case SetEpochs():
                return _change_epochs(loop, asked)
            case Evaluate():
                return self._evaluate(loop)

    def _go_on(self, loop: Loop) -> Steered:
        if not self._is_paused:
            raise _NotDoneError("it is not paused")
        self._is_paused = False
        return _said(f"goes on {_after(loop)}")

    def _stop(self, loop: Loop, asked: Stop) -> Steered:
        self._is_paused = False
        if asked.after == "step" or not loop.position.step:
            loop.stop_after_step()
            done = float(loop.position.epoch) if asked.after == "epoch" else None
            return _said(f"stopped {_after(loop)}; the model is kept", value=done)
        loop.stop_after_epoch()
        last = _least_epochs(loop)
        return _said(f"stops after epoch {last:,} and keeps the model", value=float(last))

    def _take_snapshot(self, loop: Loop) -> Steered:
        if self._snapshots is None:
            raise _NotDoneError("this run takes no snapshots")
        self._snapshots.take(loop)
        return _said(f"snapshot taken {_after(loop)}")

    def _pause(self, loop: Loop) -> Steered:
        if self._is_paused:
            return _said(f"paused already, {_after(loop)}")
        self._is_paused = True
        text = f"paused {_after(loop)}"
        try:
            if self._snapshots is not None:
                self._snapshots.take(loop)
        except (KflabError, OSError) as error:
            text += f"; without a snapshot: {error}"
        return _said(text)

    def _wait(self, loop: Loop) -> None:
        """Makes no steps, and answers, until it is told to go on."""
        start = sign = time.monotonic()
        while self._is_paused and not loop.stops_now:
            time.sleep(LOOK_SECONDS)
            if self._guard is not None:
                self._guard.after_steps(loop, None)
            if time.monotonic() - sign >= _SIGN_SECONDS:
                sign = time.monotonic()
                # A folder that is out of reach for a while is no reason to lose what waits.
                with contextlib.suppress(OSError):
                    os.utime(self._journal.run_dir / EVENTS)
            if self._snapshots is not None:
                self._snapshots.after_steps(loop, None)
            for asked in self._asked():
                before = self.away
                self._answer(loop, asked)
                self.away = before  # it is a part of the pause
        self.away += time.monotonic() - start

    def _evaluate(self, loop: Loop) -> Steered:
        if loop.is_validating:
            raise _NotDoneError("it is in the middle of a validation; let it go on first")
        split, samples = "validation", loop.validation
        if samples is None:
            split, samples = "test", self._test
        if samples is None:
            raise _NotDoneError("there is neither a validation nor a test split to evaluate on")
        start, away = time.monotonic(), self.away
        # What is asked meanwhile is answered between its steps, in a pause as well.
        self._evaluates_in_pause = self._is_paused
        snapshots = self._snapshots
        try:
            with snapshots.evaluating(loop) if snapshots is not None else contextlib.nullcontext():
                logs = loop.validate(samples)
        finally:
            self._evaluates_in_pause = False
            self.away = away + time.monotonic() - start
        if logs is None:
            raise _NotDoneError("the training was stopped before it was done")
        found = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        return _said(f"on the {split} split {_after(loop)}: {found}", logs=logs)


def _said(
    text: str,
    *,
    value: float | None = None,
    before: float | None = None,
    logs: Mapping[str, float] | None = None,
) -> Steered:
    return Steered(0.0, "", text=text, value=value, before=before, logs=dict(logs or {}))


def _after(loop: Loop) -> str:
    here = loop.position
    if here.step:
        return f"after step {here.step:,} of epoch {here.epoch + 1:,}"
    return f"after epoch {here.epoch:,}" if here.epoch else "before the first step"


def _least_epochs(loop: Loop) -> int:
    """The epochs that there will be at least: those that are done, and the one at work."""
    here = loop.position
    return max(here.epoch + (1 if here.step else 0), 1)


def _change_rate(loop: Loop, asked: SetRate) -> Steered:
    before = learning_rate(loop.model)
    if before is None:
        raise _NotDoneError(f"{type(loop.model.optimizer).__name__} has no learning rate")
    value = asked.value if asked.value is not None else float(f"{before * (asked.factor or 1.0):.7g}")
    _set_rate(loop, value)
    also = [
        note
        for kind, note in (
            (
                keras.callbacks.LearningRateScheduler,
                "LearningRateScheduler sets another as the next epoch begins",
            ),
            (keras.callbacks.ReduceLROnPlateau, "ReduceLROnPlateau goes on from it"),
        )
        if any(isinstance(callback, kind) for callback in loop.callbacks.callbacks)
    ]
    text = "; ".join([f"learning rate {before:g} → {value:g} {_after(loop)}", *also])
    return _said(text, value=value, before=before)


def _set_rate(loop: Loop, value: float) -> None:
    """Gives the optimizer a learning rate.

    Raises:
        _NotDoneError: it takes none, or not this one.
    """
    optimizer = loop.model.optimizer
    held = float(np.float32(value))
    if not (math.isfinite(held) and held > 0):
        raise _NotDoneError(f"a learning rate of {value:g} is {held:g} in 32 bits")
    loop.stepper.settle()
    try:
        optimizer.learning_rate = value
    except (TypeError, ValueError, AttributeError) as error:
        raise _NotDoneError(
            f"{type(optimizer).__name__} has a schedule for its learning rate, which sets it at each step"
        ) from error
    loop.stepper.take_up()


def _change_epochs(loop: Loop, asked: SetEpochs) -> Steered:
    before = loop.epochs
    wanted = asked.total if asked.total is not None else before + (asked.more or 0)
    least = _least_epochs(loop)
    loop.epochs = max(wanted, least)
    text = f"{before:,} → {loop.epochs:,} epochs" if loop.epochs != before else f"still {before:,} epochs"
    if wanted < least:
        text += f": fewer are not possible any more, so it ends after epoch {least:,}"
    elif wanted == least:
        text += f": ends after epoch {least:,}"
    return _said(text, value=float(loop.epochs), before=float(before))
