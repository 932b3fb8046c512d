"""Whether a run learned anything, enough, and long enough."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.run_facts import RunFacts
from kflab.diagnose.verdicts.curves import Fall, fall_of, number, share
from kflab.diagnose.verdicts.guessing import (
    accuracy_of,
    chance_loss,
    guessing_loss,
    last_of,
    majority,
)
from kflab.diagnose.verdicts.rule import VerdictRule, verdict_rule
from kflab.runs.events import End

RATE = "training.optimizer.learning_rate"
"""The setting that most verdicts are about."""

_FAR = 30  # times the usual learning rate
_SETTLED = 0.05  # of the whole fall: what falls less in the last quarter has settled
_NOTHING = 0.97  # of the loss of guessing
_LITTLE = 0.7


@verdict_rule("KF018", "learning-rate-off", Severity.WARNING)
def learning_rate_off(facts: RunFacts) -> Iterator[Finding]:
    """The learning rate is off by orders of magnitude, or the first loss is far from what chance gives.

    A step that is too long jumps over the minimum: the loss shoots up at once, swings from epoch to epoch, or
    sticks at a level that the layers can not leave any more. A step that is too short moves nothing: the loss
    of the last epoch is nearly that of the first step.

    Before anything is learned, a classifier gives each of n classes the same probability, and its loss is
    ln(n): 2.303 for ten classes. A first loss of several times that says that the model starts out sure of
    wrong answers, most often because its inputs are not scaled.

    Example:
        training:
          optimizer: {Adam: {learning_rate: 0.5}}

    Write instead:
        training:
          optimizer: {Adam: {learning_rate: 1e-3}}
    """
    fall, first = fall_of((facts.first_loss or math.nan, *facts.loss)), facts.first_loss
    if fall is None:
        return
    if high := _too_high(facts, fall):
        yield Finding(high, severity=Severity.WARNING, path=RATE, fix=_usual_rate(facts, lower=True))
        return
    rate, usual = facts.rate, facts.usual_rate
    if first is not None and rate is not None and len(facts.loss) >= 2:
        fell = share(first - min(fall.ys), first)
        too_low = rate <= (usual / _FAR if usual else 1e-6)
        if first > 0 and fell < 0.1 and too_low:
            yield Finding(
                f"the learning rate {rate:g} is too low: the loss was {number(first)} in the first step and "
                f"is {number(facts.loss[-1])} after {len(facts.loss)} epochs",
                severity=Severity.WARNING,
                path=RATE,
                fix=_usual_rate(facts, lower=False),
            )
            return
    yield from _first_loss(facts, fall)


def _too_high(facts: RunFacts, fall: Fall) -> str:
    """In what way the learning rate is too high, or ""."""
    first, losses = facts.first_loss, [loss for loss in facts.loss if math.isfinite(loss)]
    rate, usual = facts.rate, facts.usual_rate
    shown = f"the learning rate {rate:g}" if rate is not None else "the learning rate"
    if not losses:
        return ""
    if first is not None and first > 0:
        if min(losses) > 1.5 * first:
            return (
                f"{shown} is far too high: the loss was {number(first)} in the first step and never below "
                f"{number(min(losses))} over an epoch after it"
            )
        peak = losses.index(max(losses))
        has_fallen = any(loss < 0.7 * first for loss in losses[:peak])
        if max(losses) > 3 * first and losses[-1] > 0.5 * first and not has_fallen:
            epoch = facts.epochs[facts.loss.index(max(losses))]
            return (
                f"{shown} is too high: the loss shot up from {number(first)} to {number(max(losses))} in "
                f"epoch {epoch} and stuck at {number(losses[-1])}"
            )
    if rate is not None and usual and rate >= _FAR * usual and _learned_nothing(facts):
        return (
            f"{shown} is too high, {rate / usual:,.0f} times what {facts.optimizer.name} has in Keras: the "
            f"loss sticks at {number(losses[-1])}"
        )
    if _swings(losses, guessing_loss(facts) or first or fall.raw[0]):
        return (
            f"{shown} is too high: the training loss swings from epoch to epoch, between "
            f"{number(min(losses[len(losses) // 2 :]))} and {number(max(losses[len(losses) // 2 :]))} in the "
            "second half"
        )
    return ""


def _swings(losses: list[float], start: float) -> bool:
    """Whether the loss rises by a fifth every third epoch, at a level that matters."""
    later = losses[len(losses) // 3 :]
    if len(later) < 6 or min(losses) < 0:
        return False
    rises = sum(after > 1.2 * before for before, after in itertools.pairwise(later))
    return rises >= (len(later) - 1) / 3 and sorted(later)[len(later) // 2] > 0.25 * start


def _first_loss(facts: RunFacts, fall: Fall) -> Iterator[Finding]:
    chance, first = chance_loss(facts), facts.first_loss
    if chance is None or first is None or first < 3 * chance or facts.experiment.training.initial_weights:
        return
    recovered = fall.ys[-1] < 0.5 * chance
    yield Finding(
        f"the very first loss was {number(first)}, where a model that knows nothing has {number(chance)}: it "
        "starts out sure of wrong answers, most often because the inputs are not scaled",
        severity=Severity.INFO if recovered else Severity.WARNING,
        path="data.scale",
    )


def _usual_rate(facts: RunFacts, *, lower: bool) -> Fix | None:
    rate, usual = facts.rate, facts.usual_rate
    if rate is None:
        return None
    better = usual if usual and (usual < rate) is lower and usual != rate else rate / 10 if lower else None
    given = facts.experiment.training.optimizer
    if better is None or isinstance(given.arguments.get("learning_rate"), Mapping):
        return None
    better = float(f"{better:.3g}")
    return Fix(
        f"learning_rate: {better:g}",
        (Assign(("training", "optimizer", given.name, "learning_rate"), better),),
        safe=False,
    )


@verdict_rule("KF206", "nothing-learned", Severity.WARNING)
def nothing_learned(facts: RunFacts) -> Iterator[Finding]:
    """The model does no better than somebody who looks at no input.

    Who says the most frequent class each time, or the mean of all values, reaches a certain accuracy or loss
    without knowing anything. A model that only reaches the same has learned nothing: the inputs say nothing
    about the targets (mixed up, shuffled apart), nothing is trained (everything frozen, activations that are
    dead), or the learning rate is off.

    Example:
        nodes:
          hidden: {Dense: {units: 64, activation: relu, trainable: false}, from: features}

    Write instead:
        nodes:
          hidden: {Dense: {units: 64, activation: relu}, from: features}
    """
    if _learned_nothing(facts):
        yield Finding(
            f"nothing was learned: {_against_guessing(facts)}",
            severity=Severity.WARNING,
            path="training",
        )


def _learned_nothing(facts: RunFacts) -> bool:
    training = fall_of(facts.loss)
    if training is None:
        return False
    guess = guessing_loss(facts)
    if guess is None or guess < 1e-3:
        return False
    held = facts.validation_loss if any(map(math.isfinite, facts.validation_loss)) else facts.loss
    lowest = min(value for value in (*training.raw, *held) if math.isfinite(value))
    return lowest >= _NOTHING * guess and not _beats_majority(facts)


def _beats_majority(facts: RunFacts) -> bool:
    """Whether some accuracy is above that of the most frequent class by more than chance would have it."""
    for output in facts.experiment.model.output_names():
        target, name = facts.targets.get(output), accuracy_of(facts, output)
        most = majority(target) if target else None
        if not name or most is None:
            continue
        for points, samples in (
            (facts.training.get(name, ()), facts.train_samples),
            (facts.validation.get(name, ()), facts.validation_samples),
        ):
            best = max((value for value in points[len(points) // 2 :] if math.isfinite(value)), default=0.0)
            error = math.sqrt(most * (1 - most) / samples) if samples else 0.0
            if best > most + 0.02 + 3 * error:
                return True
    return False


def _against_guessing(facts: RunFacts) -> str:
    parts = []
    for output in facts.experiment.model.output_names():
        target, name = facts.targets.get(output), accuracy_of(facts, output)
        most = majority(target) if target else None
        if name and most is not None:
            values = facts.validation.get(name) or facts.training[name]
            parts.append(
                f"{name} {number(last_of(values, facts.kept))}, where saying the most frequent class each "
                f"time gives {number(most)}"
            )
    if not parts:
        losses = facts.validation_loss or facts.loss
        parts.append(
            f"the loss is {number(last_of(losses, facts.kept))}, where looking at no input gives "
            f"{number(guessing_loss(facts) or math.nan)}"
        )
    return "; ".join(parts)


@verdict_rule("KF204", "diverged", Severity.WARNING, early=True)
def diverged(facts: RunFacts) -> Iterator[Finding]:
    """The loss fell at first and then rose above where it had begun.

    One batch with large gradients was enough to throw the weights out of the region where they had been good.
    A lower learning rate, `clipnorm` on the optimizer, or fewer recurrent steps keep that from happening.

    Example:
        training:
          optimizer: {SGD: {learning_rate: 0.5, momentum: 0.9}}

    Write instead:
        training:
          optimizer: {SGD: {learning_rate: 0.05, momentum: 0.9, clipnorm: 1}}
    """
    first, fall = facts.first_loss, fall_of(facts.loss)
    if fall is None or first is None or first <= 0 or len(fall.raw) < 3:
        return
    lowest = min(fall.raw)
    if lowest < 0.7 * first and min(fall.raw[-2:]) > max(first, 3 * lowest):
        best = facts.epochs[fall.places[fall.raw.index(lowest)]]
        yield Finding(
            f"training diverged: the loss was {number(lowest)} in epoch {best} and is {number(fall.raw[-1])} "
            f"in epoch {facts.epochs[fall.places[-1]]}, more than the {number(first)} it began with",
            severity=Severity.WARNING,
            path=RATE,
            fix=_usual_rate(facts, lower=True),
        )


@verdict_rule("KF203", "not-converged", Severity.WARNING)
def not_converged(facts: RunFacts) -> Iterator[Finding]:
    """The loss still falls in the last epochs: more of them would make the model better.

    What falls in the last quarter of the epochs is more than a twentieth of all that it fell. `EarlyStopping`
    makes it safe to ask for many epochs: it ends the run when the loss has stopped falling.

    Example:
        training:
          epochs: 5

    Write instead:
        training:
          epochs: 50
          callbacks:
            EarlyStopping: {monitor: val_loss, patience: 5, restore_best_weights: true}
    """
    fall = _judged(facts)
    if fall is None or _was_stopped_early(facts):
        return
    tail = fall.tail()
    gained, whole = tail[0] - tail[-1], _whole(facts, fall)
    falls_on = fall.best >= len(fall.ys) - 1 - len(fall.ys) // 12
    if not falls_on or gained < _SETTLED * whole or gained <= 3 * fall.noise or gained <= 0:
        return
    training = fall_of(facts.loss)
    if training is None or training.tail()[-1] > training.tail()[0] + training.noise:
        return
    epochs = facts.experiment.training.epochs
    was = "it was stopped" if facts.end is End.STOPPED else "training ended"
    which = "validation loss" if _is_validated(facts) else "loss"
    yield Finding(
        f"not converged: the {which} was still falling when {was}, from {number(tail[0])} to "
        f"{number(tail[-1])} over the last {len(tail)} epochs: train for more of them",
        severity=Severity.WARNING,
        path="training.epochs",
        fix=Fix(f"epochs: {2 * epochs}", (Assign(("training", "epochs"), 2 * epochs),), safe=False),
    )


@verdict_rule("KF202", "underfitting", Severity.WARNING)
def underfitting(facts: RunFacts) -> Iterator[Finding]:
    """The model is little better than guessing even on the samples it was trained on, and gets no better.

    It is too small for the task, too much held back (dropout, weight decay), or its inputs tell no more about
    the targets. Try a larger model on a few hundred samples: if that one learns them by heart, the first one
    was too small; if it can not, the data has no more to tell.

    Example:
        nodes:
          hidden: {Dense: {units: 2, activation: relu}, from: image}

    Write instead:
        nodes:
          hidden: {Dense: {units: 128, activation: relu}, from: image}
    """
    fall, guess = fall_of(facts.loss), guessing_loss(facts)
    if fall is None or guess is None or len(fall.ys) < 5 or _learned_nothing(facts):
        return
    tail = fall.tail()
    if tail[0] - tail[-1] >= _SETTLED * _whole(facts, fall) + 2 * fall.noise:
        return
    lowest = min(value for value in (*fall.ys, *facts.validation_loss) if math.isfinite(value))
    if lowest < _LITTLE * guess:
        return
    yield Finding(
        f"underfitting: the loss settled at {number(fall.ys[-1])} on the training samples themselves, where "
        f"looking at no input gives {number(guess)}: the model is too small or too much held back, or the "
        "inputs tell no more",
        severity=Severity.WARNING,
        path="model",
    )


@verdict_rule("KF205", "converged", Severity.INFO)
def converged(facts: RunFacts) -> Iterator[Finding]:
    """The loss has stopped falling, and nothing is wrong with the curves.

    More epochs would hardly change the model. To get further, change the model or the data.
    """
    fall = _judged(facts)
    if fall is None or len(fall.ys) < 4:
        return
    whole = _whole(facts, fall)
    tail = fall.tail()
    if tail[0] - tail[-1] >= _SETTLED * whole + 2 * fall.noise or whole < 0.05 * abs(fall.raw[0]):
        return
    near = min(fall.ys) + 0.02 * whole
    settled = next(index for index, value in enumerate(fall.ys) if value <= near)
    which = "validation loss" if _is_validated(facts) else "loss"
    yield Finding(
        f"converged: the {which} settled near {number(min(fall.ys))} from epoch "
        f"{facts.epochs[fall.places[settled]]} on",
        severity=Severity.INFO,
    )


def _is_validated(facts: RunFacts) -> bool:
    return fall_of(facts.validation_loss) is not None


def _judged(facts: RunFacts) -> Fall | None:
    """The curve that tells how good the model is: the validation loss, or else the loss."""
    return fall_of(facts.validation_loss) or fall_of(facts.loss)


def _whole(facts: RunFacts, fall: Fall) -> float:
    """How far the loss fell in all, from the first step on where that was no outlier."""
    start = fall.raw[0]
    if facts.first_loss is not None:
        start = max(start, min(facts.first_loss, 2 * start if start > 0 else start))
    return max(start - min(fall.ys), 0.0)


def _was_stopped_early(facts: RunFacts) -> bool:
    """Whether a callback of the experiment ended it, as far as the epochs tell."""
    return (
        facts.end is not End.STOPPED
        and 0 < len(facts.epochs) < facts.planned
        and any(spec.name == "EarlyStopping" for spec in facts.experiment.training.callbacks)
    )


RULES: tuple[VerdictRule, ...] = (
    learning_rate_off,
    underfitting,
    not_converged,
    diverged,
    converged,
    nothing_learned,
)
"""The rules of this module."""
