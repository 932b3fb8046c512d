"""Rules on what layers compute in: outputs in half precision, and float16 where it is slow."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix, SetArguments
from kflab.diagnose.rules.rule import rule
from kflab.graph.nodes import Layer, index_of, source_of

_HALF = frozenset({"float16", "bfloat16"})
_KEPT_IN_HALF = {"float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}
_FLOAT16 = frozenset({"float16", "mixed_float16"})


@rule("KF036", "output-in-half-precision", Severity.WARNING)
def half_output(facts: Facts) -> Iterator[Finding]:
    """An output is computed in half precision, where its loss needs all the digits.

    A float16 has 3 digits and ends at 65,504, a bfloat16 has 2 digits. A softmax or a sum of squares in them
    gives a loss that is off, 0 or infinite. Keras advises to let the last layer compute in float32: it is
    small, and all others stay fast.

    For example:

        digit: {Dense: {units: 10, activation: softmax}, from: hidden}
        ...
        training: {dtype_policy: mixed_float16}

    Use instead:

        digit: {Dense: {units: 10, activation: softmax, dtype: float32}, from: hidden}
    """
    experiment = facts.experiment
    if facts.report is None:
        return
    for reference, name in zip(experiment.model.outputs, experiment.model.output_names(), strict=True):
        node, index = source_of(reference), index_of(reference)
        report = facts.report.model.nodes.get(node)
        if report is None or index >= len(report.outputs) or experiment.training.loss_of(name) is None:
            continue
        dtype = report.outputs[index].dtype
        if dtype not in _HALF:
            continue
        own = isinstance(experiment.model.nodes[node].target, Layer)
        yield Finding(
            f"this output is computed in {dtype}, which is too coarse for a loss",
            Severity.WARNING,
            node=node,
            path="dtype" if own else "",
            fix=Fix("compute it in float32", (SetArguments(node, {"dtype": "float32"}),)) if own else None,
        )


@rule("KF037", "float16-on-a-cpu", Severity.INFO)
def float16_on_cpu(facts: Facts) -> Iterator[Finding]:
    """Layers compute in float16 on a CPU, which is slower there than float32.

    Half precision makes GPUs fast that have units for it. A CPU has none for float16: it widens each number,
    computes, and narrows the result. Memory of activations is saved all the same.

    For example:

        training: {dtype_policy: mixed_float16}

    Use instead:

        training: {dtype_policy: float32}
    """
    policy = facts.experiment.training.dtype_policy
    if policy in _FLOAT16 and facts.report is not None and facts.report.cost.device == "cpu":
        yield Finding(
            f"{policy} is slower than float32 on a CPU, and this would be trained on one",
            Severity.INFO,
            path="training.dtype_policy",
            fix=Fix("compute in float32", (Assign(("training", "dtype_policy"), "float32"),), safe=False),
        )


@rule("KF039", "weights-in-half-precision", Severity.WARNING)
def half_weights(facts: Facts) -> Iterator[Finding]:
    """Weights are kept in half precision, where most updates are too small to change them.

    A bfloat16 has 8 bits for its digits: what is added to a weight is lost where it is less than a 250th of
    it. Adam's `beta_2: 0.999` is rounded to 1, by which its steps become 0: no weight changes at all. The
    policies whose names begin with `mixed_` compute in half precision as well, and keep weights in float32.

    For example:

        training: {dtype_policy: bfloat16}

    Use instead:

        training: {dtype_policy: mixed_bfloat16}
    """
    policy = facts.experiment.training.dtype_policy
    if mixed := _KEPT_IN_HALF.get(policy):
        step = Assign(("training", "dtype_policy"), mixed)
        yield Finding(
            f"{policy} keeps weights in half precision, where most updates are too small to change them; "
            f"{mixed} is as fast",
            Severity.WARNING,
            path="training.dtype_policy",
            fix=Fix(f"use {mixed}", (step,), safe=False),
        )
