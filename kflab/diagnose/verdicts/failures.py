"""Why a run broke: a loss that is no number, memory that ran out."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.run_facts import RunFacts
from kflab.diagnose.verdicts.curves import number
from kflab.diagnose.verdicts.guessing import loss_name
from kflab.diagnose.verdicts.learning import RATE
from kflab.diagnose.verdicts.rule import VerdictRule, verdict_rule
from kflab.graph.nodes import Layer, Op, source_of
from kflab.runs.crash import OUT_OF_MEMORY
from kflab.runs.events import NotFinite

_LARGE_INPUTS = 50.0
_UNDEFINED_OPS = {
    "ops.log": "is minus infinity at 0 and no number below it",
    "ops.log10": "is minus infinity at 0 and no number below it",
    "ops.log2": "is minus infinity at 0 and no number below it",
    "ops.sqrt": "is no number below 0, and has no gradient at 0",
    "ops.rsqrt": "is infinite at 0",
    "ops.divide": "is infinite where it divides by 0",
    "ops.true_divide": "is infinite where it divides by 0",
    "ops.reciprocal": "is infinite at 0",
    "ops.power": "is no number for a fraction of a negative base",
    "ops.exp": "is infinite above 88",
    "ops.norm": "has no gradient at 0",
    "ops.arccos": "has no gradient at 1",
}
_PROBABILITIES = frozenset(
    {
        "CategoricalCrossentropy",
        "SparseCategoricalCrossentropy",
        "BinaryCrossentropy",
        "KLDivergence",
        "Poisson",
        "CategoricalFocalCrossentropy",
        "BinaryFocalCrossentropy",
    }
)
_TO_PROBABILITIES = frozenset({"softmax", "sigmoid", "hard_sigmoid", "sparsemax"})


@verdict_rule("KF017", "loss-not-a-number", Severity.WARNING, early=True)
def loss_not_a_number(facts: RunFacts) -> Iterator[Finding]:
    """The loss became NaN or infinite: from then on, no weight holds a number any more.

    The verdict says in which batch, and what makes it likely: a NaN in the data; a loss that grew before, for
    which the learning rate or unscaled inputs are too large; or, out of the blue, a logarithm or a division
    of 0, as where a crossentropy that expects probabilities gets something else.

    Example:
        nodes:
          digit: {Dense: {units: 10, activation: relu}, from: hidden}
        training:
          loss: CategoricalCrossentropy

    Write instead:
        nodes:
          digit: {Dense: {units: 10, activation: softmax}, from: hidden}
        training:
          loss: CategoricalCrossentropy
    """
    lost = facts.not_finite
    if lost is None:
        epoch = next((e for e, y in zip(facts.epochs, facts.loss, strict=False) if not math.isfinite(y)), 0)
        if not epoch:
            return
        lost, where = NotFinite(0.0, epoch, 0), f"in epoch {epoch}"
    else:
        where = f"in epoch {lost.epoch}, batch {lost.step}"
    cause, finding = _cause(facts, lost)
    yield Finding(
        f"the loss became NaN {where}: {cause}",
        severity=Severity.WARNING,
        node=finding.node,
        path=finding.path,
        fix=finding.fix,
    )


def _cause(facts: RunFacts, lost: NotFinite) -> tuple[str, Finding]:
    """The likely cause in words, with its place and fix."""
    if lost.unusable:
        text = (
            f"{lost.unusable:,} of the {lost.looked_at:,} training samples that were looked at hold a NaN or "
            "an infinity"
        )
        return text, Finding(text, path="data")
    first = facts.first_loss
    highest = max((value for value in (lost.before, lost.highest) if value is not None), default=None)
    large = _largest_input(lost)
    grown = first is not None and highest is not None and highest > 10 * abs(first)
    if not grown and (found := _undefined(facts)) is not None:
        return found.message, found
    rate, usual = facts.rate, facts.usual_rate
    lower = _lower_rate(facts)
    growth = (
        f"it had grown from {number(first)} to {number(highest)}; " if grown and first and highest else ""
    )
    is_fast = rate is not None and usual is not None and rate >= 10 * usual
    if is_fast and rate is not None:
        text = f"{growth}the learning rate {rate:g} is too high"
        return text, Finding(text, path=RATE, fix=lower)
    if large > _LARGE_INPUTS:
        text = f"{growth}the inputs reach {number(large)}: scale them, as with `scale: standard`"
        fix = Fix("scale: standard", (Assign(("data", "scale"), "standard"),), safe=False)
        return text, Finding(text, path="data.scale", fix=fix)
    if grown:
        text = f"{growth}the learning rate is too high, or gradients need `clipnorm` on the optimizer"
        return text, Finding(text, path=RATE, fix=lower)
    text = (
        "it came out of the blue: look for a logarithm, a root or a division that can meet 0, or try a lower "
        "learning rate and `clipnorm`"
    )
    return text, Finding(text, path="training")


def _largest_input(lost: NotFinite) -> float:
    return max((abs(value) for value in (lost.low, lost.high) if value is not None), default=0.0)


def _lower_rate(facts: RunFacts) -> Fix | None:
    rate, given = facts.rate, facts.experiment.training.optimizer
    value = given.arguments.get("learning_rate", facts.usual_rate)
    if rate is None or not isinstance(value, int | float):
        return None
    usual = facts.usual_rate
    better = float(f"{usual if usual and usual < rate else rate / 10:.3g}")
    path = ("training", "optimizer", given.name, "learning_rate")
    return Fix(f"learning_rate: {better:g}", (Assign(path, better),), safe=False)


def _undefined(facts: RunFacts) -> Finding | None:
    """What in the model or its loss can give no number."""
    graph = facts.experiment.model
    for name, reference in zip(graph.output_names(), graph.outputs, strict=True):
        loss = facts.experiment.training.loss_of(name)
        node = graph.nodes.get(source_of(reference))
        kind = loss_name(loss)
        if loss is None or node is None or kind not in _PROBABILITIES or loss.arguments.get("from_logits"):
            continue
        activation = _activation(graph.own(source_of(reference)).target)
        if activation is not None and activation not in _TO_PROBABILITIES:
            needs = "rates above 0" if kind == "Poisson" else "probabilities"
            said = f"activation {activation}" if activation != "linear" else "no activation"
            text = f"{kind} takes the logarithm of {needs}, and {source_of(reference)} has {said}"
            return Finding(text, node=source_of(reference))
    for graph_name in ("", *facts.experiment.models):
        for name, each in facts.experiment.graph(graph_name).nodes.items():
            if isinstance(each.target, Op) and each.target.op in _UNDEFINED_OPS:
                text = f"{name} calls {each.target.op}, which {_UNDEFINED_OPS[each.target.op]}"
                return Finding(text, graph=graph_name, node=name)
    return None


def _activation(target: object) -> str | None:
    """The activation of an output's layer, "linear" for none; None where it can not be told."""
    if not isinstance(target, Layer):
        return None
    if target.layer in {"Softmax"}:
        return "softmax"
    if "activation" in target.arguments or target.layer == "Dense":
        value = target.arguments.get("activation")
        if value is None:
            return "linear"
        return value if isinstance(value, str) else None
    return None


