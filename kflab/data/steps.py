"""One step that prepares an array: what it does to samples, and what it learned of those of the training."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias, cast

import numpy as np

from kflab.catalog.datasets import STANDARD
from kflab.catalog.entries import Kind
from kflab.catalog.preparation_steps import CAST, ONE_HOT, PAD, find_step
from kflab.data.arrays import Array
from kflab.data.gaps import Gaps, fill
from kflab.data.rows import Rows, blocks
from kflab.errors import KflabError
from kflab.experiment import Spec
from kflab.values import Value

State: TypeAlias = Mapping[str, "Array | list[str]"]
"""What a step has learned, by name: numbers, or words."""

_LEARNABLE = ("mean", "variance", "bin_boundaries", "vocabulary", "idf_weights", "output_sequence_length")
"""The arguments of layers that adapting them stands in for."""

_BINS = ("num_bins", "epsilon")
"""The arguments of `Discretization` that say how boundaries are to be learned."""


_ALONE = frozenset({"Equalization"})
"""Layers that let the samples of a batch have a part in each other, so that they get one at a time."""


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


class LayerStep:
    """A preprocessing layer of Keras.

    Args:
        spec: its name and arguments.
        array: the name of the array, for errors.
    """

    def __init__(self, spec: Spec, array: str) -> None:
        self._spec, self._array = spec, array
        self._layer = _make(spec)
        entry = find_step(spec.name)
        mode = entry.argument("output_mode") if entry else None
        self._mode = str(spec.arguments.get("output_mode", mode.default)) if mode else ""

    def fit(self, rows: Rows) -> State:
        """What the layer learns of the training samples, where it has to."""
        if not _has_to_learn(self._spec, self._layer):
            return {}
        try:
            self._layer.adapt(_data(rows))
            state = dict(_learned(self._spec, self._layer))
        except Exception as error:
            raise self._refused(error) from error
        self.take(state)
        if _is_open_ended(self._spec):
            # Else every few samples would be as long as the longest of them.
            longest = max(int(self(block).shape[1]) for block in blocks(rows))
            state["output_sequence_length"] = np.array(longest)
            self.take(state)
        return state

    def take(self, state: State) -> None:
        """Take over what was learned: as arguments of the layer."""
        if not state:
            return
        given = {key: value for key, value in self._spec.arguments.items() if value is not None}
        if "bin_boundaries" in state:
            given = {key: value for key, value in given.items() if key not in _BINS}
        learned = {
            key: value if isinstance(value, list) else cast(Value, value.tolist())
            for key, value in state.items()
        }
        self._layer = _make(Spec(self._spec.name, {**given, **learned}))

    def __call__(self, array: Array) -> Array:
        """The samples as the layer gives them."""
        try:
            if self._spec.name in _ALONE and len(array) > 1:
                every = (call_layer(self._layer, array[row : row + 1]) for row in range(len(array)))
                return np.concatenate(list(every))
            return call_layer(self._layer, array, self._mode)
        except Exception as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> KflabError:
        from kflab.engine.objects import complaint

        if isinstance(error, KflabError):
            return error
        return KflabError(f"{self._spec.name} can not prepare {self._array!r}: {complaint('', error)}")


def _make(spec: Spec) -> Any:
    from kflab.engine import objects

    return objects.make(Kind.LAYER, spec.name, spec.arguments)


def call_layer(layer: Any, array: Array, mode: str = "", **extra: object) -> Array:
    """What a layer makes of samples, on the CPU, where preparation does not get in the way of training.

    Args:
        layer: the layer.
        array: the samples.
        mode: what it makes ids of, where it has an `output_mode`.
        extra: other arguments of its call.
    """
    import keras

    scalars = array.ndim == 1
    # Layers take the last axis for the features, and a row of numbers for one sample.
    given = as_text(array) if array.dtype.kind in "OUS" else array
    if (scalars and array.dtype.kind not in "OUS") or (scalars and not _splits_text(layer)):
        given = given[:, None]
    with keras.device("cpu"):
        made = np.asarray(keras.ops.convert_to_numpy(layer(given, **extra)))
    if made.dtype.kind in "OS":
        made = _decoded(made)
    if mode and made.dtype.kind in "iu":
        # Backends differ in how wide their whole numbers are.
        made = made.astype("int32" if mode == "int" else "float32")
    keeps = mode in ("", "int") and not _splits_text(layer)
    return made[:, 0] if scalars and keeps and made.ndim == 2 and made.shape[1] == 1 else made


def _splits_text(layer: object) -> bool:
    """Whether a layer makes a row of ids of each text."""
    return hasattr(layer, "standardize")


def as_text(array: Array) -> Array:
    """Text as Keras takes it: an empty one where there is none."""
    if array.dtype.kind == "U":
        return array.astype(object)
    texts = np.empty(array.size, dtype=object)
    texts[:] = [_text(value) for value in array.reshape(-1)]
    return texts.reshape(array.shape)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None or value != value else str(value)  # noqa: PLR0124 - NaN is not itself


def _decoded(made: Array) -> Array:
    texts = np.empty(made.size, dtype=object)
    texts[:] = [_text(value) for value in made.reshape(-1)]
    return texts.reshape(made.shape)


def _has_to_learn(spec: Spec, layer: object) -> bool:
    given = any(spec.arguments.get(name) is not None for name in _LEARNABLE[:4])
    return hasattr(layer, "adapt") and not given


def _is_open_ended(spec: Spec) -> bool:
    given = spec.arguments
    return (
        spec.name == "TextVectorization"
        and given.get("output_mode", "int") == "int"
        and given.get("output_sequence_length") is None
    )


def _learned(spec: Spec, layer: Any) -> Iterator[tuple[str, Array | list[str]]]:
    """What a layer has learned, as the arguments that would say the same."""
    import keras

    if hasattr(layer, "get_vocabulary"):
        words = layer.get_vocabulary(include_special_tokens=False)
        is_text = spec.name != "IntegerLookup"
        yield "vocabulary", [str(word) for word in words] if is_text else np.array(words, dtype="int64")
        if spec.arguments.get("output_mode") == "tf_idf":
            from kflab.engine.private import inverse_frequencies

            weights = keras.ops.convert_to_numpy(inverse_frequencies(layer))
            yield "idf_weights", weights[len(weights) - len(words) :]
    elif hasattr(layer, "bin_boundaries"):
        yield "bin_boundaries", np.asarray(layer.bin_boundaries, dtype="float64")
    else:
        for name, variable in (("mean", layer.adapt_mean), ("variance", layer.adapt_variance)):
            yield name, keras.ops.convert_to_numpy(variable)


def _data(rows: Rows) -> object:
    """Samples as `adapt` takes them: all at once where they are in memory, else a few at a time."""

    def shaped(block: Array) -> Array:
        block = as_text(block) if block.dtype.kind in "OUS" else block
        return block[:, None] if block.ndim == 1 else block

    if isinstance(rows, np.ndarray):
        return shaped(rows)
    import tensorflow as tf

    first = shaped(rows[:1])
    dtype = tf.string if first.dtype == object else first.dtype
    signature = tf.TensorSpec((None, *first.shape[1:]), dtype)
    return tf.data.Dataset.from_generator(lambda: map(shaped, blocks(rows)), output_signature=signature)


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
