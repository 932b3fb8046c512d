"""Every rule that judges a run, one module for each subject; a rule is where it stands in `ALL`."""

from __future__ import annotations

from kflab.diagnose.verdicts import failures, generalizing, learning, results
from kflab.diagnose.verdicts.rule import VerdictRule

ALL: tuple[VerdictRule, ...] = tuple(
    sorted(
        (*failures.RULES, *generalizing.RULES, *learning.RULES, *results.RULES), key=lambda rule: rule.code
    )
)
"""All rules, in the order of their codes."""
