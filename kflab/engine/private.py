"""What kflab takes from inside Keras because no public name gives it. Nothing else may import `keras.src`."""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar

import keras

from kflab.engine.protocol import Shape


def identifiers(module: str) -> Mapping[str, object]:
    """The strings that `keras.<module>.get` accepts, each with the class or function it stands for.

    The public `get` answers for one string at a time and nothing public lists them, so short forms such as
    `mse`, `he_normal` or `l2` can only be known from the table that `get` looks them up in.
    """
    table = vars(importlib.import_module(f"keras.src.{module}")).get("ALL_OBJECTS_DICT", {})
    return {name: found for name, found in table.items() if isinstance(name, str)}


def dtypes() -> tuple[str, ...]:
    """The names of the dtypes that Keras knows.

    The public `standardize_dtype` takes or refuses one at a time, and nothing public lists them.
    """
    allowed = vars(importlib.import_module("keras.src.backend.common.dtypes")).get("ALLOWED_DTYPES", ())
    return tuple(name for name in allowed if isinstance(name, str))


_is_outlined: ContextVar[bool] = ContextVar("_is_outlined", default=False)


@contextlib.contextmanager
def states_without_values() -> Iterator[None]:
    """Until it ends, recurrent layers are built without values for their state, in this thread.

    With `stateful=True` a layer makes tensors as large as the batch when it is built, which a stateless scope
    refuses. The layer takes the size of the batch from these tensors, and where it keeps that has no public
    name.
    """
    if keras.layers.RNN.build is not _build:
        keras.layers.RNN.build = _build
    token = _is_outlined.set(True)
    try:
        yield
    finally:
        _is_outlined.reset(token)


_build_as_keras_does = keras.layers.RNN.build


@functools.wraps(_build_as_keras_does)
def _build(
    layer: keras.layers.RNN, sequences_shape: Shape, initial_state_shape: Sequence[Shape] | None = None
) -> None:
    batch = sequences_shape[0]
    if not _is_outlined.get() or not layer.stateful or batch is None:
        _build_as_keras_does(layer, sequences_shape, initial_state_shape)
        return
    layer.stateful = False
    _build_as_keras_does(layer, sequences_shape, initial_state_shape)
    layer.stateful = True
    outline = _Outline(lambda: layer.get_initial_state(batch)).compute_output_spec()
    states = keras.tree.map_structure(
        lambda state: keras.Variable(
            "zeros", shape=state.shape, dtype=layer.variable_dtype, trainable=False, name="rnn_state"
        ),
        outline,
    )
    # As with Keras, the state is none of the layer's weights: the layer must not notice it.
    object.__setattr__(layer, "states", states)
    layer._expected_batch_size = batch


class _Outline(keras.Operation):  # type: ignore[misc]  # Keras has no types
    """Shapes and dtypes of what a function makes."""

    def __init__(self, make: Callable[[], object]) -> None:
        super().__init__()
        self._make = make

    def call(self) -> object:
        """What the function makes."""
        return self._make()


def inverse_frequencies(layer: keras.layers.Layer) -> object:
    """The weights of the words that a layer with `output_mode="tf_idf"` has learned, unknown ones first.

    `get_vocabulary` gives the words, nothing public gives their weights; `TextVectorization` keeps both in a
    lookup of its own.
    """
    lookup = getattr(layer, "_lookup_layer", layer)
    return lookup.idf_weights


def backed_up_epochs(model: keras.Model) -> int:
    """The epochs that `BackupAndRestore` has found to be done when training began.

    It tells `fit` by an attribute of the model that has no public name.
    """
    return int(getattr(model, "_initial_epoch", None) or 0)
