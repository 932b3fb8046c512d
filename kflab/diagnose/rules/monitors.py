"""Rules on callbacks that watch a value: its name, and what is kept where it was best."""

from __future__ import annotations

import string
from collections.abc import Iterator

import msgspec

from kflab import catalog
from kflab.catalog import Kind
from kflab.diagnose.callback_settings import Callback, callbacks
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.held import held_outputs, use_metrics
from kflab.diagnose.logged import LOSS, VALIDATION, Logged
from kflab.diagnose.metric_kinds import metric_findings
from kflab.diagnose.rules.rule import rule
from kflab.errors import nearest
from kflab.experiment import Spec

MONITOR = "monitor"
"""The argument that names what a callback watches."""

_SAVES = frozenset({"ModelCheckpoint", "OrbaxCheckpoint"})
_LESS_IS_BETTER = ("loss", "error", "crossentropy", "mae", "mse", "divergence", "false")
_HOLD_BACK = Fix("hold back 0.1 of the samples to validate", (Assign(("data", "validation"), 0.1),))
_SHORT = {"acc": "accuracy", "accuracy": "acc"}


@rule("KF021", "monitor-that-is-not-there", Severity.WARNING)
def monitor(facts: Facts) -> Iterator[Finding]:
    """A callback watches a value that will not be logged.

    Keras logs `loss` and each metric under its own name, with `val_` in front for the validation samples,
    and with the output's name in front where there are several outputs. EarlyStopping, ReduceLROnPlateau and
    ModelCheckpoint do nothing where the value that they watch is not there, but for a line in the log; where
    Keras can not tell whether less or more of it is better, training ends after the first epoch. The
    latter goes for the values of one output of several and for counts such as FalseNegatives, too, unless
    `mode` says it.

    Example, where the metric is `accuracy`:

        callbacks:
          EarlyStopping: {monitor: val_acc, restore_best_weights: true}

    Use instead:

        callbacks:
          EarlyStopping: {monitor: val_accuracy, restore_best_weights: true}
    """
    logged: Logged | None = None
    for callback in callbacks(facts.experiment.training):
        entry = catalog.load().find(Kind.CALLBACK, callback.name)
        argument = entry.argument(MONITOR) if entry is not None else None
        if argument is None:
            continue
        logged = logged or Logged(facts)
        watched = callback.arguments.get(MONITOR, argument.default)
        if not isinstance(watched, str):
            continue
        yield from _watched(facts, callback, watched, logged)
        yield from _fields(callback, logged)


def _watched(facts: Facts, callback: Callback, watched: str, logged: Logged) -> Iterator[Finding]:
    has_mode = callback.arguments.get("mode") in {"min", "max"}
    bare = watched.removeprefix(VALIDATION)
    if logged.has(watched):
        if not has_mode and (bare in logged.of_outputs or bare in logged.counts):
            why = "which is of one output of several" if bare in logged.of_outputs else "which counts samples"
            mode = "min" if bare in logged.losses or _falls(bare) else "max"
            yield _without_mode(callback, watched, why, mode)
        return
    # Keras knows the direction of the whole loss and of every metric that is there.
    fails = not has_mode and bare != LOSS and not _directed(bare, logged)
    if callback.name in _SAVES and not _saves_best(callback) and not fails:
        return
    consequence = "training ends after an epoch" if fails else "it would do nothing"
    lacks = watched.startswith(VALIDATION) and not logged.has_validation and logged.has(bare)
    if lacks:
        reason = "no validation samples are held back, as data.validation says"
        fix: Fix | None = _HOLD_BACK
    else:
        meant = _meant(watched, logged)
        hint = f"; did you mean {meant}?" if meant else ""
        reason = f"what is logged is {', '.join(logged.names())}{hint}"
        set_it = callback.set(MONITOR, meant)
        fix = Fix(f"watch {meant}", (set_it,)) if meant else _logging(facts, bare)
    yield Finding(
        f"{callback.name} watches {watched!r}, which will not be there, so that {consequence}: {reason}",
        Severity.ERROR if fails else Severity.WARNING,
        path=f"{callback.place}.{MONITOR}",
        fix=fix,
    )


