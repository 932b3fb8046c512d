"""The rule on data with values that no model can learn from."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.catalog.profiles import ArrayProfile
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.wording import and_text, count_text


@rule("KF017", "missing-or-infinite-values", Severity.WARNING)
def unusable_values(facts: Facts) -> Iterator[Finding]:
    """The data holds NaN, missing values or infinity.

    One of them in a batch makes the loss NaN, and with it every weight: nothing after it is of use. kflab
    does not begin to train on such samples, and fills nothing in silently: a gap may be a broken file, or say
    something of its own.

        data: {source: houses.csv}

    Say what is done about the gaps of a table: `drop` leaves such rows out; `mean`, `median`, `zero` and
    `most_frequent` fill in what the training samples have. Or leave the column out. In arrays, do so before
    the file is written:

        data: {source: houses.csv, arguments: {missing: median}}
        data: {source: houses.csv, arguments: {drop: [garage_year]}}
    """
    if facts.info is not None and facts.info.unusable:
        path = facts.info.unusable_path
        drop = Assign(tuple(path.split(".")), "drop")
        yield Finding(facts.info.unusable, path=path, fix=Fix("leave such rows out", (drop,)))
        return
    profile = facts.profile
    if profile is None:
        return
    for name in {**profile.raw, **profile.fed}:
        # What is done to an array may have filled in what was missing; else a gap in any split matters.
        is_mended = name in facts.experiment.data.prepare or "missing" in facts.experiment.data.arguments
        first, second = (profile.fed, profile.raw) if is_mended else (profile.raw, profile.fed)
        found = first.get(name) or second[name]
        if name not in profile.fed and "missing" in facts.experiment.data.arguments:
            continue
        if (found.missing or found.infinite) and _is_used(facts, name):
            severity = Severity.ERROR if name not in facts.experiment.data.prepare else Severity.WARNING
            yield Finding(_message(found), severity, path="data.source")


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
