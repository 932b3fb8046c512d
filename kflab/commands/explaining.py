"""`kflab explain`: what a rule looks for, why it matters, and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import click

from kflab.commands.output import json_option, print_json, table
from kflab.errors import UnusableInputError

if TYPE_CHECKING:
    from kflab.diagnose.findings import Severity


class Explained(Protocol):
    """A rule about experiments, or one about what became of a run."""

    @property
    def code(self) -> str:
        """What it is called for good."""

    @property
    def name(self) -> str:
        """The same in a few words."""

    @property
    def severity(self) -> Severity:
        """How much it matters."""

    @property
    def summary(self) -> str:
        """What it is, in one line."""

    @property
    def text(self) -> str:
        """What it is, why it matters and what to write instead."""


@click.command()
@click.argument("code", required=False)
@json_option
def explain(code: str | None, *, as_json: bool) -> None:
    """Explain the rule CODE, such as KF012; without it, list all rules."""
    if code is not None:
        for place, rule in enumerate(find(code)):
            if place:
                click.echo("")
            print_rule(rule, as_json=as_json)
    else:
        print_rules(as_json=as_json)


def every() -> tuple[Explained, ...]:
    """All rules: those about experiments, and those about runs."""
    from kflab.diagnose import rules, verdicts

    return tuple(sorted((*rules.ALL, *verdicts.ALL), key=lambda rule: rule.code))


def find(code: str) -> tuple[Explained, ...]:
    """The rules of a code or name; one that is about experiments and about runs has two.

    Raises:
        UnusableInputError: there is none; the text has the nearest.
    """
    wanted = code.strip().lower()
    known = every()
    found = tuple(rule for rule in known if wanted in {rule.code.lower(), rule.name})
    if found:
        return found
    from kflab.diagnose.rules.rule import meant

    close = meant(wanted, [*(rule.code for rule in known), *(rule.name for rule in known)])
    hint = f"; did you mean {' or '.join(close)}?" if close else "; `kflab explain` lists all rules"
    raise UnusableInputError(f"there is no rule {code!r}{hint}")


def print_rule(rule: Explained, *, as_json: bool) -> None:
    """Print all about a rule."""
    ignorable = bool(getattr(rule, "ignorable", False))
    if as_json:
        print_json({**_told(rule), "text": rule.text})
        return
    click.echo(f"{rule.code} {rule.name} ({rule.severity})\n")
    click.echo(rule.text)
    if ignorable:
        click.echo(f"\nTo switch it off in a document: `ignore: [{rule.code}]`.")
    elif hasattr(rule, "ignorable"):
        click.echo("\nIt can not be switched off: without it the experiment could not run.")


def print_rules(*, as_json: bool) -> None:
    """Print a table of all rules."""
    known = every()
    if as_json:
        print_json([_told(rule) for rule in known])
        return
    rows = [(rule.code, str(rule.severity), rule.name, rule.summary.rstrip(".")) for rule in known]
    click.echo("\n".join(table([("CODE", "SEVERITY", "NAME", "WHAT IT IS"), *rows])))


def _told(rule: Explained) -> dict[str, object]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity,
        "summary": rule.summary,
        "ignorable": bool(getattr(rule, "ignorable", False)),
    }
