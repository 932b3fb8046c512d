"""The data of an experiment as code: loaded, scaled, shaped and split as kflab does it, in the same order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, Origin, TargetInfo, TargetKind
from kflab.catalog.datasets import STANDARD, describe, file_of, find, scale_of
from kflab.catalog.files import describe_file
from kflab.catalog.matching import Matching, fitted, input_shape, match
from kflab.catalog.splits import TEST_SEED, can_cut
from kflab.code.layout import WIDTH, Expression, call, called, lines, listed, number
from kflab.code.names import Names
from kflab.code.sources import SPLIT, load
from kflab.errors import KflabError
from kflab.experiment import Data, Experiment

Shape: TypeAlias = tuple[int | None, ...]
Values: TypeAlias = dict[str, dict[str, str]]
"""The code of each array in each part: `values["train"]["image"]`."""

_NUMPY = "import numpy as np"
_ENOUGH, _MANY_CLASSES, _ENOUGH_OF_MANY = 10, 20, 150
"""Samples for each class, on average, that surely leave two of each; more where there are many classes."""

KEPT = ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test")
"""The variables that training and test need, which the model must leave alone."""


_OTHERS = ("x", "y", "rows", "array", "train", "val", "test", "data", "rng", "images", "digits")
"""The variables that the statements use besides those of the arrays."""


class DataCode(msgspec.Struct):
    """The code that gets the data.

    Attributes:
        lines: the statements.
        imports: the import statements.
        recipes: the functions of `kflab.data.recipes` that they call.
        parts: inputs and targets of each split that there is, as expressions: `{"train": ("x", "y")}`.
    """

    lines: list[str] = []
    imports: set[str] = set()
    recipes: list[str] = []
    parts: dict[str, tuple[str, str]] = {}


def data_code(experiment: Experiment, base: Path | None, folder: Path | None = None) -> DataCode:
    """The code that gets the data of an experiment.

    Args:
        experiment: the experiment.
        base: the folder that a relative path in it starts from.
        folder: the folder that the script will be run in; nothing given: the current one.

    Raises:
        KflabError: there is no such dataset or file, or it does not fit the model.
    """
    return _Writer(experiment, base, folder).code()


class _Fed(msgspec.Struct, frozen=True):
    """An array in one of its places, and the shape that its samples have there."""

    array: str
    shape: Shape


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


class _Writer:
    """Writes the data of one experiment."""

    def __init__(self, experiment: Experiment, base: Path | None, folder: Path | None) -> None:
        self._experiment, self._data = experiment, experiment.data
        if not experiment.model.input_names() or not experiment.model.outputs:
            raise KflabError("the model has no inputs and outputs that data could go to")
        self._info = describe_raw(self._data, base)
        matching = self._match(base)
        self._classes = _classes(matching)
        shapes = {name: self._shape(name, array) for name, array in matching.inputs.items()}
        fed = {array.name: shapes[name] for name, array in matching.inputs.items()}
        graph = experiment.model
        self._inputs = [_Fed(matching.inputs[name].name, shapes[name]) for name in graph.input_names()]
        self._targets = [
            _Fed(target.name, fed.get(target.name, target.shape)) if target is not None else None
            for target in (matching.targets.get(name) for name in graph.output_names())
        ]
        self._used = tuple(
            dict.fromkeys(one.array for one in (*self._inputs, *self._targets) if one is not None)
        )
        self._is_simple = len(self._inputs) == len(self._targets) == 1 and len(self._used) <= 2
        self._variables = self._name()
        self._source = load(self._data, self._info, self._variable, base, folder)
        self._code = DataCode(self._source.lines, self._source.imports, self._source.recipes)
        self._parts = {end.removeprefix("_") or "train": end for end in self._source.parts}

    def _match(self, base: Path | None) -> Matching:
        experiment = self._experiment
        training = experiment.training
        outputs = [
            name
            for name in experiment.model.output_names()
            if not training.loss or training.loss_of(name) or training.metrics_of(name)
        ]
        matching = match(experiment.model, self._data, describe(self._data, base), outputs)
        if matching.problems:
            raise KflabError("; ".join(matching.problems))
        return matching

    def _shape(self, name: str, array: ArrayInfo) -> Shape:
        """The shape of an Input's samples."""
        wanted = input_shape(self._experiment.model, name)
        return (fitted(array.shape, wanted) if wanted is not None else None) or array.shape

    def _name(self) -> dict[str, str]:
        if self._is_simple:
            (x,), (target,) = self._inputs, self._targets
            both = {x.array: "x"}
            return both if target is None or target.array == x.array else {**both, target.array: "y"}
        names = Names({*KEPT, *_OTHERS})
        return {array: names.take(array) for array in self._used}

    def _variable(self, array: str) -> str:
        return self._variables.get(array, "_")

    # In order

    def code(self) -> DataCode:
        """The code."""
        self._scale_and_shape()
        steps = self._steps()
        if self._source.ordered:
            values = self._split_in_time()
        elif self._is_simple and all(step.is_sure for step in steps):
            values = self._split_arrays(steps)
        else:
            values = self._split_rows(steps)
        self._assemble(values)
        return self._code

    def _scale_of(self, array: str) -> float | str | None:
        info = self._info.input(array)
        return None if info is None else scale_of(self._data, info.dtype, len(info.shape), info.ids)

    def _shape_of(self, array: str) -> Shape | None:
        """The shape that an array has in all of its places; nothing where they differ."""
        shapes = {one.shape for one in (*self._inputs, *self._targets) if one and one.array == array}
        return shapes.pop() if len(shapes) == 1 else None

    def _loaded_shape(self, array: str) -> Shape | None:
        """The shape in which an input comes from its source."""
        info = self._info.input(array)
        if info is None:
            return None
        # Keras gives pictures in grey without an axis for the channel.
        is_grey = self._info.origin is Origin.DOWNLOAD and len(info.shape) == 3 and info.shape[-1] == 1
        return info.shape[:2] if is_grey else info.shape

    def _scale_and_shape(self) -> None:
        """What can be done to the whole of an array, before it is split."""
        for array, variable in self._variables.items():
            loaded, scale = self._loaded_shape(array), self._scale_of(array)
            if loaded is None:
                continue
            described = self._info.input(array)
            shape = self._shape_of(array) if scale != STANDARD else described and described.shape
            change = _reshape(shape) if shape and shape != loaded else ""
            if scale is not None and scale != STANDARD:
                change += f'.astype("float32") / {_plain(float(scale))}'
            if change:
                self._code.lines += [
                    f"{variable}{end} = {variable}{end}{change}" for end in self._source.parts
                ]

    def _steps(self) -> list[_Step]:
        """The splits to be made, in order."""
        data, steps = self._data, list[_Step]()
        seed = self._experiment.training.seed
        left = self._info.train  # 0 where only loading tells
        if "test" not in self._parts and data.test and left != 1:
            steps.append(self._fraction("test", data.test, left, str(TEST_SEED)))
            left -= math.ceil(left * data.test)
        chosen = None if seed is None else str(seed)
        if data.limit is not None and (not left or data.limit < left):
            sure = self._is_sure(left, left - data.limit)
            steps.append(_Step("_", ("train_size", str(data.limit)), chosen, sure, is_maybe=not left))
            left = data.limit
        if "val" not in self._parts and data.validation and left != 1:
            steps.append(self._fraction("val", data.validation, left, chosen))
        return steps

    def _fraction(self, held: str, fraction: float, samples: int, seed: str | None) -> _Step:
        sure = self._is_sure(samples, math.ceil(samples * fraction))
        return _Step(held, ("test_size", number(fraction)), seed, sure)

    def _is_sure(self, samples: int, held: int) -> bool:
        """Whether each class surely has enough samples to keep its share, or there are no classes."""
        if not samples:
            return False
        if self._classes is None:
            return True
        classes = self._classes.classes
        if not classes or self._info.origin is Origin.FILE:
            return False
        enough = _ENOUGH if classes <= _MANY_CLASSES else _ENOUGH_OF_MANY
        return samples >= enough * classes and classes <= min(held, samples - held)

    # Splits; each returns what every part of an array is, as code, by part and array

    def _split_arrays(self, steps: Iterable[_Step]) -> Values:
        """Arrays are split side by side: `x_train, x_test, y_train, y_test = train_test_split(x, y)`."""
        ends = dict(self._parts)
        stems = [self._variables[array] for array in self._used]
        for step in steps:
            self._code.imports.add(SPLIT)
            now = [f"{stem}{ends['train']}" for stem in stems]
            targets = (
                f"{stem}_train, {f'{stem}_{step.held}' if step.held != '_' else '_'}" for stem in stems
            )
            by = self._variables[self._classes.name] + ends["train"] if self._classes else None
            self._assign(", ".join(targets), _train_test_split(now, step, by))
            ends["train"] = "_train"
            if step.held != "_":
                ends[step.held] = f"_{step.held}"
        return {
            part: {array: f"{self._variables[array]}{end}" for array in self._used}
            for part, end in ends.items()
        }

    def _split_rows(self, steps: Sequence[_Step]) -> Values:
        """The numbers of the samples are split: `train, test = train_test_split(np.arange(len(title)))`."""
        end = self._parts["train"]
        whole = {array: f"{self._variables[array]}{end}" for array in self._used}
        by = whole[self._classes.name] if self._classes else None
        rows = f"np.arange(len({whole[self._used[0]]}))"
        picked: dict[str, str] = {}
        own = not all(step.is_sure for step in steps)
        for step in steps:
            self._code.imports.add(_NUMPY)
            labels = by if by is None or rows != "train" else f"{by}[train]"
            if own:
                self._own_split(step, rows, whole[self._used[0]], by)
            else:
                self._code.imports.add(SPLIT)
                self._assign(f"train, {step.held}", _train_test_split([rows], step, labels))
            rows = "train"
            picked |= {part: f"[{part}]" for part in ("train", step.held) if part != "_"}
        values = {
            part: {array: f"{self._variables[array]}{end}" for array in self._used}
            for part, end in self._parts.items()
        }
        for part, index in picked.items():
            values[part] = {array: f"{variable}{index}" for array, variable in whole.items()}
        return values

    def _own_split(self, step: _Step, rows: str, first: str, by: str | None) -> None:
        """A split by the function that looks whether the classes can keep their shares."""
        self._code.recipes.append("split")
        seed = () if step.seed is None else (step.seed,)
        rest = (by, *seed) if by else ("None", *seed) if seed else ()
        name, size = step.size
        if name == "test_size":
            self._assign(f"train, {step.held}", call("split", rows, size, *rest))
        elif not step.is_maybe:
            samples = "train" if rows == "train" else first
            self._assign("train, _", call("split", rows, f"len({samples}) - {size}", *rest))
        else:
            if rows != "train":
                self._assign("train", rows)
            limited = call("split", "train", f"len(train) - {size}", *rest)
            self._code.lines += [f"if len(train) > {size}:", *lines(limited, 1, "train, _ = ")]

    def _split_in_time(self) -> Values:
        """The last samples are held back."""
        data, gap, left = self._data, self._source.gap, self._info.train
        stems = [self._variables[array] for array in self._used]
        ends = {"train": ""}
        for part, fraction in (("test", data.test), ("val", data.validation)):
            if part == "val" and data.limit is not None and data.limit < left:
                for stem in stems:
                    self._code.lines.append(f"{stem}_train = {stem}{ends['train']}[:{data.limit}]")
                left, ends["train"] = data.limit, "_train"
            if can_cut(left, fraction, gap):
                self._code.recipes.append("split_in_time")
                now = _tuple(f"{stem}{ends['train']}" for stem in stems)
                targets = (_tuple(f"{stem}_{held}" for stem in stems) for held in ("train", part))
                self._assign(", ".join(targets), call("split_in_time", now, number(fraction), str(gap)))
                left -= round(left * fraction) + gap
                ends |= {"train": "_train", part: f"_{part}"}
        return {
            part: {array: f"{self._variables[array]}{end}" for array in self._used}
            for part, end in ends.items()
        }

    # The end

    def _assemble(self, values: Values) -> None:
        """Inputs and targets of each part as the model takes them."""
        order = [part for part in ("train", "val", "test") if part in values]
        values = {part: dict(values[part]) for part in order}
        self._standardize(values)
        inputs = [self._place(one) for one in self._inputs]
        targets = [None if one is None else self._place(one) for one in self._targets]
        x = self._gather("x", inputs, values)
        y = x if targets == inputs else self._gather("y", targets, values)
        self._code.parts = {part: (x[part], y[part]) for part in order}

    def _standardize(self, values: Values) -> None:
        """Bring the features to mean 0 and deviation 1, as they are in the training samples."""
        for array in self._used:
            if self._scale_of(array) != STANDARD:
                continue
            fitted_on = values["train"][array]
            parts = list(dict.fromkeys(_variable_of(part[array]) for part in values.values()))
            if self._is_plain_table(array) and fitted_on in parts:
                # Keras does not say in which precision it has its tables.
                exact = ', dtype="float64"' if self._info.origin is Origin.DOWNLOAD else ""
                self._code.lines += [
                    f"mean = {fitted_on}.mean(axis=0{exact})",
                    f"std = {fitted_on}.std(axis=0{exact})",
                    f"{', '.join(parts)} = ((part - mean) / std for part in ({', '.join(parts)}))"
                    if len(parts) > 1
                    else f"{parts[0]} = ({parts[0]} - mean) / std",
                ]
                continue
            self._code.recipes.append("standardizer")
            made = call("standardizer", fitted_on)
            changed = call("map", made, _tuple(parts)) if len(parts) > 1 else call(made, parts[0])
            self._assign(", ".join(parts), changed)

    def _is_plain_table(self, array: str) -> bool:
        """Whether an array is a whole table of scikit-learn's or Keras', whose columns all vary."""
        info = self._info.input(array)
        is_known = self._info.origin in (Origin.BUNDLED, Origin.DOWNLOAD)
        is_table = is_known and info is not None and len(info.shape) == 1 and info.dtype != "uint8"
        return is_table and self._data.limit is None

    def _place(self, one: _Fed) -> tuple[str, str]:
        """An array and what shapes it for one of its places."""
        described = self._info.input(one.array)
        if described is None:
            return one.array, ""
        if self._scale_of(one.array) == STANDARD:
            now: Shape | None = described.shape
        else:
            now = self._shape_of(one.array) or self._loaded_shape(one.array)
        return one.array, "" if now == one.shape else _reshape(one.shape)

    def _gather(self, name: str, places: Sequence[tuple[str, str] | None], values: Values) -> dict[str, str]:
        """What stands for all inputs or targets of each part."""
        if len(places) == 1 and places[0] is not None:
            (array, change) = places[0]
            return self._gather_one(name, {part: f"{has[array]}{change}" for part, has in values.items()})
        arrays = [place[0] for place in places if place is not None and not place[1]]
        indexed = [part for part, has in values.items() if "[" in has[self._used[0]]]
        if len(arrays) == len(places) and len(indexed) > 1:
            whole = [_variable_of(values["train"][array]) for array in arrays]
            self._assign(name, listed(whole))
            targets = ", ".join(f"{name}_{part}" for part in indexed)
            self._code.lines.append(
                f"{targets} = ([array[rows] for array in {name}] for rows in ({', '.join(indexed)}))"
            )
        else:
            indexed = []
        for part in (part for part in values if part not in indexed):
            items = ("None" if one is None else f"{values[part][one[0]]}{one[1]}" for one in places)
            self._assign(f"{name}_{part}", listed(items))
        return {part: f"{name}_{part}" for part in values}

    def _gather_one(self, name: str, whole: Mapping[str, str]) -> dict[str, str]:
        changed = {f"{name}_{part}": value for part, value in whole.items() if not value.isidentifier()}
        line = f"{', '.join(changed)} = {', '.join(changed.values())}"
        if changed and len(line) <= WIDTH:
            self._code.lines.append(line)
        else:
            # The training samples last: the others may be taken from the same variable.
            for target, value in reversed(changed.items()):
                self._assign(target, value)
        return {part: value if value.isidentifier() else f"{name}_{part}" for part, value in whole.items()}

    def _assign(self, targets: str, expression: Expression) -> None:
        self._code.lines += lines(expression, before=f"{targets} = ")


