"""How the steps of a run are made: measured before its first step, where it is long enough to be worth it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import keras
import msgspec

from kflab.data.arrays import Array
from kflab.experiment import PlanSettings, Training
from kflab.runs.events import Planned
from kflab.runs.plan import Plan
from kflab.train.data_path import Chosen
from kflab.train.feeding import Fed
from kflab.train.grouping import MOST, SECONDS, Grouping
from kflab.train.journal import Journal
from kflab.train.model_variables import put_back, values_of, variables_of
from kflab.train.steppers.choosing import make_stepper
from kflab.train.steppers.stepper import Stepper
from kflab.train.threads import is_kept_to_one_thread

LEAST_STEPS = 100
"""A training of fewer steps is over before measuring has paid."""

SHARE = 0.02
"""The share of the expected training that measuring may take."""

WINS = 0.85
"""Another way of making steps has to take at most so much of the time of the usual one."""

_MOST_SECONDS = 1.0
"""How long the steps of one variant are measured at most."""

_SECONDS_OF_XLA = 1.5
_SECONDS_OF_VARIABLE = 0.06
"""What XLA takes to compile on TensorFlow: at all, and for each variable of the model; on two cores."""

_MOST_BYTES = 32 * 1024**2
"""Batches that are read are put together to so many bytes at most; several such portions are read ahead."""

Make = Callable[[Plan], Stepper]
"""Makes what makes the steps under a plan."""


@dataclass(frozen=True)
class Measured:
    """A plan, and how it came about.

    Attributes:
        plan: the plan.
        stepper: what makes steps under it.
        reasons: why each part is as it is, a line each.
        seconds: how long measuring took.
        step_seconds: how long a step took, by what was tried.
    """

    plan: Plan
    stepper: Stepper
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    step_seconds: Mapping[str, float] = field(default_factory=dict)

    def event(self) -> Planned:
        """What the run writes down of it."""
        return Planned(time.time(), self.plan, self.reasons, round(self.seconds, 3), dict(self.step_seconds))

    def grouping(self, settings: PlanSettings, train: Fed) -> Grouping:
        """How many steps are made at once, to begin with and from then on.

        Args:
            settings: what the document fixes.
            train: the training samples.
        """
        most = MOST
        if train.batches is not None:
            most = max(1, _MOST_BYTES // max(1, train.batches.bytes_of_batch))
        return Grouping(settings.steps_per_execution, most, start=self.plan.steps_per_execution)


class Planner:
    """Finds the plan of a training by making steps, every trace of which is removed again.

    Args:
        model: the compiled model.
        train: the training samples.
        settings: what the document fixes.
        path: where batches come from.
        epochs: the epochs to train.
        make: makes what makes the steps.
        deterministic: whether the results must not depend on what was faster.
        is_asked: try everything, however short the training is.
    """

    def __init__(
        self,
        model: keras.Model,
        train: Fed,
        settings: PlanSettings,
        path: Chosen,
        *,
        epochs: int,
        make: Make,
        deterministic: bool = False,
        is_asked: bool = False,
    ) -> None:
        self._model, self._train, self._settings, self._make = model, train, settings, make
        self._deterministic, self._is_asked = deterministic, is_asked
        self._steps = epochs * train.steps
        self._backend = keras.backend.backend()
        self._reasons = [path.reason]
        if is_kept_to_one_thread():
            self._reasons.append("one thread for each operation: they are too short to be shared")
        self._found: dict[str, float] = {}
        self._plan = Plan(settings.steps_per_execution or 1, path.data, bool(settings.jit_compile))

    def measured(self) -> Measured:
        """The plan; a training that is over soon is not measured, it begins at once."""
        stepper = self._make(self._plan)
        if self._steps < LEAST_STEPS and not self._is_asked:
            self._reasons.append(f"not measured: the training has {self._steps} steps in all")
            return Measured(self._plan, stepper, tuple(self._reasons))
        begin = time.perf_counter()
        stepper, first = self._chosen(stepper)
        # The first step takes long because of what it prepares, which the training needs in any case.
        seconds = time.perf_counter() - begin - first
        return Measured(self._plan, stepper, tuple(self._reasons), seconds, self._found)

    def _chosen(self, stepper: Stepper) -> tuple[Stepper, float]:
        """Measures the usual way and, where the training is long enough, another one.

        Returns:
            The better of them, and how long the very first step took.
        """
        groups = variables_of(self._model)
        before = values_of([one for variables in groups.values() for one in variables])
        first, usual = self._seconds_a_step(stepper)
        self._restore(stepper, before)
        expected = usual * self._steps
        self._found[self._name()] = usual
        other = self._other(first, expected)
        if other is not None:
            stepper = self._better(stepper, usual, other, before)
        self._group(self._found[self._name()])
        return stepper, first

    def _name(self) -> str:
        if self._backend == "jax":
            return "a loop of steps" if self._plan.steps_per_execution > 1 else "single steps"
        return "with XLA" if self._plan.jit_compile else "without XLA"

    def _other(self, first: float, expected: float) -> Plan | None:
        """Another way to make steps that is worth trying; None where there is none, with the reason noted."""
        if self._backend == "tensorflow":
            other = msgspec.structs.replace(self._plan, jit_compile=True)
            reason = self._against_xla()
            cost = _SECONDS_OF_XLA + _SECONDS_OF_VARIABLE * len(self._model.variables)
        elif self._backend == "jax":
            other = msgspec.structs.replace(self._plan, steps_per_execution=MOST)
            reason, cost = self._against_a_loop(), first
        else:
            return None
        if not reason and self._deterministic:
            reason = f"{self._name()}: the training is to be deterministic"
        if not reason and cost > SHARE * expected and not self._is_asked:
            reason = (
                f"{self._name()}: training takes {_text(expected)}, too little to try more ({_text(cost)})"
            )
        if reason:
            self._reasons.append(reason)
        return None if reason else other

    def _against_xla(self) -> str:
        fixed = self._settings.jit_compile
        return "" if fixed is None else f"jit_compile {'on' if fixed else 'off'}: the document says so"

    def _against_a_loop(self) -> str:
        if self._settings.steps_per_execution is not None:
            return f"steps_per_execution {self._settings.steps_per_execution}: the document says so"
        return "" if self._train.batches is None else "single steps: the samples are not on the device"

    def _better(self, stepper: Stepper, usual: float, other: Plan, before: Sequence[Array]) -> Stepper:
        plan, names = self._plan, [self._name()]
        self._plan = other
        names.append(self._name())
        try:
            rival = self._make(other)
            _, seconds = self._seconds_a_step(rival)
        # XLA does not know all operations, and each backend has its own errors for that.
        except Exception as error:  # noqa: BLE001
            lines = str(error).strip().splitlines()
            self._reasons.append(f"{names[0]}: {names[1]} it fails: {(lines or [type(error).__name__])[0]}")
            self._plan = plan
            self._restore(stepper, before)
            return stepper
        self._found[names[1]] = seconds
        wins = seconds <= WINS * usual
        chosen = rival if wins else stepper
        self._restore(chosen, before)
        self._plan = other if wins else plan
        self._reasons.append(
            f"{names[wins]}: a step takes {seconds * 1e3:.2f} ms {names[1]}, {usual * 1e3:.2f} ms {names[0]}"
        )
        return chosen

    def _group(self, seconds: float) -> None:
        fixed = self._settings.steps_per_execution
        if fixed is not None:
            if self._backend != "jax":
                self._reasons.append(f"steps_per_execution {fixed}: the document says so")
            return
        if self._backend == "jax" and self._plan.steps_per_execution == 1:
            return
        # On JAX a plan of one step at a time means single steps, to whoever goes on with the run, too.
        least = 2 if self._backend == "jax" else 1
        count = max(least, min(int(SECONDS / max(seconds, 1e-9)), MOST, self._train.steps))
        self._plan = msgspec.structs.replace(self._plan, steps_per_execution=count)
        self._reasons.append(
            f"steps_per_execution {count}: a step takes {seconds * 1e3:.2f} ms, and there are to be events "
            f"every {SECONDS:g} s"
        )

    def _seconds_a_step(self, stepper: Stepper) -> tuple[float, float]:
        """How long the first step took, which prepares much, and how long one takes from then on."""
        stepper.begin_epoch(0)
        whole = max(1, self._train.samples // self._train.batch_size)
        first = _took(stepper, 0, 1)
        # One step beyond the first is made in any case; so many more as the training has room for.
        most = max(1, int(SHARE * self._steps)) if not self._is_asked else whole
        begin, at, count = time.perf_counter(), 1 % whole, 1
        best = float("inf")
        while most > 0:
            made = max(1, min(count, whole - at, most))
            seconds = _took(stepper, at, made)
            best = min(best, seconds / made)
            most, at = most - made, (at + made) % whole
            spent = time.perf_counter() - begin
            if (seconds >= SECONDS / 2 and spent >= 2 * SECONDS) or spent > _MOST_SECONDS / 2:
                break
            count = min(2 * count, max(1, int(SECONDS / max(best, 1e-9))))
            if spent > SHARE * best * self._steps and not self._is_asked:
                break
        return first, best

    def _restore(self, stepper: Stepper, before: Sequence[Array]) -> None:
        stepper.settle()
        put_back(variables_of(self._model), before)
        stepper.take_up()


def _took(stepper: Stepper, step: int, count: int) -> float:
    begin = time.perf_counter()
    stepper.wait(stepper.train(step, count))
    return time.perf_counter() - begin


def _text(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def planner_of(
    model: keras.Model, train: Fed, training: Training, path: Chosen, *, is_asked: bool = False
) -> Planner:
    """What finds the plan of a training.

    Args:
        model: the compiled model.
        train: the training samples.
        training: how the model is trained.
        path: where batches come from.
        is_asked: try everything, however short the training is.
    """
    return Planner(
        model,
        train,
        training.plan,
        path,
        epochs=training.epochs,
        make=lambda plan: make_stepper(model, train, plan),
        deterministic=training.deterministic,
        is_asked=is_asked,
    )


def plan_run(
    model: keras.Model, train: Fed, training: Training, path: Chosen, known: Planned | None, journal: Journal
) -> Measured:
    """The plan of a run: the one it has been trained under, or one that is measured now and written down.

    Args:
        model: the compiled model.
        train: the training samples.
        training: how the model is trained.
        path: where batches come from.
        known: the plan that the run has, if it is gone on with.
        journal: where the plan is written down.
    """
    if known is not None:
        return Measured(known.plan, make_stepper(model, train, known.plan))
    measured = planner_of(model, train, training, path).measured()
    journal.write(measured.event())
    return measured
