"""What a rule of the verdict is: as those that look before training, but for a run that has been."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import msgspec

from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.rules.rule import CODE
from kflab.diagnose.run_facts import RunFacts

Judge: TypeAlias = Callable[[RunFacts], Iterator[Finding]]
"""Judges a run. It yields nothing where it can not tell: no verdict is better than a wrong one."""


class VerdictRule(NamedTuple):
    """Something that a run can turn out to be.

    Attributes:
        code: what it is called for good, such as `KF201`.
        name: the same in a few words with hyphens, such as `overfitting`.
        severity: how much it matters as a rule; a finding may say otherwise.
        early: it holds while the run goes on as well.
        judge: judges a run.
    """

    code: str
    name: str
    severity: Severity
    early: bool
    judge: Judge

    @property
    def text(self) -> str:
        """What it is, why it matters, and an example with what to write instead."""
        return inspect.getdoc(self.judge) or ""

    @property
    def summary(self) -> str:
        """What it is, in one line."""
        return self.text.partition("\n")[0]

    def findings(self, facts: RunFacts) -> Iterator[Finding]:
        """What it finds, each with its code."""
        if self.early or facts.is_over:
            for finding in self.judge(facts):
                yield msgspec.structs.replace(finding, code=self.code)


def verdict_rule(
    code: str, name: str, severity: Severity, *, early: bool = False
) -> Callable[[Judge], VerdictRule]:
    """Makes a rule of the verdict of a function; its docstring is the text that `kflab explain` prints."""

    def make(judge: Judge) -> VerdictRule:
        assert CODE.fullmatch(code), code
        return VerdictRule(code, name, severity, early, judge)

    return make
