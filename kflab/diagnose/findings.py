"""A finding: something that is wrong with an experiment, and where."""

from __future__ import annotations

import enum
from collections.abc import Iterable

import msgspec

from kflab.diagnose.fixes import Fix


class Severity(enum.StrEnum):
    """How much a finding matters: an error stops a run, a warning does not, an information explains."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that is wrong.

    Attributes:
        message: what was expected and what is there, in plain words, one or two sentences.
        severity: whether it stops a run.
        graph: the nested model it is in, or "" for the main model.
        node: the node it is about, or "" for a setting.
        path: the setting it is about, such as `training.loss`.
        code: the rule that found it, such as `KF012`.
        fix: what would mend it, where that is known.
        explains: nodes of the same graph whose own errors come of it and are not told beside it.
    """

    message: str
    severity: Severity = Severity.ERROR
    graph: str = ""
    node: str = ""
    path: str = ""
    code: str = ""
    fix: Fix | None = None
    explains: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where it is, in words for a list: `encoder/pooled`, `training.loss`."""
        node = f"{self.graph}/{self.node}" if self.graph and self.node else self.node or self.graph
        return node or self.path


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then warnings, then the rest, each as they came."""
    order = tuple(Severity)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))


def first_error(findings: Iterable[Finding]) -> str:
    """The first error in one line, with code, place and how many more there are; "" where there is none."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if not errors:
        return ""
    code = f"{errors[0].code} " if errors[0].code else ""
    place = f"{errors[0].place}: " if errors[0].place else ""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{code}{place}{errors[0].message}{more}"