def _without_mode(callback: Callback, watched: str, why: str, mode: str) -> Finding:
    return Finding(
        f"{callback.name} watches {watched!r}, {why}: Keras can not tell whether "
        f"less or more of it is better and ends training; say mode: {mode}",
        Severity.ERROR,
        path=f"{callback.place}.{MONITOR}",
        fix=Fix(f"say mode: {mode}", (callback.set("mode", mode),)),
    )


def _logging(facts: Facts, metric: str) -> Fix | None:
    """What logs a metric of Keras that is watched and not taken."""
    outputs = facts.experiment.model.output_names()
    if len(outputs) != 1 or catalog.load().find(Kind.METRIC, metric) is None:
        return None
    (held,) = held_outputs(facts)
    if any(metric_findings(facts, msgspec.structs.replace(held, metrics=(Spec(metric),)))):
        return None  # it does not fit the labels
    metrics = (*facts.experiment.training.metrics_of(outputs[0]), Spec(metric))
    return Fix(f"take the metric {metric}", (use_metrics(facts, outputs[0], metrics),))


def _directed(bare: str, logged: Logged) -> bool:
    """Whether a metric of that plain name is there, if under an output's name."""
    return any(name == bare or name.endswith(f"_{bare}") for name in logged.metrics)


def _falls(name: str) -> bool:
    """Whether less of a metric is better, by its name."""
    return any(word in name for word in _LESS_IS_BETTER)


def _meant(watched: str, logged: Logged) -> str:
    """The name that is nearest to one that is not logged."""
    names = logged.names()
    prefix = VALIDATION if watched.startswith(VALIDATION) else ""
    bare = watched.removeprefix(VALIDATION)
    short = _SHORT.get(bare, bare)
    same = logged.alike(bare)
    if same:
        return prefix + same
    same_split = [name for name in names if name.startswith(VALIDATION) == bool(prefix)]
    for wanted in (f"{prefix}{short}", f"_{short}"):
        found = [name for name in same_split if name.endswith(wanted)]
        if found:
            return found[0]
    close = nearest(watched, same_split, most=1) or nearest(watched, names, most=1)
    return close[0] if close else ""


def _fields(callback: Callback, logged: Logged) -> Iterator[Finding]:
    """The values that the pattern of a path names."""
    given = callback.arguments.get("filepath")
    if not isinstance(given, str) or "{" not in given:
        return
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(given) if field]
    except ValueError:
        return
    for field in fields:
        if field not in {"epoch", "batch"} and not logged.has(field):
            is_of_validation = field.startswith(VALIDATION) and not logged.has_validation
            lacks = is_of_validation and logged.has(field.removeprefix(VALIDATION))
            yield Finding(
                f"{callback.name} writes {given!r}, but no {field!r} will be there to name the file by; what "
                f"is logged is {', '.join(logged.names())}",
                Severity.ERROR,
                path=f"{callback.place}.filepath",
                fix=_HOLD_BACK if lacks else None,
            )


@rule("KF022", "early-stopping-keeps-last-weights", Severity.WARNING)
def restore_best(facts: Facts) -> Iterator[Finding]:
    """EarlyStopping ends training some epochs after the best one, and keeps the weights of the last.

    It waits `patience` epochs for something better, so that what is left when it stops is worse than what it
    has seen. With `restore_best_weights: true` it goes back to the best epoch.

    For example:

        callbacks:
          EarlyStopping: {monitor: val_loss, patience: 3}

    Use instead:

        callbacks:
          EarlyStopping: {monitor: val_loss, patience: 3, restore_best_weights: true}
    """
    every = tuple(callbacks(facts.experiment.training))
    if any(other.name in _SAVES and _saves_best(other) for other in every):
        return
    for callback in every:
        if callback.name == "EarlyStopping" and callback.arguments.get("restore_best_weights") is not True:
            yield Finding(
                "EarlyStopping keeps the weights of the last epoch, which is not the best; say "
                "restore_best_weights: true",
                Severity.WARNING,
                path=callback.place,
                fix=Fix("restore the best weights", (callback.set("restore_best_weights", True),)),
            )


def _saves_best(callback: Callback) -> bool:
    # Without a path it writes the best model of the run.
    return bool(callback.arguments.get("save_best_only", "filepath" not in callback.arguments))
