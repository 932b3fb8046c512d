"""Rules on the learning rate: its size, and who may change it."""

from __future__ import annotations

from collections.abc import Iterator

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.check import named_object
from kflab.diagnose.callback_settings import Callback, callbacks
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.rules.rule import rule
from kflab.experiment import Spec
from kflab.values import Value

RATE = "learning_rate"
"""The argument of an optimizer that says how far a step goes."""

LOWEST = 1e-7
"""Below this a step changes no weight that is kept in 32 bits."""

HIGHEST = 0.1
"""Above this the steps of an optimizer that evens out gradients are larger than the weights."""

_HIGHEST_OF = {"SGD": 10.0, "Adadelta": 100.0, "Adagrad": 10.0, "Ftrl": 10.0, "Adafactor": 10.0}
_PLATEAU, _SCHEDULER = "ReduceLROnPlateau", "LearningRateScheduler"


@rule("KF018", "learning-rate-off-by-orders", Severity.WARNING)
def learning_rate(facts: Facts) -> Iterator[Finding]:
    """The learning rate is far from all that works.

    A step of Adam and its kind changes each weight by about the learning rate, whatever the gradient is, and
    weights begin at some hundredths: 1e-3 is usual, above 0.1 the loss jumps or becomes NaN. SGD multiplies
    the gradient, so that 0.01 to 1 is usual. Below 1e-7 nothing changes.

    For example:

        optimizer: {Adam: {learning_rate: 1}}

    Use instead:

        optimizer: {Adam: {learning_rate: 1e-3}}
    """
    optimizer = facts.experiment.training.optimizer
    keys: tuple[str, ...] = ("training", "optimizer", optimizer.name)
    inner = named_object(optimizer.arguments.get("inner_optimizer"))
    if inner is not None:
        optimizer, keys = Spec(*inner), (*keys, "inner_optimizer", inner[0])
    entry = catalog.load().find(Kind.OPTIMIZER, optimizer.name)
    given = optimizer.arguments.get(RATE)
    rate, keys = _first_rate(given, (*keys, RATE))
    if entry is None or rate is None:
        return
    if any(callback.name == _SCHEDULER for callback in callbacks(facts.experiment.training)):
        return  # it sets the rate itself
    argument = entry.argument(RATE)
    usual = argument.default if argument is not None else None
    most = _HIGHEST_OF.get(entry.name, HIGHEST)
    path = f"training.optimizer.{RATE}"
    fix = Fix(f"use {usual:g}", (Assign(keys, usual),)) if isinstance(usual, float) else None
    if rate > most:
        yield Finding(
            f"{entry.name} with a learning rate of {rate:g} hardly learns: above {most:g} its steps are "
            f"larger than the weights; {usual:g} is usual",
            Severity.WARNING,
            path=path,
            fix=fix,
        )
    elif rate < LOWEST and not _warms_up(given):
        yield Finding(
            f"with a learning rate of {rate:g} the weights stay as they are; {usual:g} is usual",
            Severity.WARNING,
            path=path,
            fix=fix,
        )


def _first_rate(value: Value, keys: tuple[str, ...]) -> tuple[float | None, tuple[str, ...]]:
    """The rate that training begins with, and the way to it in the document."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value), keys
    schedule = named_object(value)
    if schedule is None:
        return None, keys
    first = schedule[1].get("initial_learning_rate")
    return _first_rate(first, (*keys, schedule[0], "initial_learning_rate")) if schedule[1] else (None, keys)


def _warms_up(value: Value) -> bool:
    schedule = named_object(value)
    return schedule is not None and bool(schedule[1].get("warmup_steps"))


@rule("KF023", "two-that-set-the-learning-rate", Severity.ERROR)
def schedules(facts: Facts) -> Iterator[Finding]:
    """A callback changes the learning rate that a schedule, or another callback, sets as well.

    With a schedule as its learning rate, an optimizer takes no other: Keras ends training with "This
    optimizer was created with a `LearningRateSchedule` object" when the callback first sets one. Of
    two callbacks, LearningRateScheduler undoes at each epoch what ReduceLROnPlateau did.

    For example:

        optimizer: {Adam: {learning_rate: {CosineDecay: {initial_learning_rate: 1e-3, decay_steps: 1000}}}}
        callbacks:
          ReduceLROnPlateau: {patience: 3}

    Use one of them instead:

        optimizer: {Adam: {learning_rate: {CosineDecay: {initial_learning_rate: 1e-3, decay_steps: 1000}}}}
    """
    training = facts.experiment.training
    setting = [one for one in callbacks(training) if one.name in {_PLATEAU, _SCHEDULER}]
    schedule = named_object(training.optimizer.arguments.get(RATE))
    if schedule is not None:
        for callback in setting:
            yield _with_schedule(callback, schedule[0], training.epochs)
    elif {callback.name for callback in setting} == {_PLATEAU, _SCHEDULER}:
        plateau = next(callback for callback in setting if callback.name == _PLATEAU)
        yield Finding(
            f"{_SCHEDULER} sets the learning rate in each epoch, and so undoes what {_PLATEAU} does; "
            "keep one of them",
            Severity.WARNING,
            path=plateau.place,
            fix=Fix(f"take {_PLATEAU} out", (plateau.remove(),)),
        )


def _with_schedule(callback: Callback, schedule: str, epochs: int) -> Finding:
    patience = callback.arguments.get("patience", 10)
    # What never has the time to do something does not fail either.
    waits = callback.name == _PLATEAU and isinstance(patience, int) and patience >= epochs
    return Finding(
        f"the optimizer follows {schedule}, so {callback.name} can not set its learning rate, and training "
        "ends where it tries; keep one of them",
        Severity.WARNING if waits else Severity.ERROR,
        path=callback.place,
        fix=Fix(f"take {callback.name} out", (callback.remove(),)),
    )
