"""The rule on validation samples that do not stand for the data."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.rules.rule import rule
from kflab.diagnose.wording import and_text

FEWEST, FOR_EACH = 8, 2
"""With so many validation samples, and so many for each class, it is not by chance that half of them lack."""


@rule("KF025", "validation-lacks-classes", Severity.WARNING)
def validation_classes(facts: Facts) -> Iterator[Finding]:
    """The validation samples are of one class, or lack many.

    Files are often sorted by class. Where the last samples are held back without shuffling, they are all of
    the last classes: the validation says nothing of the others, and training never sees these.

    For example:

        data: {source: flowers.npz, split: time}

    Use instead:

        data: {source: flowers.npz, split: stratified}
    """
    if facts.profile is None:
        return
    for name, counts in facts.profile.validation_classes.items():
        raw = facts.profile.raw.get(name)
        known = [one.label for one in raw.classes if one.count] if raw is not None else []
        held = [one.label for one in counts if one.count]
        total = sum(one.count for one in counts)
        if (
            len(known) < 2
            or not held
            or total < max(FEWEST, FOR_EACH * len(known))
            or 2 * len(held) > len(known)
        ):
            continue
        what = f"of class {held[0]} alone" if len(held) == 1 else f"of the classes {and_text(held[:5])} alone"
        split = facts.experiment.data.split
        how = f" (data.split is {split})" if split else ""
        yield Finding(
            f"the {total:,} validation samples are {what}, but {name!r} has {len(known)} classes{how}; hold "
            "back samples of each with data.split: stratified",
            Severity.WARNING,
            path="data.split",
            fix=Fix("hold back samples of each class", (Assign(("data", "split"), "stratified"),)),
        )
