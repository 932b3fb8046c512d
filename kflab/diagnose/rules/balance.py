"""The rule on classes of which one is nearly all there is."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.catalog.profiles import ArrayProfile
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Assign, Fix
from kflab.diagnose.held import BINARY_LOSSES, NUMBER_LOSSES, ONE_HOT_LOSSES, held_outputs, seen
from kflab.diagnose.rules.rule import rule

MOST = 0.8
"""The share of one class above which a model does well by answering nothing else."""

RARE, FEW_CLASSES = 20.0, 10
"""How many times rarer than the largest class one of a few may be."""

_FOCAL = "Focal"


@rule("KF028", "unbalanced-classes", Severity.WARNING)
def unbalanced(facts: Facts) -> Iterator[Finding]:
    """Nearly all samples are of one class, and all samples count the same.

    A model that always answers that class is right nearly always, and often that is all it learns: the
    accuracy is high from the first epoch, and no sample of the rare class is found. Class weights let the
    samples of a rare class count more. Look at recall or AUC, and not at accuracy alone.

    Example, with 950 samples of one class and 50 of the other:

        training:
          loss: BinaryCrossentropy

    Use instead:

        training:
          loss: BinaryCrossentropy
          class_weight: balanced
    """
    training = facts.experiment.training
    if training.class_weight is not None:
        return
    for held in held_outputs(facts):
        labels = held.labels
        weighed = held.loss_name in BINARY_LOSSES | NUMBER_LOSSES | ONE_HOT_LOSSES
        if labels is None or not weighed or _FOCAL in held.loss_name:
            continue
        profile = seen(facts, labels)
        if problem := _problem(profile) if profile is not None else "":
            yield Finding(
                f"{problem}; let rare classes count more with class_weight: balanced",
                Severity.WARNING,
                node=held.node,
                path="training.class_weight",
                fix=Fix(
                    "balance the classes by weights", (Assign(("training", "class_weight"), "balanced"),)
                ),
            )


def _problem(profile: ArrayProfile) -> str:
    classes = [one for one in profile.classes if one.count]
    if len(classes) < 2:
        return ""
    total = sum(one.count for one in classes)
    most, least = max(classes, key=lambda one: one.count), min(classes, key=lambda one: one.count)
    rare = len(classes) <= FEW_CLASSES and most.count >= RARE * least.count
    if most.count <= MOST * total and not rare:
        return ""
    return (
        f"{most.count / total:.0%} of the samples of {profile.name!r} are of class {most.label}, and "
        f"{least.count / total:.1%} of class {least.label}"
    )
