"""The datasets of `keras.datasets` as a file loads and prepares them: their shapes, never their samples."""

from __future__ import annotations

import ast
import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from kflab.catalog import datasets
from kflab.catalog.dataset_types import DatasetInfo, TargetKind
from kflab.errors import UnusableInputError
from kflab.experiment import Data
from kflab.imports.python.recorded import DataArray, Statistic
from kflab.imports.python.things import Method, Place, Ref, Unknown, causes_in
from kflab.values import Value

STANDARD = datasets.STANDARD
"""The scale that brings each feature to mean 0 and standard deviation 1."""


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A dataset that a file loads.

    Attributes:
        source: its name.
        arguments: its arguments in a document.
        arrays: what `load_data` gives.
    """

    source: str
    arguments: Mapping[str, Value]
    arrays: object


def info_of(source: str, arguments: Mapping[str, Value] | None = None) -> DatasetInfo | None:
    """What a dataset holds; None where it is none of the catalog."""
    try:
        return datasets.describe(Data(source=source, arguments=arguments or {}))
    except UnusableInputError:
        return None


def load(
    source: str,
    positional: Sequence[object],
    named: Mapping[str, object],
    place: Place,
    note: Callable[[str, int], None],
) -> Loaded:
    """What `keras.datasets.SOURCE.load_data(...)` gives."""
    info = info_of(source)
    if info is None:
        unknown = place.unknown("is a dataset that kflab does not have", definable=True)
        return Loaded("", {}, ((unknown, unknown), (unknown, unknown)))
    known = {argument.name for argument in info.arguments}
    arguments: dict[str, Value] = {}
    first = {"label_mode": positional[0]} if positional and "label_mode" in known else {}
    for name, value in (first | dict(named)).items():
        if name in known and isinstance(value, int | float | str):
            arguments[name] = value
        elif name not in {"path", "seed", "test_split"} and value is not None:
            note(f"{name} of the dataset {source} is left out", place.line)
    if info_of(source, arguments) is None:
        arguments = {}
    arrays = tuple(
        tuple(DataArray(source, role, _shape(info, role, count), train=train) for role in "xy")
        for train, count in ((True, info.train), (False, info.test))
    )
    return Loaded(source, arguments, arrays)


def load_table(path: str, named: Mapping[str, object], place: Place) -> Loaded | None:
    """What `sklearn.datasets.load_iris` and its like give; None where the catalog has no such dataset."""
    name = path.rpartition(".")[2]
    source = name.removeprefix("load_").removeprefix("fetch_")
    info = info_of(source) if path.startswith("sklearn.datasets.") and source != name else None
    if info is None:
        return None
    samples = (info.train + info.test) or None
    shape = info.inputs[0].shape
    # Pictures stand in rows there, one pixel beside the other.
    features = math.prod(size for size in shape if size is not None)
    x = DataArray(source, "x", (samples, features))
    y = DataArray(source, "y", (samples,))
    if named.get("return_X_y") is True:
        return Loaded(source, {}, (x, y))
    pictures = dataclasses.replace(x, shape=(samples, *shape[:-1]))
    unknown = place.unknown("is not read", definable=True)
    table = {"data": x, "target": y, "images": pictures if len(shape) > 1 else unknown}
    return Loaded(source, {}, Table(table))


@dataclasses.dataclass(frozen=True)
class Table:
    """What scikit-learn loads: arrays by name, as attributes and as items."""

    arrays: Mapping[str, object]


def _shape(info: DatasetInfo, role: str, count: int) -> tuple[int | None, ...]:
    samples = count or None
    if role == "y":
        one_column = info.name.startswith("cifar")
        return (samples, 1) if one_column else (samples,)
    array = info.inputs[0]
    if array.ids:
        return (samples,)  # lists of words, each as long as its text
    shape = array.shape
    return (samples, *(shape[:-1] if len(shape) == 3 and shape[-1] == 1 else shape))


def classes_of(array: DataArray) -> int:
    """How many classes the targets of a dataset have; 0 where they are no classes."""
    info = info_of(array.source)
    return info.targets[0].classes if info is not None else 0


def attribute(value: object, name: str, place: Place) -> object:
    """An attribute of an array, or of what scikit-learn loads."""
    if isinstance(value, Table):
        return value.arrays.get(name, place.unknown("is not read", definable=True))
    return _of_array(value, name, place) if isinstance(value, DataArray) else place.unknown("is not read")


def _of_array(array: DataArray, name: str, place: Place) -> object:
    match name:
        case "shape":
            return (
                array.shape
                if None not in array.shape
                else tuple(
                    place.unknown("is not known before the data is loaded", definable=True)
                    if size is None
                    else size
                    for size in array.shape
                )
            )
        case "ndim":
            return len(array.shape)
        case "__len__":
            return (
                array.shape[0]
                if array.shape[0] is not None
                else place.unknown("is not known", definable=True)
            )
        case "astype" | "reshape" | "max" | "min" | "copy" | "flatten" | "squeeze" | "ravel" | "mean" | "std":
            return Method(array, name)
    return place.unknown("depends on data that is not read", definable=True)


def method(
    array: DataArray, name: str, positional: Sequence[object], named: Mapping[str, object], place: Place
) -> object:
    """What a method of an array gives."""
    if name in {"astype", "copy"}:
        return array
    if name == "reshape":
        sizes = (
            positional[0] if len(positional) == 1 and isinstance(positional[0], list | tuple) else positional
        )
        return _reshaped(array, list(sizes), place)
    if name in {"max", "min"} and not positional and not named:
        return _extreme(array, name, place)
    if name in {"mean", "std"} and array.role == "x":
        return Statistic(array, name)
    if name in {"flatten", "ravel", "squeeze"} and array.role == "y":
        return dataclasses.replace(array, shape=array.shape[:1])
    return place.unknown("depends on data that is not read", definable=True)


def _extreme(array: DataArray, name: str, place: Place) -> object:
    classes = classes_of(array) if array.role == "y" and not array.one_hot else 0
    if classes:
        return classes - 1 if name == "max" else 0
    return place.unknown("depends on data that is not read", definable=True)


def _reshaped(array: DataArray, sizes: list[object], place: Place) -> object:
    if causes_in(sizes):
        return Unknown.of(sizes)
    whole = math.prod(size for size in array.shape[1:] if size is not None)
    inner = [size for size in sizes[1:] if isinstance(size, int)]
    if len(inner) != len(sizes) - 1 or not sizes:
        return place.unknown("is a shape that is not read", definable=True)
    if -1 in inner:
        known = math.prod(size for size in inner if size != -1)
        inner = [whole // known if size == -1 and known else size for size in inner]
    if array.role == "x" and math.prod(inner) != whole:
        return place.unknown("does not keep the number of values", definable=True)
    return dataclasses.replace(array, shape=(array.shape[0], *inner))


def binary(operation: ast.AST, left: object, right: object, place: Place) -> object:
    """An operator with an array on a side: dividing by a number is scaling, the rest is only told."""
    if isinstance(left, DataArray) and isinstance(right, Statistic):
        return left if isinstance(operation, ast.Sub) else dataclasses.replace(left, standard=True)
    if isinstance(left, DataArray) and isinstance(right, int | float) and right:
        if isinstance(operation, ast.Div):
            return dataclasses.replace(left, scale=left.scale * right)
        if isinstance(operation, ast.Mult):
            return dataclasses.replace(left, scale=left.scale / right)
    array = left if isinstance(left, DataArray) else right
    if not isinstance(array, DataArray):  # such as the deviation with a little added to it
        return next(one for one in (left, right) if isinstance(one, Statistic))
    if isinstance(operation, ast.Add | ast.Sub | ast.Div | ast.Mult):
        return dataclasses.replace(array, changed=(*array.changed, place.text))
    return place.unknown("depends on data that is not read", definable=True)


def item(array: DataArray, key: object, place: Place) -> object:
    """`array[key]`: some of the samples, one sample, or a new axis."""
    if isinstance(key, slice):
        bounds = [bound for bound in (key.start, key.stop) if isinstance(bound, int)]
        size = array.shape[0]
        count = (
            len(range(*key.indices(size))) if size is not None and (bounds or key == slice(None)) else None
        )
        return dataclasses.replace(array, shape=(count, *array.shape[1:]))
    if isinstance(key, int):
        return dataclasses.replace(array, shape=array.shape[1:])
    if (
        isinstance(key, tuple)
        and key
        and key[-1] is None
        and all(part is ... or part == slice(None) for part in key[:-1])
    ):
        return dataclasses.replace(array, shape=(*array.shape, 1))
    return place.unknown("depends on data that is not read", definable=True)


def function(
    path: str, positional: Sequence[object], named: Mapping[str, object], place: Place
) -> object | None:
    """What a function that prepares data gives for an array; None where it is not read.

    Args:
        path: the function's dotted name.
        positional: its arguments.
        named: its arguments by name.
        place: where it is called.
    """
    last = path.rpartition(".")[2]
    if last == "train_test_split" and positional and all(isinstance(one, DataArray) for one in positional):
        return [one for array in positional for one in _halves(array)]
    if path.endswith("StandardScaler"):
        return Ref(path)
    if path.endswith(("StandardScaler.fit_transform", "StandardScaler.transform")):
        array = positional[0] if positional else None
        return dataclasses.replace(array, standard=True) if isinstance(array, DataArray) else None
    prepare = _PREPARE.get(last)
    array = positional[0] if positional else named.get("y" if last == "to_categorical" else "sequences")
    if prepare is None or not isinstance(array, DataArray):
        return None
    return prepare(_Prepared(array, list(positional[1:]), named, place))


def _halves(array: object) -> tuple[DataArray, DataArray]:
    """What a split makes of an array; how many samples each half has is not known."""
    assert isinstance(array, DataArray)
    half = dataclasses.replace(array, shape=(None, *array.shape[1:]))
    return half, dataclasses.replace(half, train=False)


class _Prepared(NamedTuple):
    """A call of a function that prepares an array."""

    array: DataArray
    rest: list[object]
    named: Mapping[str, object]
    place: Place

    def given(self, *names: str, otherwise: object = None) -> object:
        """The argument after the array, by whichever name."""
        if self.rest:
            return self.rest[0]
        return next((self.named[name] for name in names if name in self.named), otherwise)

    def shaped(self, *sizes: int | None) -> DataArray:
        """The array with other sizes after its samples."""
        return dataclasses.replace(self.array, shape=(self.array.shape[0], *sizes))


def _to_categorical(asked: _Prepared) -> object | None:
    count = asked.given("num_classes", otherwise=classes_of(asked.array))
    if not isinstance(count, int):
        return None
    return dataclasses.replace(asked.shaped(count), one_hot=True)


def _pad_sequences(asked: _Prepared) -> object | None:
    length = asked.given("maxlen")
    return asked.shaped(length) if isinstance(length, int) else None


def _expand_dims(asked: _Prepared) -> object | None:
    if asked.given("axis") not in {-1, len(asked.array.shape)}:
        return None
    return asked.shaped(*asked.array.shape[1:], 1)


def _reshape(asked: _Prepared) -> object | None:
    sizes = asked.given("newshape", "shape")
    return _reshaped(asked.array, list(sizes), asked.place) if isinstance(sizes, list | tuple) else None


def _unique(asked: _Prepared) -> object | None:
    classes = classes_of(asked.array) if asked.array.role == "y" else 0
    return list(range(classes)) if classes else None


_Preparing = Callable[[_Prepared], object | None]
_PREPARE: Mapping[str, _Preparing] = {
    "to_categorical": _to_categorical,
    "pad_sequences": _pad_sequences,
    "expand_dims": _expand_dims,
    "reshape": _reshape,
    "unique": _unique,
    **dict.fromkeys(
        ("array", "asarray", "float32", "convert_to_tensor", "constant"), lambda asked: asked.array
    ),
    **dict.fromkeys(("max", "amax"), lambda asked: _extreme(asked.array, "max", asked.place)),
    **dict.fromkeys(("min", "amin"), lambda asked: _extreme(asked.array, "min", asked.place)),
    **dict.fromkeys(("squeeze", "ravel"), lambda asked: method(asked.array, "squeeze", [], {}, asked.place)),
}
"""The functions of NumPy, Keras and TensorFlow that prepare arrays, by their last name."""


def length_of(array: DataArray) -> int | None:
    """The number of words that texts are cut or filled up to."""
    info = info_of(array.source)
    ids = info is not None and info.inputs and info.inputs[0].ids
    return array.shape[1] if ids and len(array.shape) == 2 else None


def is_one_of_classes(source: str) -> bool:
    """Whether the targets of a dataset are whole numbers, one for each class."""
    info = info_of(source)
    return info is not None and bool(info.targets) and info.targets[0].kind is TargetKind.CLASSES
