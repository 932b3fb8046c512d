"""What a rule is: a code, a name, what it looks for, and the text that explains it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

import msgspec

from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.errors import nearest

Find: TypeAlias = Callable[[Facts], Iterator[Finding]]
"""Looks for one mistake. It yields nothing where it can not tell: a false alarm is worse than silence."""

CODE = re.compile(r"KF\d{3}")
"""What a code looks like. The first hundred are what people get wrong, the others what kflab can not run."""


_NUMBERED = re.compile(r"(?:kf)?[-_ ]?0*(\d{1,3})", re.IGNORECASE)


def meant(code: str, codes: Iterable[str]) -> tuple[str, ...]:
    """The codes that somebody may have meant who wrote `code`: that number, or else the nearest."""
    known = tuple(codes)
    numbered = _NUMBERED.fullmatch(code.strip())
    padded = f"KF{int(numbered[1]):03}" if numbered else ""
    return (padded,) if padded in known else tuple(nearest(code, known))


class Rule(NamedTuple):
    """A mistake that can be found before training.

    Attributes:
        code: what it is called for good, such as `KF022`.
        name: the same in a few words with hyphens, such as `early-stopping-keeps-last-weights`.
        severity: how much it matters as a rule; a finding may say otherwise.
        find: looks for it.
        ignorable: whether a document can switch it off; what could not be run all the same, it can not.
    """

    code: str
    name: str
    severity: Severity
    find: Find
    ignorable: bool = True

    @property
    def text(self) -> str:
        """What it is, why it matters, and an example with what to write instead."""
        return inspect.getdoc(self.find) or ""

    @property
    def summary(self) -> str:
        """What it is, in one line."""
        return self.text.partition("\n")[0]

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """What it finds, each with its code."""
        for finding in self.find(facts):
            yield msgspec.structs.replace(finding, code=self.code)


def rule(code: str, name: str, severity: Severity, *, ignorable: bool = True) -> Callable[[Find], Rule]:
    """Makes a rule of a function; its docstring is the text that `kflab explain` prints."""

    def make(find: Find) -> Rule:
        assert CODE.fullmatch(code), code
        return Rule(code, name, severity, find, ignorable)

    return make
