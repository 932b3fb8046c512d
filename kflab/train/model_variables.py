"""Every variable of a model that training changes, as arrays of the host and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from kflab.data.arrays import Array
from kflab.train.snapshot_file import Kept, RefusedSnapshotError, kept

MODEL, METRICS, OPTIMIZER = "model", "metrics", "optimizer"
"""The groups of variables."""

_WRAPPED = ("layer", "forward_layer", "backward_layer")
"""Where wrappers such as `Bidirectional` and `TimeDistributed` have the layers that they wrap."""


def variables_of(model: keras.Model) -> Mapping[str, Sequence[Any]]:
    """The variables in groups: those of layers with the seeds of dropout, of metrics, and of the optimizer.

    Recurrent layers with `stateful=True` go on from a state that is none of the model's variables; it is
    among those of layers here.

    The optimizer's have all that it goes on from: iterations, learning rate, moments, moving averages,
    accumulated gradients, the scale of the loss.
    """
    own = list(model.variables)
    seen = {id(variable) for variable in own}
    metrics = [variable for variable in model.metrics_variables if id(variable) not in seen]
    optimizer = list(model.optimizer.variables) if model.optimizer is not None else []
    return {MODEL: [*own, *_states_of(model)], METRICS: metrics, OPTIMIZER: optimizer}


def changed_by_validation(model: keras.Model) -> list[Any]:
    """The variables that steps of an evaluation change: metrics, and the states of recurrent layers."""
    return [*model.metrics_variables, *_states_of(model)]


def _states_of(layer: keras.layers.Layer) -> list[Any]:
    """The states that recurrent layers in a layer keep from one batch to the next."""
    if isinstance(layer, keras.layers.RNN) and layer.stateful:
        return list(keras.tree.flatten(layer.states)) if layer.states is not None else []
    wrapped = (getattr(layer, name, None) for name in _WRAPPED)
    inner = [*getattr(layer, "layers", ()), *(one for one in wrapped if one is not None)]
    return [state for one in inner if isinstance(one, keras.layers.Layer) for state in _states_of(one)]


def values_of(variables: Sequence[Any]) -> list[Array]:
    """The values of variables, copied to the host: steps that follow leave them as they are."""
    if keras.backend.backend() == "tensorflow":
        return [_read_on_tensorflow(variable) for variable in variables]
    return [_copied(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _read_on_tensorflow(variable: Any) -> Array:
    import tensorflow as tf

    own = variable.value
    if isinstance(own, tf.distribute.DistributedValues) or not isinstance(own, tf.Variable):
        return _copied(keras.ops.convert_to_numpy(variable))
    # A fifth of the time of the way through Keras, and the best model is copied after many an epoch.
    array: Array = tf.raw_ops.ReadVariableOp(resource=own.handle, dtype=own.dtype).numpy()
    return _copied(array)


def _copied(array: Array) -> Array:
    # On JAX and PyTorch the array of a host is the memory of the variable itself; TensorFlow has copied it.
    return array if array.flags.owndata else array.copy()


def kept_variables(groups: Mapping[str, Sequence[Any]], arrays: Sequence[Array]) -> list[Kept]:
    """What is said of the values of variables, in their order."""
    every = [variable for variables in groups.values() for variable in variables]
    return [kept(array, variable.path) for variable, array in zip(every, arrays, strict=True)]


def refuse_others(
    groups: Mapping[str, Sequence[Any]], sizes: Mapping[str, int], about: Sequence[Kept]
) -> None:
    """Refuse the values of another model's variables.

    The paths of variables are not compared: those of a wrapper's inner layers are numbered by all that the
    process has built before.

    Raises:
        RefusedSnapshotError: it names the first that differs.
    """
    wanted = {group: len(variables) for group, variables in groups.items()}
    held = {group: sizes.get(group, 0) for group in groups}
    if wanted != held:
        group = next(group for group in wanted if wanted[group] != held[group])
        raise RefusedSnapshotError(
            f"it is of another model: {group} has {held[group]} variables there, {wanted[group]} here"
        )
    every = [variable for variables in groups.values() for variable in variables]
    for variable, one in zip(every, about, strict=False):
        here = (tuple(variable.shape), keras.backend.standardize_dtype(variable.dtype))
        if here != (one.shape, one.dtype):
            raise RefusedSnapshotError(
                f"it is of another model: {one.name} is {one.dtype} {list(one.shape)} there, "
                f"{variable.path} {here[1]} {list(here[0])} here"
            )


def put_back(groups: Mapping[str, Sequence[Any]], arrays: Sequence[Array]) -> None:
    """Gives variables the values that were taken of them."""
    every = [variable for variables in groups.values() for variable in variables]
    for variable, array in zip(every, arrays, strict=True):
        variable.assign(np.asarray(array))
