"""Rules on what training will take: memory, and time lost to small steps."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.samples import training_samples
from kflab.diagnose.wording import and_text
from kflab.engine.protocol import Cost

SMALL_BATCH, MANY_STEPS = 8, 5_000
"""A batch of at most so many samples, and at least so many steps an epoch, cost more than they bring."""

USUAL_BATCH = 32

_LARGEST = 3
_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_THOUSAND = 1000


@rule("KF019", "not-enough-memory", Severity.WARNING)
def memory(facts: Facts) -> Iterator[Finding]:
    """Training will take more memory than the device has.

    It keeps the weights, a gradient and the optimizer's slots for each, and what every layer gives for the
    batch. The latter grows with the batch: half the batch takes half of it. What weights and
    slots take, only a smaller model or an optimizer with fewer slots saves.

    For example:

        training: {batch_size: 1024}

    Use instead:

        training: {batch_size: 128}
    """
    cost = facts.report.cost if facts.report is not None else Cost()
    if not cost.available or cost.memory.total <= cost.available:
        return
    heavy = sorted(cost.nodes, key=lambda node: node.bytes, reverse=True)[:_LARGEST]
    named = and_text([f"{node.node} ({_bytes(node.bytes)})" for node in heavy if node.bytes])
    most = f"; most of it for {named}" if named else ""
    where = cost.device or "the device"
    yield Finding(
        f"training takes about {_bytes(cost.memory.total)}, but {where} has {_bytes(cost.available)}{most}",
        Severity.WARNING,
        path="training.batch_size",
        fix=_smaller_batch(facts, cost),
    )


def _smaller_batch(facts: Facts, cost: Cost) -> Fix | None:
    """The largest half, quarter, eighth... of the batch that fits, if there is one."""
    batch = facts.experiment.training.batch_size
    fixed = cost.memory.weights + cost.memory.gradients + cost.memory.slots
    growing = cost.memory.activations + cost.memory.batch
    smaller = batch // 2
    while smaller and fixed + growing * smaller / batch > cost.available:
        smaller //= 2
    if not smaller:
        return None
    step = Assign(("training", "batch_size"), smaller)
    return Fix(f"use a batch of {smaller}", (step,), safe=False)


def _bytes(count: float) -> str:
    unit = 0
    while count >= _THOUSAND and unit < len(_UNITS) - 1:
        count, unit = count / _THOUSAND, unit + 1
    return f"{count:.3g} {_UNITS[unit]}"


@rule("KF020", "slow-for-small-batches", Severity.INFO)
def small_batches(facts: Facts) -> Iterator[Finding]:
    """A tiny batch and a large dataset make an epoch long.

    Each step has a cost of its own that does not depend on the batch: some milliseconds of Python and of
    starting the kernels, during which a GPU waits. With a batch of 4 nearly all of the time goes there.

    For example:

        training: {batch_size: 2}

    Use instead:

        training: {batch_size: 32}
    """
    samples, batch = training_samples(facts), facts.experiment.training.batch_size
    if samples is None or batch > SMALL_BATCH or samples / batch < MANY_STEPS:
        return
    yield Finding(
        f"an epoch takes {samples // batch:,} steps of {batch} samples, and each step costs some "
        f"milliseconds whatever its size; {USUAL_BATCH} or more is usual",
        Severity.INFO,
        path="training.batch_size",
        fix=Fix(
            f"use a batch of {USUAL_BATCH}",
            (Assign(("training", "batch_size"), USUAL_BATCH),),
            safe=False,
        ),
    )
