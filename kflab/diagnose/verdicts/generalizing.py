"""How training and validation compare, and why."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence

from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.run_facts import RunFacts
from kflab.diagnose.verdicts.curves import fall_of, noise_of, number, share
from kflab.diagnose.verdicts.guessing import accuracy_of, guessing_loss, last_of
from kflab.diagnose.verdicts.rule import VerdictRule, verdict_rule
from kflab.diagnose.wording import and_text
from kflab.values import Value

_NOISE = ("Dropout", "GaussianNoise", "StochasticDepth", "Random", "MixUp", "CutMix", "AugMix")
"""What the names of layers contain that change samples in training only."""

_MOMENTUM = 0.99  # of BatchNormalization, where nothing is said
_UNSETTLED = 0.05


@verdict_rule("KF201", "overfitting", Severity.WARNING)
def overfitting(facts: RunFacts) -> Iterator[Finding]:
    """The model learns the training samples by heart: validation gets worse, or stays far behind.

    From some epoch on the validation loss rises while the training loss falls: what is learned then holds for
    the training samples alone. `EarlyStopping` with `restore_best_weights` keeps the weights from before. To
    close the gap itself, give it more samples or augment them, use Dropout or weight decay, or a smaller
    model.

    Example:
        training:
          epochs: 200

    Write instead:
        training:
          epochs: 200
          callbacks:
            EarlyStopping: {monitor: val_loss, patience: 10, restore_best_weights: true}
    """
    if _lags(facts):
        return  # The moving averages of BatchNormalization explain it.
    if (turned := _turn(facts)) is not None:
        yield turned
    elif gap := _gap(facts):
        yield Finding(
            f"overfitting: {gap}; more or augmented samples, Dropout or a smaller model would help",
            severity=Severity.WARNING,
            path="model",
        )


def _turn(facts: RunFacts) -> Finding | None:
    """Where the validation loss turned to rise for good, if it did and its weights were kept."""
    held, training = fall_of(facts.validation_loss), fall_of(facts.loss)
    if held is None or training is None or len(held.ys) < 5:
        return None
    kept = facts.kept
    best, last = held.best, max((i for i, place in enumerate(held.places) if place <= kept), default=0)
    if last - best < max(3, len(held.ys) // 10):
        return None
    now = held.ys[last]
    rise = now - held.ys[best]
    of_fall = share(rise, held.raw[0] - held.ys[best])
    if of_fall < 0.15 or rise < 0.1 * abs(held.ys[best]) or rise <= 4 * held.noise:
        return None
    before, after = last_of(facts.loss, held.places[best]), last_of(facts.loss, held.places[last])
    if not after < before:
        return None
    near = range(max(0, best - 2), min(best + 3, len(held.raw)))
    epoch = facts.epochs[held.places[min(near, key=lambda index: held.raw[index])]]
    values = [
        (name, last_of(points, held.places[best]), last_of(points, kept))
        for output in facts.experiment.model.output_names()
        if (name := accuracy_of(facts, output)) and (points := facts.validation.get(name, ()))
    ]
    # Sure of wrong answers, a model loses in the loss and not in what it says.
    harmless = bool(values) and all(
        then - end <= 0.01 or not math.isfinite(then - end) for _, then, end in values
    )
    told = "".join(
        f"; val_{name} {'hardly suffered' if harmless else 'went'}: {number(then)} → {number(end)}"
        for name, then, end in values[:1]
        if math.isfinite(then) and math.isfinite(end)
    )
    has_stopper = any(spec.name == "EarlyStopping" for spec in facts.experiment.training.callbacks)
    arguments: Value = {"monitor": "val_loss", "patience": 5, "restore_best_weights": True}
    return Finding(
        f"overfitting from epoch {epoch} on: the validation loss rose from {number(held.ys[best])} to "
        f"{number(now)} while the training loss fell from {number(before)} to {number(after)}{told}",
        severity=Severity.INFO if harmless and not _gap(facts) else Severity.WARNING,
        path="training.callbacks",
        fix=Fix(
            "EarlyStopping with restore_best_weights",
            (
                Assign(("training", "callbacks", "EarlyStopping", "restore_best_weights"), True)
                if has_stopper
                else Assign(("training", "callbacks", "EarlyStopping"), arguments),
            ),
            safe=False,
        ),
    )


def _gap(facts: RunFacts) -> str:
    """How far validation is behind training with the weights that were kept, where that is no accident."""
    kept, samples = facts.kept, facts.validation_samples
    for output in facts.experiment.model.output_names():
        name = accuracy_of(facts, output)
        own, held = _around(facts.training.get(name, ()), kept), _around(facts.validation.get(name, ()), kept)
        if not (math.isfinite(own) and math.isfinite(held)):
            continue
        error = math.sqrt(max(held * (1 - held), 0.01) / samples) if samples else 1.0
        if own - held > max(0.05, 3 * error) and 1 - held > 2 * (1 - own):
            return (
                f"{name} is {number(own)} on the training samples and {number(held)} on those for validation"
            )
    if any(accuracy_of(facts, output) for output in facts.experiment.model.output_names()):
        return ""
    own, held = _around(facts.loss, kept), _around(facts.validation_loss, kept)
    if not (math.isfinite(own) and math.isfinite(held)) or samples < 30 or own < 0:
        return ""
    guess = guessing_loss(facts)
    if guess and own < 0.9 * guess and min(map(_known, facts.validation_loss)) >= 0.98 * guess:
        return (
            f"the loss is {number(own)} on the training samples, and on those for validation never below the "
            f"{number(guess)} of looking at no input"
        )
    start = max(facts.loss[0], facts.first_loss or 0.0)
    noise = max(noise_of(facts.loss), noise_of(facts.validation_loss))
    if own <= 0.5 * start and held > 2 * own and held - own > max(4 * noise, 0.05 * start):
        return f"the loss is {number(own)} on the training samples and {number(held)} on those for validation"
    return ""


def _known(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def _around(points: Sequence[float], index: int) -> float:
    """The median of a value and its neighbours."""
    near = [value for value in points[max(0, index - 1) : index + 2] if math.isfinite(value)]
    return statistics.median(near) if near and 0 <= index < len(points) else math.nan


@verdict_rule("KF026", "training-and-validation-differ", Severity.INFO)
def training_and_validation_differ(facts: RunFacts) -> Iterator[Finding]:
    """Validation looks better than training, or worse, for a reason that is no mistake.

    Both are not measured in the same way. In training, Dropout and augmentation make the task harder, class
    weights change the loss, and the figure of an epoch is the mean over its steps, the first of which were
    made by a worse model. BatchNormalization uses the batch at hand in training, and moving averages in
    validation, which follow slowly: after few steps, validation looks much worse than the model is.

    Example:
        nodes:
          bn: {BatchNormalization: {}, from: conv}   # 5 steps an epoch, 10 epochs

    Write instead:
        nodes:
          bn: {BatchNormalization: {momentum: 0.9}, from: conv}
    """
    if lag := _lags(facts):
        yield lag
        return
    own, held = facts.loss, facts.validation_loss
    pairs = [
        (index, training, validation)
        for index, (training, validation) in enumerate(zip(own, held, strict=False))
        if math.isfinite(training) and math.isfinite(validation)
    ]
    later = pairs[len(pairs) // 2 :]
    better = [(index, a, b) for index, a, b in later if b < a]
    if len(pairs) < 2 or len(better) < 0.75 * len(later):
        return
    gap = statistics.median(a - b for _, a, b in later)
    scale = max(facts.first_loss or 0.0, own[0]) - min(a for _, a, _ in pairs)
    level = statistics.median(a for _, a, _ in later)
    if gap < 0.1 * abs(level) or gap < 0.02 * scale or gap <= 2 * noise_of(held):
        return
    if reason := _why_better(facts, later, gap):
        yield Finding(
            f"validation looks better than training (loss {number(later[-1][2])} against "
            f"{number(later[-1][1])}): {reason}",
            severity=Severity.INFO,
        )


def _why_better(facts: RunFacts, later: Sequence[tuple[int, float, float]], gap: float) -> str:
    reasons = []
    if noisy := _noisy_layers(facts):
        names = and_text(noisy[:3])
        more = f" and {len(noisy) - 3} more" if len(noisy) > 3 else ""
        reasons.append(f"{names}{more} {'is' if len(noisy) == 1 else 'are'} at work in training only")
    if facts.experiment.data.augment:
        reasons.append("training samples are augmented, those for validation are not")
    if facts.experiment.training.class_weight is not None:
        reasons.append("class weights count in the training loss only")
    shifted = [
        (facts.loss[index] + facts.loss[index + 1]) / 2 - validation
        for index, _, validation in later
        if index + 1 < len(facts.loss) and math.isfinite(facts.loss[index + 1])
    ]
    if shifted and statistics.median(shifted) < 0.4 * gap:
        reasons.append(
            "the training figure is the mean over an epoch in which the model still got better, and "
            "validation comes at its end"
        )
    if not reasons and facts.validation_samples and facts.validation_samples < 200:
        reasons.append(
            f"{facts.validation_samples} validation samples are few, and happen to be easier than the others"
        )
    return "; ".join(reasons)


def _noisy_layers(facts: RunFacts) -> list[str]:
    """The nodes whose layers change samples at random in training only."""
    found = []
    for _, node, layer in facts.layers():
        by_name = any(word in layer.layer for word in _NOISE) and layer.arguments.get("rate") != 0
        rates = (layer.arguments.get("dropout"), layer.arguments.get("recurrent_dropout"))
        if by_name or any(isinstance(rate, int | float) and rate > 0 for rate in rates):
            found.append(node)
    return list(dict.fromkeys(found))


def _lags(facts: RunFacts) -> Finding | None:
    """The moving averages of BatchNormalization that have not come near what the batches have."""
    own, held = facts.loss, facts.validation_loss
    steps = facts.steps * len(facts.epochs)
    if not steps or not own or not held:
        return None
    last, behind = own[-1], held[-1]
    if not (math.isfinite(last) and math.isfinite(behind)) or behind < 1.5 * last or last < 0:
        return None
    for graph, node, layer in facts.layers():
        momentum = layer.arguments.get("momentum", _MOMENTUM)
        if layer.layer != "BatchNormalization" or not isinstance(momentum, int | float):
            continue
        left = momentum**steps if 0 < momentum < 1 else 0.0
        if left > _UNSETTLED:
            return Finding(
                f"validation looks worse than the model is (loss {number(behind)} against {number(last)}): "
                f"after {steps} steps, the moving averages of {node} still hold {left:.0%} of what they "
                "started with; use a momentum such as 0.9, or more steps",
                severity=Severity.INFO,
                graph=graph,
                node=node,
                path="" if graph else f"model.nodes.{node}.BatchNormalization.momentum",
            )
    return None


RULES: tuple[VerdictRule, ...] = (overfitting, training_and_validation_differ)
"""The rules of this module."""
