"""The rule on probabilities and logits: what the output gives and what its loss takes."""

from __future__ import annotations

from collections.abc import Iterator

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.groups import CHOSEN_BY_LOSS
from kflab.diagnose.endings import LINEAR, Ending
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix, Step
from kflab.diagnose.held import BINARY_LOSSES, Held, about, held_outputs, metrics_path, use_loss
from kflab.diagnose.rules.rule import rule
from kflab.experiment import Spec

FROM_LOGITS = "from_logits"
"""The argument of a loss or metric that says that the output is no probability yet."""

_PROBABILITIES = frozenset({"hard_sigmoid", "sigmoid", "softmax", "sparse_sigmoid", "sparsemax"})


@rule("KF002", "probabilities-taken-for-logits", Severity.WARNING)
def logits(facts: Facts) -> Iterator[Finding]:
    """The output gives probabilities and the loss expects logits, or the reverse.

    A loss with `from_logits: true` applies the softmax or sigmoid itself; without it, it expects an output
    that has one. Keras does not complain where both do it, or neither: the model trains slowly, to a poor
    result or not at all. Metrics with a threshold of 0.5, `accuracy` of a single unit among them, expect
    probabilities in any case.

    Example of both:

        digit: {Dense: {units: 10, activation: softmax}, from: hidden}
        ...
        loss: {SparseCategoricalCrossentropy: {from_logits: true}}

    Use instead one of them:

        digit: {Dense: {units: 10, activation: softmax}, from: hidden}
        ...
        loss: SparseCategoricalCrossentropy
    """
    for held in held_outputs(facts):
        ending = held.ending
        if ending is None or held.loss is None or held.target is None:
            continue
        entry = catalog.load().find(Kind.LOSS, held.loss_name)
        if entry is None or entry.argument(FROM_LOGITS) is None:
            continue
        if held.has_logits and ending.activation in _PROBABILITIES:
            yield about(
                facts,
                held,
                f"{held.loss_name} with from_logits expects raw numbers, but this output ends in a "
                f"{ending.activation}, which would be applied twice",
                Fix(
                    "take from_logits away",
                    (use_loss(facts, held.name, held.loss_name, from_logits=None),),
                ),
                Severity.WARNING,
            )
        elif held.has_logits:
            yield from _thresholds(facts, held, ending)
        elif not _gives_probabilities(held, ending):
            yield _no_probabilities(facts, held, ending)


def _gives_probabilities(held: Held, ending: Ending) -> bool:
    low, high = ending.range
    # The losses for classes divide by the sum, so that any positive numbers are probabilities to them.
    return low >= 0 and (high <= 1 or held.loss_name not in BINARY_LOSSES)


def _no_probabilities(facts: Facts, held: Held, ending: Ending) -> Finding:
    is_linear = ending.activation == LINEAR
    has = "has no activation" if is_linear else f"ends in {ending.activation}"
    wanted = "sigmoid" if held.loss_name in BINARY_LOSSES else "softmax"
    if is_linear and wanted == "softmax":
        use = "say from_logits: true, or use a softmax"
        step: Step | None = use_loss(facts, held.name, held.loss_name, from_logits=True)
        title = "say from_logits"
    else:
        use = f"use a {wanted}"
        step, title = ending.becomes(wanted), f"use a {wanted}"
    return about(
        facts,
        held,
        f"{held.loss_name} expects probabilities, but this output {has}; {use}",
        Fix(title, (step,)) if step is not None else None,
        Severity.WARNING,
    )


def _thresholds(facts: Facts, held: Held, ending: Ending) -> Iterator[Finding]:
    """Metrics that hold logits against a threshold that is meant for probabilities."""
    if ending.activation != LINEAR or held.loss_name not in BINARY_LOSSES:
        return
    for metric in held.metrics:
        if not _counts_from_half(metric, held):
            continue
        sigmoid = ending.becomes("sigmoid")
        loss = use_loss(facts, held.name, held.loss_name, from_logits=None)
        yield Finding(
            f"{metric.name} counts an output above 0.5 as 1, but these are logits, where that is above 0; "
            "use a sigmoid and no from_logits, or BinaryAccuracy with the threshold 0",
            Severity.WARNING,
            node=held.node,
            path=metrics_path(facts.experiment.training, held.name),
            fix=Fix("use a sigmoid and no from_logits", (sigmoid, loss)) if sigmoid is not None else None,
        )
        return


def _counts_from_half(metric: Spec, held: Held) -> bool:
    entry = catalog.load().find(Kind.METRIC, metric.name)
    if entry is None:
        return False
    if entry.group == CHOSEN_BY_LOSS:
        return entry.name == "accuracy" and held.units == 1
    if metric.arguments.get(FROM_LOGITS) is True:
        return False
    threshold = next(
        (entry.argument(name) for name in ("threshold", "thresholds") if entry.argument(name)), None
    )
    if threshold is None or (threshold.default is None and entry.argument("average") is not None):
        return False
    return threshold.name not in metric.arguments
