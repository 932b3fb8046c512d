"""How samples are split, as code: side by side, by their numbers, or along the time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from kflab.catalog.splits import TEST_SEED, can_cut
from kflab.code.layout import Expression, call, called, lines, number, tupled
from kflab.code.statements import Statements
from kflab.experiment import Data

Values: TypeAlias = dict[str, dict[str, str]]
"""The code of each array in each part: `values["train"]["image"]`."""

SPLIT = "from sklearn.model_selection import train_test_split"
"""The import of the function that splits samples."""

LEFT_OUT = "_"
"""The part of the samples that no part has."""

_NUMPY = "import numpy as np"
_ENOUGH, _MANY_CLASSES, _ENOUGH_OF_MANY = 10, 20, 150
"""Samples for each class, on average, that surely leave two of each; more where there are many classes."""


class Samples(msgspec.Struct, frozen=True):
    """The samples that are to be split.

    Attributes:
        variables: what the variables of their arrays begin with, by array.
        parts: the splits that there are, `train` among them, and how their variables end.
        count: how many there are to train with; 0 where only loading tells.
        by: the array of the classes that are to be in each part in their share; nothing where there are none.
        classes: how many classes; 0 where it cannot be told how the samples are spread over them.
        is_pair: there is one input and one target, which can be split side by side.
        gap: how many to leave out between two parts of samples that follow each other in time.
        in_time: they follow each other in time, so that the last ones are held back.
        order: the variable of what tells their order in time; "" where they are in it already.
        must_share: every class has to be in each part in its share, or there is no split.
    """

    variables: Mapping[str, str]
    parts: Mapping[str, str]
    count: int
    by: str | None = None
    classes: int = 0
    is_pair: bool = False
    gap: int = 0
    in_time: bool = False
    order: str = ""
    must_share: bool = False

    def ending(self, end: str) -> dict[str, str]:
        """The variables of the arrays in the part that ends so, by array."""
        return {array: f"{variable}{end}" for array, variable in self.variables.items()}


def split(samples: Samples, data: Data, seed: int | None, code: Statements) -> Values:
    """Write the statements that split samples as an experiment says.

    Args:
        samples: the samples.
        data: what is to be held back.
        seed: the seed of the training, which chooses the samples of the validation.
        code: what the statements are added to.

    Returns:
        What each array is in each part.
    """
    if samples.in_time:
        return (_in_time if samples.is_pair else _rows_in_time)(samples, data, code)
    steps = _steps(samples, data, seed)
    if not data.shuffle:
        return _by_rows(samples, steps, code, in_order=True)
    if samples.is_pair and all(step.is_sure for step in steps):
        return _side_by_side(samples, steps, code)
    return _by_rows(samples, steps, code)


class _Step(msgspec.Struct, frozen=True):
    """One split: what is held back, and the seed that chooses it.

    Attributes:
        held: the part that is held back: `test`, `val`, or `_` for samples that are left out.
        size: the argument of `train_test_split` that says how many, and its value.
        seed: the seed, as code.
        is_sure: it is known now that the classes can keep their shares.
        is_maybe: only loading tells whether there are more samples than are to be kept.
    """

    held: str
    size: tuple[str, str]
    seed: str | None
    is_sure: bool
    is_maybe: bool = False


def _steps(samples: Samples, data: Data, seed: int | None) -> list[_Step]:
    """The splits to be made, in order."""
    steps = list[_Step]()
    left = samples.count
    if "test" not in samples.parts and data.test and left != 1:
        steps.append(_fraction(samples, "test", data.test, left, str(TEST_SEED)))
        left -= math.ceil(left * data.test)
    chosen = None if seed is None else str(seed)
    if data.limit is not None and (not left or data.limit < left):
        sure = bool(left) and _is_sure(samples, left, left - data.limit)
        steps.append(_Step(LEFT_OUT, ("train_size", str(data.limit)), chosen, sure, is_maybe=not left))
        left = data.limit
    if "val" not in samples.parts and data.validation and left != 1:
        steps.append(_fraction(samples, "val", data.validation, left, chosen))
    return steps


def _fraction(samples: Samples, held: str, fraction: float, left: int, seed: str | None) -> _Step:
    sure = _is_sure(samples, left, math.ceil(left * fraction))
    return _Step(held, ("test_size", number(fraction)), seed, sure)


def _is_sure(samples: Samples, left: int, held: int) -> bool:
    """Whether each class surely has enough samples to keep its share, or there are no classes."""
    if not left:
        return samples.must_share
    if samples.by is None or samples.must_share:
        return True
    classes = samples.classes
    if not classes:
        return False
    enough = _ENOUGH if classes <= _MANY_CLASSES else _ENOUGH_OF_MANY
    return left >= enough * classes and classes <= min(held, left - held)


def _side_by_side(samples: Samples, steps: Iterable[_Step], code: Statements) -> Values:
    """The arrays themselves are split: `x_train, x_test, y_train, y_test = train_test_split(x, y)`."""
    ends = dict(samples.parts)
    for step in steps:
        code.imports.add(SPLIT)
        now = samples.ending(ends["train"])
        targets = (
            f"{stem}_train, {LEFT_OUT if step.held == LEFT_OUT else f'{stem}_{step.held}'}"
            for stem in samples.variables.values()
        )
        by = None if samples.by is None else now[samples.by]
        code.assign(", ".join(targets), _train_test_split(list(now.values()), step, by))
        ends["train"] = "_train"
        if step.held != LEFT_OUT:
            ends[step.held] = f"_{step.held}"
    return {part: samples.ending(end) for part, end in ends.items()}


def _by_rows(samples: Samples, steps: Sequence[_Step], code: Statements, *, in_order: bool = False) -> Values:
    """The numbers of the samples are split: `train, test = train_test_split(np.arange(len(title)))`."""
    whole = samples.ending(samples.parts["train"])
    first = next(iter(whole.values()))
    by = None if samples.by is None else whole[samples.by]
    rows = f"np.arange(len({first}))"
    picked: dict[str, str] = {}
    own = not all(step.is_sure for step in steps)
    for step in steps:
        code.imports.add(_NUMPY)
        if in_order and step.held == LEFT_OUT:
            code.assign("train", f"{rows}[:{step.size[1]}]")
        elif own:
            _own_split(step, rows, first, by, code, in_order=in_order)
        else:
            code.imports.add(SPLIT)
            labels = by if by is None or rows != "train" else f"{by}[train]"
            code.assign(f"train, {step.held}", _sorted(_train_test_split([rows], step, labels), in_order))
        rows = "train"
        picked |= {part: f"[{part}]" for part in ("train", step.held) if part != LEFT_OUT}
    values = {part: samples.ending(end) for part, end in samples.parts.items()}
    for part, index in picked.items():
        values[part] = {array: f"{variable}{index}" for array, variable in whole.items()}
    return values


def _sorted(parts: Expression, in_order: bool) -> Expression:
    """Parts whose rows keep the order of the samples."""
    return call("map", "np.sort", parts) if in_order else parts


def _own_split(
    step: _Step, rows: str, first: str, by: str | None, code: Statements, *, in_order: bool
) -> None:
    """A split by the function that looks whether the classes can keep their shares."""
    code.recipes.append("split")
    seed = () if step.seed is None else (step.seed,)
    rest = (by, *seed) if by else ("None", *seed) if seed else ()
    name, size = step.size
    if name == "test_size":
        code.assign(f"train, {step.held}", _sorted(call("split", rows, size, *rest), in_order))
    elif not step.is_maybe:
        samples = "train" if rows == "train" else first
        code.assign("train, _", call("split", rows, f"len({samples}) - {size}", *rest))
    else:
        if rows != "train":
            code.assign("train", rows)
        limited = call("split", "train", f"len(train) - {size}", *rest)
        code.lines += [f"if len(train) > {size}:", *lines(limited, 1, "train, _ = ")]


def _train_test_split(arrays: Sequence[str], step: _Step, by: str | None) -> Expression:
    given: dict[str, Expression] = {step.size[0]: step.size[1]}
    if by is not None:
        given["stratify"] = by
    if step.seed is not None:
        given["random_state"] = step.seed
    return called("train_test_split", arrays, given)


def _in_time(samples: Samples, data: Data, code: Statements) -> Values:
    """The last samples are held back."""
    left, gap = samples.count, samples.gap
    stems = samples.variables.values()
    ends = dict(samples.parts)
    if samples.order:
        code.imports.add(_NUMPY)
        code.assign("order", call("np.argsort", samples.order, kind='"stable"'))
        whole = [f"{stem}{ends['train']}" for stem in stems]
        code.assign(", ".join(whole), ", ".join(f"{variable}[order]" for variable in whole))
    for part, fraction in (("test", data.test), ("val", data.validation)):
        if part == "val" and data.limit is not None and (not left or data.limit < left):
            for stem in stems:
                code.lines.append(f"{stem}_train = {stem}{ends['train']}[:{data.limit}]")
            left, ends["train"] = data.limit, "_train"
        if part not in ends and fraction and (not left or can_cut(left, fraction, gap)):
            code.recipes.append("split_in_time")
            now = tupled(f"{stem}{ends['train']}" for stem in stems)
            targets = (tupled(f"{stem}_{held}" for stem in stems) for held in ("train", part))
            code.assign(", ".join(targets), call("split_in_time", now, number(fraction), str(gap)))
            left -= round(left * fraction) + gap if left else 0
            ends |= {"train": "_train", part: f"_{part}"}
    return {part: samples.ending(end) for part, end in ends.items()}


def _rows_in_time(samples: Samples, data: Data, code: Statements) -> Values:
    """The last samples are held back, by their numbers."""
    left, gap = samples.count, samples.gap
    whole = samples.ending(samples.parts["train"])
    rows = f"np.arange(len({next(iter(whole.values()))}))"
    code.imports.add(_NUMPY)
    picked: dict[str, str] = {}
    if samples.order:
        code.assign("train", call("np.argsort", samples.order, kind='"stable"'))
        rows = picked["train"] = "train"
    for part, fraction in (("test", data.test), ("val", data.validation)):
        if part == "val" and data.limit is not None and (not left or data.limit < left):
            code.lines.append(f"train = {rows}[:{data.limit}]")
            left, rows, picked["train"] = data.limit, "train", "train"
        if part not in samples.parts and fraction and (not left or can_cut(left, fraction, gap)):
            code.recipes.append("split_in_time")
            code.assign(
                f"(train,), ({part},)", call("split_in_time", f"({rows},)", number(fraction), str(gap))
            )
            left -= round(left * fraction) + gap if left else 0
            rows = "train"
            picked |= {"train": "train", part: part}
    values = {part: samples.ending(end) for part, end in samples.parts.items()}
    for part, index in picked.items():
        values[part] = {array: f"{variable}[{index}]" for array, variable in whole.items()}
    return values
