"""The rule on data with values that no model can learn from."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.catalog.profiles import ArrayProfile
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.wording import and_text, count_text


@rule("KF017", "missing-or-infinite-values", Severity.WARNING)
def unusable_values(facts: Facts) -> Iterator[Finding]:
    """The data holds NaN, missing values or infinity.

    One of them in a batch makes the loss NaN, and with it every weight: nothing after it is of use. kflab
    does not begin to train on such samples, and says which is the first.

    Leave the samples out, or fill in what is missing, before the file is read. For example:

        table = table.dropna()
        table = table.fillna(table.median())
    """
    profile = facts.profile
    if profile is None:
        return
    for name in {**profile.raw, **profile.fed}:
        # What is done to an array may have filled in what was missing.
        found = profile.fed.get(name) or profile.raw[name]
        if (found.missing or found.infinite) and _is_used(facts, name):
            yield Finding(_message(found), Severity.WARNING, path=f"data.{name}")


def _is_used(facts: Facts, name: str) -> bool:
    if facts.matching is None:
        return True
    arrays = (*facts.matching.inputs.values(), *facts.matching.targets.values())
    return any(array.name == name for array in arrays)


def _message(found: ArrayProfile) -> str:
    holds = and_text(
        [
            f"{what} in {count_text(count, 'sample')}"
            for what, count in (("NaN or nothing", found.missing), ("infinity", found.infinite))
            if count
        ]
    )
    columns = [column.name for column in found.columns if column.missing or column.infinite]
    where = f", in the column {and_text([repr(name) for name in columns[:3]])}" if columns else ""
    first = f"; the first is sample {found.first_unusable:,}" if found.first_unusable is not None else ""
    counted = " (counted from 0)" if first else ""
    return f"{found.name!r} holds {holds}{where}{first}{counted}: leave them out or fill them in"
