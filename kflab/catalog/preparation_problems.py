"""What can not work in the preparation of a document, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.catalog.check import expected
from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Misprepared, TargetInfo, TargetKind
from kflab.catalog.preparation import Described, after_step, described
from kflab.catalog.preparation_steps import (
    ONE_HOT,
    PAD,
    SEVERAL_ARRAYS,
    augment_names,
    find_step,
    is_random,
    prepare_names,
)
from kflab.errors import did_you_mean
from kflab.experiment import Data, Spec

_TAKE_TEXT = frozenset({"StringLookup", "TextVectorization", "Hashing"})
_TAKE_NUMBERS_OF_CLASSES = frozenset({ONE_HOT, "CategoryEncoding", "IntegerLookup"})
_TAKE_IMAGES = frozenset({"Resizing", "CenterCrop", "RandomCrop"})


def preparation_problems(data: Data, info: DatasetInfo) -> Iterator[Misprepared]:
    """What can not work in how data is prepared.

    Args:
        data: the experiment's data section.
        info: the dataset as its source has it.
    """
    for part, by_array in (("prepare", data.prepare), ("augment", data.augment)):
        for name, steps in by_array.items():
            path = f"data.{part}.{name}"
            array = info.input(name) or info.target(name)
            if array is None:
                yield _no_array(path, name, info)
                continue
            before = described(array)
            for spec in data.prepare.get(name, ()) if part == "augment" else ():
                before = after_step(before, spec)
            yield from _steps(path, part, name, before, steps)
    classes = (TargetKind.CLASSES, TargetKind.BINARY)
    if data.split == "stratified" and not any(one.kind in classes for one in info.targets):
        yield Misprepared(
            "data.split",
            "stratified keeps the shares of classes, and no target has classes: use random or time",
        )
    if data.order_by and not (info.input(data.order_by) or info.target(data.order_by)):
        yield _no_array("data.order_by", data.order_by, info)


def _no_array(path: str, name: str, info: DatasetInfo) -> Misprepared:
    arrays: tuple[ArrayInfo | TargetInfo, ...] = (*info.inputs, *info.columns, *info.targets)
    names = list(dict.fromkeys(array.name for array in arrays))
    hint = did_you_mean(name, names) or f"; it has {', '.join(names)}"
    return Misprepared(path, f"the dataset has no array {name!r}{hint}")


def _steps(
    path: str, part: str, name: str, array: Described, steps: tuple[Spec, ...]
) -> Iterator[Misprepared]:
    for step in steps:
        complaint = _misplaced(part, step) or _unfit(name, array, step)
        if complaint:
            yield Misprepared(path, complaint)
            return
        array = after_step(array, step)


def _misplaced(part: str, step: Spec) -> str:
    """Why a step does not belong where it stands; "" where it does."""
    entry = find_step(step.name)
    names = prepare_names() if part == "prepare" else augment_names()
    if entry is None:
        hint = did_you_mean(step.name, names)
        return f"there is no step {step.name!r} to {part} data with{hint}"
    if entry.name in SEVERAL_ARRAYS:
        return f"{entry.name} needs more than one array at once, which kflab can not give it"
    drawn = is_random(entry, step.arguments)
    if part == "prepare" and drawn:
        return (
            f"{entry.name} changes samples at random, which would change validation and test, too: "
            "put it under data.augment, which changes training samples alone"
        )
    if part == "augment" and not drawn:
        return (
            f"{entry.name} changes every sample in the same way, so validation and test need it, too: "
            "put it under data.prepare"
        )
    missing = [one for one in entry.arguments if one.required and one.name not in step.arguments]
    if missing:
        return f"{entry.name} needs {missing[0].name!r}: {expected(missing[0])}"
    if step.arguments.get("ragged") or step.arguments.get("sparse"):
        word = "ragged" if step.arguments.get("ragged") else "sparse"
        return f"{entry.name} with {word}: true makes no plain array, which is what a model is fed with"
    return ""


def _unfit(name: str, array: Described, step: Spec) -> str:
    """Why a step can not work on what the steps before it made; "" where it can."""
    entry = find_step(step.name)
    word = entry.name if entry else step.name
    if array.is_text and word not in _TAKE_TEXT:
        return (
            f"{word} needs numbers, and {name!r} is text here: put TextVectorization (words) or StringLookup "
            "(categories) before it"
        )
    if (
        not array.is_text
        and word in ("StringLookup", "TextVectorization")
        and not step.arguments.get("invert")
    ):
        instead = "IntegerLookup takes numbers" if word == "StringLookup" else "its ids are numbers already"
        return f"{word} needs text, and {name!r} holds numbers ({array.dtype}) here: {instead}"
    if word in _TAKE_IMAGES and len(array.shape) < 3:
        return f"{word} needs height, width and channels, and {name!r} has {len(array.shape)} axes here"
    if word in _TAKE_NUMBERS_OF_CLASSES and array.dtype.startswith("float") and not array.are_ids:
        return (
            f"{word} needs numbers of classes, and {name!r} holds measured numbers ({array.dtype}) here: "
            "Discretization makes classes of them, cast makes them whole"
        )
    if word == PAD and not array.shape:
        return f"{PAD} needs sequences, and {name!r} has one value a sample here"
    if word == "Normalization" and array.are_ids:
        return (
            f"Normalization is for amounts, and {name!r} holds ids of words or classes here, whose size "
            "means nothing: leave it out, or encode them with CategoryEncoding or to_categorical"
        )
    return ""
