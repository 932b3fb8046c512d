"""The rule about rules that are switched off."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose import codes
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.rules.rule import Rule, meant, rule


@rule(codes.SWITCHED_OFF_IN_VAIN, "switched-off-in-vain", Severity.WARNING)
def switched_off_in_vain(facts: Facts) -> Iterator[Finding]:
    """`ignore` names a code that there is not, one that can not be switched off, or one twice.

    What Keras could not build or run all the same can not be ignored; `kflab explain` lists all codes.

        ignore: [KF22]

    Write the code as `kflab check` prints it, or take it out:

        ignore: [KF022]
    """
    from kflab.diagnose.rules import ALL  # late: it gathers the rule that this is

    given = facts.experiment.ignore
    for index, code in enumerate(given):
        known = next((one for one in ALL if one.code == code), None)
        if known is not None and known.ignorable and code not in given[:index]:
            continue
        instead = "" if known is not None else _instead(code, ALL)
        if known is None:
            hint = f"; did you mean {instead}?" if instead else "; `kflab explain` lists all codes"
            message = f"there is no rule {code!r}{hint}"
        elif not known.ignorable:
            message = f"{code} can not be switched off: without it the experiment could not run"
        else:
            message = f"{code} is listed more than once"
        wanted = [other for place, other in enumerate(given) if place != index]
        title = f"take {code} out"
        if instead and instead not in wanted:
            wanted.insert(index, instead)
            title = f"write {instead}"
        fix = Fix(title, (Assign(("ignore",), wanted or None),))
        yield Finding(message, path="ignore", fix=fix)


def _instead(code: str, rules: tuple[Rule, ...]) -> str:
    """The code that somebody may have meant who wrote `code`: the one of that name, or the nearest."""
    by_name = {one.name: one.code for one in rules}
    if code in by_name:
        return by_name[code]
    return next(iter(meant(code, [one.code for one in rules if one.ignorable])), "")
