"""The data of an experiment as code: loaded, scaled, shaped and split as kflab does it, in the same order."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kflab.catalog.dataset_types import ArrayInfo, Origin, TargetInfo
from kflab.catalog.datasets import STANDARD, describe_raw, scale_after
from kflab.catalog.matching import fitted, input_shape, side_by_side
from kflab.catalog.preparation import after_steps, described
from kflab.code.augmenting import BATCHES, augment
from kflab.code.gathering import gather, variable_of
from kflab.code.layout import WIDTH, call, listed, tupled
from kflab.code.matched import class_target, matched
from kflab.code.names import Names
from kflab.code.objects import CodeError, Objects
from kflab.code.preparing import Parts, change, fill, prepare
from kflab.code.recipes import recipe_names
from kflab.code.shaping import Shape, divided, flattened, plain, reshape
from kflab.code.sources import load
from kflab.code.splitting import Samples, Values, split
from kflab.code.statements import Statements
from kflab.code.unwritten import refuse_unwritten
from kflab.errors import KflabError
from kflab.experiment import Experiment

KEPT = (BATCHES, "x_train", "y_train", "x_val", "y_val", "x_test", "y_test")
"""The variables that training and test need, which the model must leave alone."""

_OTHERS = (
    *("x", "y", "rows", "array", "train", "val", "test", "data", "rng", "images", "digits", "order", "part"),
    *(
        "table",
        "complete",
        "columns",
        "types",
        "names",
        "labels",
        "endings",
        "files",
        "texts",
        "folders",
        "lines",
    ),
    *("csv", "pa", "parquet", "json", "tf", "pad_sequences", "to_categorical", "train_test_split"),
)
"""The variables that the statements use besides those of the arrays."""


class DataCode(Statements):
    """The code that gets the data.

    Attributes:
        parts: inputs and targets of each split that there is, as expressions: `{"train": ("x", "y")}`.
        held: what each output is held against that has a target of the dataset, by the output's name.
        batches: the variable of the training samples in batches, where they are augmented.
        with_target: the outputs that are held against anything.
    """

    parts: dict[str, tuple[str, str]] = msgspec.field(default_factory=dict)
    held: dict[str, TargetInfo] = msgspec.field(default_factory=dict)
    batches: str = ""
    with_target: set[str] = msgspec.field(default_factory=set)


def data_code(experiment: Experiment, base: Path | None, folder: Path | None = None) -> DataCode:
    """The code that gets the data of an experiment.

    Args:
        experiment: the experiment.
        base: the folder that a relative path in it starts from.
        folder: the folder that the script will be run in; nothing given: the current one.

    Raises:
        KflabError: there is no such dataset or file, or it does not fit the model.
    """
    refuse_unwritten(experiment)
    return _Writer(experiment, base, folder).code()


class _Fed(msgspec.Struct, frozen=True):
    """An array in one of its places, and the shape that its samples have there."""

    array: str
    shape: Shape


class _Writer:
    """Writes the data of one experiment."""

    def __init__(self, experiment: Experiment, base: Path | None, folder: Path | None) -> None:
        self._experiment, self._data = experiment, experiment.data
        if not experiment.model.input_names() or not experiment.model.outputs:
            raise KflabError("the model has no inputs and outputs that data could go to")
        self._info = describe_raw(self._data, base)
        matching = matched(experiment, base)
        self._matching = matching
        self._classes = class_target(matching, self._info)
        shapes = {name: self._shape(name, array) for name, array in matching.inputs.items()}
        fed = {array.name: shapes[name] for name, array in matching.inputs.items()}
        graph = experiment.model
        self._inputs = [_Fed(matching.inputs[name].name, shapes[name]) for name in graph.input_names()]
        self._targets = [
            _Fed(target.name, fed.get(target.name, target.shape)) if target is not None else None
            for target in (matching.targets.get(name) for name in graph.output_names())
        ]
        held = {one.name: isinstance(one, ArrayInfo) for one in matching.targets.values()}
        self._feeds = {one.array for one in self._inputs} | {
            name for name, is_input in held.items() if is_input
        }
        both = [name for name, is_input in held.items() if name in self._feeds and not is_input]
        if both:
            raise CodeError(f"no code can be written yet for {both[0]!r} as an input and as a target at once")
        self._used = tuple(
            dict.fromkeys(one.array for one in (*self._inputs, *self._targets) if one is not None)
        )
        self._joined = {one.name: one.columns for one in matching.inputs.values() if one.columns}
        self._names = Names({*KEPT, *_OTHERS, *recipe_names()})
        self._is_simple = len(self._inputs) == len(self._targets) == 1 and len(self._used) <= 2
        self._variables = self._name()
        self._beside = {
            name: self._names.take(name)
            for names in self._joined.values()
            for name in names
            if name not in self._variables
        }
        self._order = self._order_variable()
        self._source = load(self._data, self._info, self._variable, base, folder)
        self._code = DataCode(self._source.lines, self._source.imports, self._source.recipes)
        self._code.with_target = set(matching.targets)
        self._code.held = {
            name: target for name, target in matching.targets.items() if isinstance(target, TargetInfo)
        }

    def _shape(self, name: str, array: ArrayInfo) -> Shape:
        """The shape of an Input's samples."""
        wanted = input_shape(self._experiment.model, name)
        return (fitted(array.shape, wanted) if wanted is not None else None) or array.shape

    def _name(self) -> dict[str, str]:
        if self._is_simple:
            (x,), (target,) = self._inputs, self._targets
            both = {x.array: "x"}
            return both if target is None or target.array == x.array else {**both, target.array: "y"}
        return {array: self._names.take("_".join(self._joined.get(array, (array,)))) for array in self._used}

    def _variable(self, array: str) -> str:
        if array in self._variables:
            return self._variables[array]
        if array in self._beside:
            return self._beside[array]
        return self._order if array == self._data.order_by and self._order else "_"

    def _order_variable(self) -> str:
        """The variable of what tells the order of the samples in time; "" where nothing has to."""
        order = self._data.order_by
        if not order or self._data.split not in ("", "time"):
            return ""
        return self._variables.get(order) or self._beside.get(order) or self._names.take(order)

    def _own(self, array: str) -> ArrayInfo | None:
        """What feeds the model as it comes from its source, also several arrays put side by side."""
        if array not in self._feeds:
            return None
        found = self._info.input(array)
        if found is not None or array not in self._joined:
            return found
        columns = (self._info.input(name) for name in self._joined[array])
        return side_by_side([column for column in columns if column is not None])

    # In order

    def code(self) -> DataCode:
        """The code."""
        self._put_beside()
        self._scale_and_shape()
        seed = self._experiment.training.seed
        values = split(self._samples(), self._data, seed, self._code)
        values = {part: dict(values[part]) for part in ("train", "val", "test") if part in values}
        self._prepare(values)
        self._assemble(values)
        self._augment()
        return self._code

    def _put_beside(self) -> None:
        """What feeds one Input side by side."""
        for array, names in self._joined.items():
            self._code.imports.add("import numpy as np")
            for end in self._source.parts:
                columns = listed(
                    flattened(f"{self._variable(name)}{end}", self._info.input(name)) for name in names
                )
                self._code.assign(f"{self._variables[array]}{end}", call("np.concatenate", columns, axis="1"))

    def _samples(self) -> Samples:
        """What the source leaves to be split."""
        by, source, data = self._classes, self._source, self._data
        if data.split == "random":
            by = None
        return Samples(
            self._variables,
            {end.removeprefix("_") or "train": end for end in source.parts},
            self._info.train,
            by=None if by is None else by.name,
            # Who wrote a file may have any number of each class in it.
            classes=0 if by is None or self._info.origin is Origin.FILE else by.classes,
            is_pair=self._is_simple,
            gap=source.gap,
            in_time=data.split == "time"
            or (not data.split and (source.ordered or bool(data.order_by) or not data.shuffle)),
            order=self._order_now(),
            must_share=data.split == "stratified",
        )

    def _order_now(self) -> str:
        """What the training samples are to be sorted by, as an expression."""
        if not self._order:
            return ""
        order = self._info.input(self._data.order_by) or self._info.target(self._data.order_by)
        flat = ".ravel()" if order is not None and order.shape else ""
        return f"{self._order}{self._source.parts[0]}{flat}"

    def _scale_of(self, array: str) -> float | str | None:
        info = self._own(array)
        return None if info is None else scale_after(self._data, info)

    def _shape_of(self, array: str) -> Shape | None:
        """The shape that an array has in all of its places; nothing where they differ."""
        shapes = {one.shape for one in (*self._inputs, *self._targets) if one and one.array == array}
        return shapes.pop() if len(shapes) == 1 else None

    def _loaded_shape(self, array: str) -> Shape | None:
        """The shape in which an input comes from its source."""
        info = self._own(array)
        if info is None:
            return None
        # Keras gives pictures in grey without an axis for the channel.
        is_grey = self._info.origin is Origin.DOWNLOAD and len(info.shape) == 3 and info.shape[-1] == 1
        return info.shape[:2] if is_grey else info.shape

    def _scale_and_shape(self) -> None:
        """What can be done to the whole of an array, before it is split."""
        for array, variable in self._variables.items():
            loaded, scale = self._loaded_shape(array), self._scale_of(array)
            own = self._own(array)
            if loaded is None or own is None:
                continue
            is_later = scale == STANDARD or self._is_prepared(array)
            shape = own.shape if is_later else self._shape_of(array)
            change = reshape(shape) if shape and shape != loaded else ""
            if scale is not None and not is_later:
                change += divided(scale)
            elif is_later and array in self._source.doubles:
                # What is learned of them would differ in the last digits.
                change += '.astype("float32")'
            if change:
                self._code.lines += [
                    f"{variable}{end} = {variable}{end}{change}" for end in self._source.parts
                ]

    def _prepare(self, values: Values) -> None:
        """What is done to arrays by the steps of the document, once they are split."""
        objects = Objects()
        for array in self._variables:
            steps = self._data.prepare.get(array, ())
            info = self._own(array) or self._info.target(array)
            filling = self._filling(array)
            if not self._is_prepared(array) or info is None:
                continue
            self._pick(array, values)
            train = values["train"][array]
            others = tuple(values[part][array] for part in ("val", "test") if part in values)
            classes = info.classes if isinstance(info, TargetInfo) else 0
            parts = Parts(array, train, others, classes)
            if filling:
                fill(parts, filling, self._code)
            prepare(parts, described(info), steps, objects, self._names, self._code)
            scale = self._scale_of(array)
            if scale is not None and scale != STANDARD:
                is_augmented = bool(self._data.augment.get(array))
                change(parts.others if is_augmented else parts.every, divided(scale), self._code)

    def _is_prepared(self, array: str) -> bool:
        """Whether something is done to the samples of an array that has to wait until they are split."""
        data = self._data
        return bool(data.prepare.get(array) or data.augment.get(array) or self._filling(array))

    def _augment(self) -> None:
        """Make batches of training samples that are changed at random."""
        array = next((name for name, steps in self._data.augment.items() if steps), "")
        if not array:
            return
        (one,), (target,) = self._inputs, self._targets
        own = self._own(array)
        if own is None or target is None or target.array == array or one.array != array:
            raise CodeError(
                f"no code can be written yet for data.augment of {array!r}, which feeds no Input alone"
            )
        before = after_steps(described(own), self._data.prepare.get(array, ()))
        if after_steps(before, self._data.augment[array]).shape != before.shape or before.shape != one.shape:
            raise CodeError(
                f"no code can be written yet for data.augment that changes the shape of {array!r}"
            )
        scale = self._scale_of(array)
        x, y = self._code.parts["train"]
        finish = "" if scale is None else f" / {plain(float(scale))}"
        augment(self._experiment, self._data.augment[array], x, y, finish, self._names, self._code)
        self._code.batches = BATCHES

    def _filling(self, array: str) -> str:
        """What stands in for the missing values of an array; "" where none are missing."""
        names = (array, *self._joined.get(array, ()))
        return next((values for name in names if (values := self._source.gaps.get(name))), "")

    def _pick(self, array: str, values: Values) -> None:
        """Give the samples of an array in each part a variable of its own, where they have none."""
        variable = self._variables[array]
        picked = {part: f"{variable}_{part}" for part, has in values.items() if "[" in has[array]}
        taken = [values[part][array] for part in picked]
        line = f"{', '.join(picked.values())} = {', '.join(taken)}"
        if picked and len(line) <= WIDTH:
            self._code.lines.append(line)
        else:
            self._code.lines += [
                f"{name} = {rows}" for name, rows in zip(picked.values(), taken, strict=True)
            ]
        for part, name in picked.items():
            values[part][array] = name

    # The end

    def _assemble(self, values: Values) -> None:
        """Inputs and targets of each part as the model takes them."""
        self._standardize(values)
        inputs = [self._place(one) for one in self._inputs]
        targets = [None if one is None else self._place(one) for one in self._targets]
        x = gather("x", inputs, values, self._code)
        y = x if targets == inputs else gather("y", targets, values, self._code)
        self._code.parts = {part: (x[part], y[part]) for part in values}

    def _standardize(self, values: Values) -> None:
        """Bring the features to mean 0 and deviation 1, as they are in the training samples."""
        for array in self._used:
            if self._scale_of(array) != STANDARD:
                continue
            fitted_on = values["train"][array]
            parts = list(dict.fromkeys(variable_of(part[array]) for part in values.values()))
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
            changed = call("map", made, tupled(parts)) if len(parts) > 1 else call(made, parts[0])
            self._code.assign(", ".join(parts), changed)

    def _is_plain_table(self, array: str) -> bool:
        """Whether an array is a whole table of scikit-learn's or Keras', whose columns all vary."""
        info = self._info.input(array)
        is_known = self._info.origin in (Origin.BUNDLED, Origin.DOWNLOAD)
        is_table = is_known and info is not None and len(info.shape) == 1 and info.dtype != "uint8"
        return is_table and self._data.limit is None and not self._data.prepare.get(array)

    def _place(self, one: _Fed) -> tuple[str, str]:
        """An array and what shapes it for one of its places."""
        own = self._own(one.array)
        if own is None:
            return one.array, ""
        steps = self._data.prepare.get(one.array, ())
        if steps:
            now: Shape | None = after_steps(described(own), steps).shape
        elif self._scale_of(one.array) == STANDARD:
            now = own.shape
        else:
            now = self._shape_of(one.array) or self._loaded_shape(one.array)
        if now == one.shape:
            return one.array, ""
        if None in one.shape:
            raise CodeError(
                f"no code can be written yet for {one.array!r}: the size of its samples is not known before "
                "it is loaded"
            )
        return one.array, reshape(one.shape)
