"""What came of a run besides its curves: what was predicted, how fast it was, whether it can be had again."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from kflab.catalog.dataset_types import TargetInfo
from kflab.catalog.matching import match
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.run_facts import RunFacts
from kflab.diagnose.verdicts.rule import VerdictRule, verdict_rule
from kflab.runs.events import End

_ONE_CLASS = 0.995
_SMALL_BATCH = 32
_SHORT_STEP = 0.01  # seconds: what a step costs besides its arithmetic is a good part of it then
_WAITING = 0.4  # of the time: what a step takes hardly matters any more
_LONG = 20.0  # seconds of all epochs; nobody waits for less


@verdict_rule("KF028", "one-class-predicted", Severity.WARNING)
def one_class_predicted(facts: RunFacts) -> Iterator[Finding]:
    """The model gives every sample the same class.

    With classes of very different size that is the easy way to a high accuracy: 95 of 100 samples are right
    when 95 are of one class. Look at the confusion matrix and not at the accuracy, and let the rare classes
    count for more. With classes of the same size, it has learned nothing.

    Example:
        training:
          loss: BinaryCrossentropy     # 5 of 100 samples are positive

    Write instead:
        training:
          loss: BinaryCrossentropy
          class_weight: balanced
    """
    for output, target in facts.targets.items():
        shares = [count / target.samples for count in target.counts] if target.samples else []
        if target.exclusive and shares and max(shares) == 1 and target.samples >= 2:
            label = _label(facts, output, shares.index(1))
            yield Finding(
                f"all {target.samples:,} training samples are of the class {label}: there is nothing to tell "
                "apart",
                severity=Severity.WARNING,
                path="data",
            )
            return
    for output, counts in facts.predicted.outputs.items() if facts.predicted else ():
        samples, classes = sum(counts.predicted), sum(1 for count in counts.true if count)
        if samples < 10 or classes < 2 or max(counts.predicted) < _ONE_CLASS * samples:
            continue
        index = counts.predicted.index(max(counts.predicted))
        held = counts.true[index] if index < len(counts.true) else 0
        if held >= 0.95 * samples and samples - held < 5:
            continue  # Too few others to tell whether it would ever name them.
        several = len(facts.experiment.model.outputs) > 1
        every = "every one" if max(counts.predicted) == samples else f"{max(counts.predicted):,}"
        unbalanced = held > 0.6 * samples
        yield Finding(
            f"{f'{output}: ' if several else ''}{every} of {samples:,} samples was predicted to be "
            f"{_label(facts, output, index)}; {held:,} are"
            + ("; give rare classes more weight" if unbalanced else ""),
            severity=Severity.WARNING,
            path="training.class_weight" if unbalanced else "training",
            fix=Fix("class_weight: balanced", (Assign(("training", "class_weight"), "balanced"),), safe=False)
            if unbalanced and facts.experiment.training.class_weight is None and not several
            else None,
        )


def _label(facts: RunFacts, output: str, index: int) -> str:
    """The name of a class, or its number."""
    if facts.info is not None:
        target = match(facts.experiment.model, facts.experiment.data, facts.info).targets.get(output)
        if isinstance(target, TargetInfo) and index < len(target.labels):
            return f"{target.labels[index]!r}"
    return str(index)


@verdict_rule("KF020", "fit-is-slow", Severity.INFO)
def fit_is_slow(facts: RunFacts) -> Iterator[Finding]:
    """Most of the time goes into something else than arithmetic: tiny steps, or waiting for samples.

    Every step costs about a millisecond that has nothing to do with how many samples are in it: starting the
    operations, reading the metrics. With steps that short, a batch four times as large takes hardly longer,
    and an epoch is three times as fast. On a GPU even more so.

    Samples that are not in memory are read while it trains. Where that is slower than the steps, a larger
    batch does not help: keep the samples in a form that reads faster, or make them smaller beforehand.

    Example:
        training:
          batch_size: 8      # of 60,000 samples: 7,500 steps an epoch

    Write instead:
        training:
          batch_size: 128
    """
    seconds = [value for value in facts.seconds if math.isfinite(value)]
    steady = seconds[1:] or seconds  # The first one compiles.
    size = facts.experiment.training.batch_size
    if not steady or not facts.steps or sum(seconds) < _LONG:
        return
    if facts.waited > _WAITING * sum(seconds):
        yield Finding(
            f"fit is slow: for {facts.waited:.0f} of {sum(seconds):.0f} seconds, training waited for samples "
            "to be read and prepared; have them in a file that reads faster (.npz, .parquet), smaller, or "
            "prepared and augmented less",
            severity=Severity.INFO,
            path="data",
        )
        return
    step = statistics.median(steady) / facts.steps
    is_gpu = any("gpu" in device.lower() for device in facts.devices)
    if size > _SMALL_BATCH * (2 if is_gpu else 1) or facts.steps < 200 or step >= _SHORT_STEP:
        return
    better = size
    while better < 256 and facts.train_samples // (2 * better) >= 50:
        better *= 2
    if better == size:
        return
    yield Finding(
        f"fit is slow: {facts.steps:,} steps an epoch of {1000 * step:.1f} ms each, most of which is spent "
        f"around the arithmetic; a batch size of {better} instead of {size} makes {better // size} times "
        "fewer",
        severity=Severity.INFO,
        path="training.batch_size",
        fix=Fix(f"batch_size: {better}", (Assign(("training", "batch_size"), better),), safe=False),
    )


@verdict_rule("KF035", "not-reproducible", Severity.INFO)
def not_reproducible(facts: RunFacts) -> Iterator[Finding]:
    """No seed was given, so the next run starts from other weights and sees the samples in another order.

    kflab draws a seed then and writes it down with the run. Put it into the document to have the same again.
    On a GPU some operations add up in another order each time, and the last digits differ even so.

    Example:
        training:
          epochs: 20

    Write instead:
        training:
          epochs: 20
          seed: 1
    """
    if facts.seed_drawn and facts.end in {End.DONE, End.STOPPED} and facts.experiment.training.seed is None:
        yield Finding(
            f"no seed was given, so another run will differ; this one drew {facts.seed}",
            severity=Severity.INFO,
            path="training.seed",
            fix=Fix(f"seed: {facts.seed}", (Assign(("training", "seed"), facts.seed),)),
        )


RULES: tuple[VerdictRule, ...] = (one_class_predicted, fit_is_slow, not_reproducible)
"""The rules of this module."""
