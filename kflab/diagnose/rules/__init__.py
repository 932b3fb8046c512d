"""Every rule there is, one module for each subject; a rule is where it stands in `ALL`."""

from __future__ import annotations

from kflab.diagnose.rules.rule import Rule

ALL: tuple[Rule, ...] = tuple(sorted((), key=lambda rule: rule.code))
"""All rules, in the order of their codes."""