@verdict_rule("KF019", "out-of-memory", Severity.WARNING)
def out_of_memory(facts: RunFacts) -> Iterator[Finding]:
    """Memory ran out: what is kept of one batch for the backward pass, most of all.

    The activations of every layer are kept for all samples of a batch. A smaller `batch_size` divides them;
    so do smaller pictures, strides and pooling before the wide layers, and float16 activations.

    Example:
        training:
          batch_size: 512

    Write instead:
        training:
          batch_size: 64
    """
    ran_out = facts.cause.startswith(OUT_OF_MEMORY)
    costed = facts.costed
    too_much = costed is not None and costed.available > 0 and costed.memory > 0.9 * costed.available
    if not ran_out and not (facts.end is None and facts.is_over and too_much):
        return
    size = facts.experiment.training.batch_size
    needs = ""
    if costed is not None and costed.memory:
        of = f" of {_size(costed.available)}" if costed.available else ""
        needs = f": training takes about {_size(costed.memory)}{of}"
    largest = costed.largest if costed else ()
    told = ", ".join(f"{layer.node} {_size(layer.bytes)}" for layer in largest[:3])
    most = f"; the largest layers keep {told} of each batch" if told else ""
    lead = "memory ran out" if ran_out else "it ended without a word, as when memory runs out"
    smaller = max(1, size // 4)
    yield Finding(
        f"{lead}{needs}{most}; a batch size of {smaller} instead of {size} would take less",
        severity=Severity.WARNING,
        node=largest[0].node if largest and largest[0].node in facts.experiment.model.nodes else "",
        path="training.batch_size",
        fix=Fix(f"batch_size: {smaller}", (Assign(("training", "batch_size"), smaller),), safe=False)
        if smaller < size
        else None,
    )


def _size(count: float) -> str:
    """An amount of memory."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


RULES: tuple[VerdictRule, ...] = (loss_not_a_number, out_of_memory)
"""The rules of this module."""
