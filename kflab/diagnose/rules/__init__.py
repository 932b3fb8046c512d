"""Every rule there is, one module for each subject; a rule is where it stands in `ALL`."""

from __future__ import annotations

from kflab.diagnose.rules import (
    balance,
    batch_axes,
    binary_heads,
    checkpoints,
    code_inside,
    connections,
    freezing,
    ignoring,
    kernels,
    labels,
    learning_rates,
    lengths,
    logits,
    masking,
    merging,
    metrics,
    missing_axes,
    monitors,
    normalization,
    output_keys,
    preparing,
    ranges,
    resources,
    scaling,
    seeds,
    sharing,
    sizes,
    splits,
    stacking,
    token_ids,
    unfinished,
    units,
    values,
)
from kflab.diagnose.rules.rule import Rule

MODULES = (
    balance,
    batch_axes,
    binary_heads,
    checkpoints,
    code_inside,
    connections,
    freezing,
    ignoring,
    kernels,
    labels,
    learning_rates,
    lengths,
    logits,
    masking,
    merging,
    metrics,
    missing_axes,
    monitors,
    normalization,
    output_keys,
    preparing,
    ranges,
    resources,
    scaling,
    seeds,
    sharing,
    sizes,
    splits,
    stacking,
    token_ids,
    unfinished,
    units,
    values,
)
"""The modules that rules stand in."""

ALL: tuple[Rule, ...] = tuple(
    sorted(
        (value for module in MODULES for value in vars(module).values() if isinstance(value, Rule)),
        key=lambda rule: rule.code,
    )
)
"""All rules, in the order of their codes."""
