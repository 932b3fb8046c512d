"""Preprocessing layers of Keras as steps: adapted to the training samples, a block of them at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, cast

import numpy as np

from kflab.catalog.entries import Kind
from kflab.catalog.preparation_steps import find_step
from kflab.data.arrays import Array
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