def describe_raw(data: Data, base: Path | None) -> DatasetInfo:
    """What a dataset holds before it is scaled."""
    offer = find(data.source)
    if offer is not None:
        return offer.describe(data.arguments)
    return describe_file(file_of(data, base), data.source)


def _classes(matching: Matching) -> TargetInfo | None:
    """The target by whose classes the samples are divided."""
    for target in matching.targets.values():
        if isinstance(target, TargetInfo) and target.kind in (TargetKind.CLASSES, TargetKind.BINARY):
            return None if target.shape else target
    return None


def _train_test_split(arrays: Sequence[str], step: _Step, by: str | None) -> Expression:
    given: dict[str, Expression] = {step.size[0]: step.size[1]}
    if by is not None:
        given["stratify"] = by
    if step.seed is not None:
        given["random_state"] = step.seed
    return called("train_test_split", arrays, given)


def _reshape(shape: Shape) -> str:
    return f".reshape({', '.join(('-1', *(str(axis or 0) for axis in shape)))})"


def _plain(value: float) -> str:
    return number(int(value) if value.is_integer() else value)


def _tuple(items: Iterable[str]) -> str:
    names = tuple(items)
    return f"({names[0]},)" if len(names) == 1 else f"({', '.join(names)})"


def _variable_of(expression: str) -> str:
    """The variable that an expression takes rows of."""
    return expression.partition("[")[0]
