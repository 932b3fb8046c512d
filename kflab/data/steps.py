"""One step that prepares an array: what it does to samples, and what it learned of those of the training."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Protocol, cast

import numpy as np

from kflab.catalog.datasets import STANDARD
from kflab.catalog.preparation_steps import CAST, ONE_HOT, PAD, find_step
from kflab.data.arrays import Array
from kflab.data.gaps import Gaps, fill
from kflab.data.layer_steps import LayerStep, State
from kflab.data.rows import Rows, blocks
from kflab.errors import KflabError
from kflab.experiment import Spec
from kflab.values import Value


class Step(Protocol):
    """Something that is done to the samples of an array, a few at a time."""

    def fit(self, rows: Rows) -> State:
        """Learn what there is to learn from the training samples, and return it."""
        ...

    def take(self, state: State) -> None:
        """Take over what was learned before."""
        ...

    def __call__(self, array: Array) -> Array:
        """The samples after the step."""
        ...


class _Plain:
    """A step that learns nothing."""

    def fit(self, rows: Rows) -> State:  # noqa: ARG002
        """Nothing."""
        return {}

    def take(self, state: State) -> None:
        """Nothing."""


class Single(_Plain):
    """Numbers as Keras trains on them."""

    def __call__(self, array: Array) -> Array:
        """The samples, those of 64 bits in 32."""
        return array.astype("float32") if array.dtype == "float64" else array


class Divide(_Plain):
    """Division by a number.

    Args:
        divisor: the number.
    """

    def __init__(self, divisor: float) -> None:
        self._divisor = np.float32(divisor)

    def __call__(self, array: Array) -> Array:
        """The samples, divided."""
        return np.divide(array, self._divisor, dtype="float32")


class Standardize:
    """Mean 0 and standard deviation 1 of each feature along the last axis."""

    def __init__(self) -> None:
        self._learned: tuple[Array, Array] = (np.zeros(1), np.ones(1))

    def fit(self, rows: Rows) -> State:
        """Mean and deviation of the training samples."""
        mean, deviation = _moments(rows) if isinstance(rows, np.ndarray) else _moments_of_blocks(rows)
        # A feature that never changes stays at 0 instead of becoming NaN.
        state = {"mean": mean, "deviation": np.where(deviation > 0, deviation, 1)}
        self.take(state)
        return state

    def take(self, state: State) -> None:
        """Take over mean and deviation."""
        self._learned = np.asarray(state["mean"]), np.asarray(state["deviation"])

    def __call__(self, array: Array) -> Array:
        """The samples, standardised."""
        mean, deviation = self._learned
        return cast(Array, ((array - mean) / deviation).astype("float32"))


def _moments(array: Array) -> tuple[Array, Array]:
    """Mean and deviation as `recipes.standardizer` has them, to the last bit."""
    axes = tuple(range(max(array.ndim - 1, 1)))
    return array.mean(axis=axes, dtype="float64"), array.std(axis=axes, dtype="float64")


def _moments_of_blocks(rows: Rows) -> tuple[Array, Array]:
    """Mean and deviation of samples that are not in memory, by the moments of their blocks."""
    count, mean, squares = 0, np.zeros(1), np.zeros(1)
    for block in blocks(rows):
        flat = block.reshape(-1, block.shape[-1]) if block.ndim > 1 else block.reshape(-1)
        own = flat.mean(axis=0, dtype="float64")
        apart, total = own - mean, count + len(flat)
        squares = (
            squares + flat.var(axis=0, dtype="float64") * len(flat) + apart**2 * (count * len(flat) / total)
        )
        mean, count = mean + apart * (len(flat) / total), total
    return mean, np.sqrt(squares / max(count, 1))


class FillGaps:
    """What the training samples have, where a value is missing.

    Args:
        gaps: how.
    """

    def __init__(self, gaps: Gaps) -> None:
        self._gaps = gaps
        self._values: Array = np.zeros(1, "float32")

    def fit(self, rows: Rows) -> State:
        """What stands in for each missing value."""
        self._values = self._gaps.fit(rows)
        return {"values": self._values}

    def take(self, state: State) -> None:
        """Take over what stands in."""
        self._values = np.asarray(state["values"])

    def __call__(self, array: Array) -> Array:
        """The samples without gaps."""
        return fill(array, self._values)


class Labels(_Plain):
    """The numbers of classes that are named.

    Args:
        labels: the names, in order.
        array: the name of the array, for errors.
    """

    def __init__(self, labels: tuple[str, ...], array: str) -> None:
        self._numbers = {label: number for number, label in enumerate(labels)}
        self._array = array

    def __call__(self, array: Array) -> Array:
        """The number of each name.

        Raises:
            KflabError: a name is none of the classes.
        """
        try:
            numbers = [self._numbers[str(value)] for value in array.reshape(-1)]
        except KeyError as error:
            known = ", ".join(list(self._numbers)[:10])
            raise KflabError(
                f"{self._array!r} holds {error.args[0]!r}, which is none of its classes: {known}"
            ) from None
        return np.array(numbers, dtype="int32").reshape(array.shape)


class Pad:
    """Sequences of one length.

    Args:
        arguments: those of `keras.utils.pad_sequences`.
    """

    def __init__(self, arguments: Mapping[str, Value]) -> None:
        self._arguments = dict(arguments)

    def fit(self, rows: Rows) -> State:
        """The length of the longest training sample, where none is given."""
        if self._arguments.get("maxlen") is not None:
            return {}
        longest = max((max(map(len, block), default=0) for block in blocks(rows)), default=0)
        state = {"maxlen": np.array(longest)}
        self.take(state)
        return state

    def take(self, state: State) -> None:
        """Take over the length."""
        if "maxlen" in state:
            self._arguments["maxlen"] = int(np.asarray(state["maxlen"]))

    def __call__(self, array: Array) -> Array:
        """The sequences, all as long."""
        from keras.utils import pad_sequences

        first = np.asarray(array[0]) if len(array) else array
        dtype = "float32" if first.dtype.kind == "f" else "int32"
        padded: Array = pad_sequences(list(array), **{"dtype": dtype, **self._arguments})
        return padded


class OneHot:
    """A row of 0s with a single 1 of each class number.

    Args:
        classes: how many classes there are; nothing given: as many as the training samples have.
        array: the name of the array, for errors.
    """

    def __init__(self, classes: int | None, array: str) -> None:
        self._classes, self._array = classes, array

    def fit(self, rows: Rows) -> State:
        """How many classes there are, where that is not given."""
        if self._classes is None:
            self._classes = 1 + max((int(block.max()) for block in blocks(rows) if block.size), default=0)
        return {"classes": np.array(self._classes)}

    def take(self, state: State) -> None:
        """Take over how many classes there are."""
        if "classes" in state:
            self._classes = int(np.asarray(state["classes"]))

    def __call__(self, array: Array) -> Array:
        """The rows.

        Raises:
            KflabError: a value is no number of a class.
        """
        classes = self._classes or 1
        numbers = array.astype("int64")
        if array.size and (array.dtype.kind not in "iub" or numbers.min() < 0 or numbers.max() >= classes):
            raise KflabError(
                f"to_categorical expects the numbers of {classes} classes, 0 to {classes - 1}, in "
                f"{self._array!r}; it holds {array.min():g} to {array.max():g} ({array.dtype})"
            )
        return np.asarray(np.eye(classes, dtype="float32")[numbers])


class Cast(_Plain):
    """Another dtype.

    Args:
        dtype: its name.
    """

    def __init__(self, dtype: str) -> None:
        self._dtype = dtype

    def __call__(self, array: Array) -> Array:
        """The samples in the dtype."""
        return array.astype(self._dtype)


def make_step(spec: Spec, array: str, classes: int = 0) -> Step:
    """The step that a document names.

    Args:
        spec: its name and arguments.
        array: the name of the array that it is for.
        classes: how many classes the array has; 0 where there are none, or that is not known.

    Raises:
        KflabError: there is no such step, or Keras does not accept its arguments.
    """
    entry = find_step(spec.name)
    if entry is None:
        raise KflabError(f"{spec.name} is nothing that data can be prepared with")
    arguments = spec.arguments
    made: Mapping[str, Callable[[], Step]] = {
        PAD: lambda: Pad(arguments),
        ONE_HOT: lambda: OneHot(_whole(arguments.get("num_classes")) or classes or None, array),
        CAST: lambda: Cast(str(arguments["dtype"])),
    }
    return made.get(entry.name, functools.partial(LayerStep, Spec(entry.name, arguments), array))()


def make_scale(scale: float | str | None) -> Step:
    """The step that the short form `data.scale` stands for."""
    if scale is None:
        return Single()
    return Standardize() if scale == STANDARD else Divide(float(scale))


def _whole(value: Value) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
