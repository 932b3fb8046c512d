"""Which class a weight of the document is for: by the label of the class or by its number."""

from __future__ import annotations

from collections.abc import Mapping

from kflab.catalog.dataset_types import ArrayInfo, TargetInfo, TargetKind
from kflab.errors import UnusableInputError, did_you_mean

PATH = "training.class_weight"
"""Where the weights stand in the document."""

_COUNTED = (TargetKind.CLASSES, TargetKind.BINARY, TargetKind.ONE_HOT)
_MOST_LISTED = 12


def with_classes(held: Mapping[str, ArrayInfo | TargetInfo]) -> dict[str, TargetInfo]:
    """What outputs are held against that has one class a sample, by the output's name.

    Raises:
        UnusableInputError: there is no such output, so no class could be weighted.
    """
    found = {
        name: target
        for name, target in held.items()
        if isinstance(target, TargetInfo) and target.kind in _COUNTED
    }
    if not found:
        raise UnusableInputError("no output has classes that could be weighted; leave it out", path=PATH)
    return found


def weights_by_number(
    wanted: Mapping[str, float],
    targets: Mapping[str, TargetInfo],
    found: Mapping[str, int] | None = None,
) -> dict[str, dict[int, float]]:
    """The weights that a document gives by the numbers of the classes, for the one output that they fit.

    Args:
        wanted: the weights by labels or numbers.
        targets: what the outputs with classes are held against.
        found: how many classes each was found to have, where it was looked at.

    Raises:
        UnusableInputError: a weight is below 0, a class is none of any output, or of more than one.
    """
    for label, weight in wanted.items():
        if weight < 0:
            raise UnusableInputError(
                f"expected weights of 0 or more, got {weight:g} for {label!r}", path=PATH
            )
    counts = {name: max(target.classes, (found or {}).get(name, 0)) for name, target in targets.items()}
    fits = {
        name: numbers
        for name, target in targets.items()
        if (numbers := _numbers(wanted, target, counts[name])) is not None
    }
    if not fits:
        name, target = next(iter(targets.items()))
        known = target.labels or tuple(map(str, range(counts[name])))
        unknown = next((label for label in wanted if label not in known), next(iter(wanted)))
        more = "…" if len(known) > _MOST_LISTED else ""
        raise UnusableInputError(
            f"{unknown!r} is no class of {name!r}{did_you_mean(unknown, known)}; its classes are "
            f"{', '.join(known[:_MOST_LISTED])}{more}",
            path=PATH,
        )
    if len(fits) > 1:
        raise UnusableInputError(
            f"the outputs {' and '.join(fits)} all have these classes, and it is not told which of them is "
            "meant: name classes by labels that one of them has, or use balanced",
            path=PATH,
        )
    return fits


def _numbers(wanted: Mapping[str, float], target: TargetInfo, count: int) -> dict[int, float] | None:
    """The weights by the numbers of classes, or None where a name is no class of the target."""
    numbers = {}
    for label, weight in wanted.items():
        if label in target.labels:
            numbers[target.labels.index(label)] = weight
        elif label.isascii() and label.isdigit() and (not count or int(label) < count):
            numbers[int(label)] = weight
        else:
            return None
    return numbers
