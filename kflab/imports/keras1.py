"""What Keras 1 called its layers and their arguments, by the names that Keras 3 has for them.

Scripts and `model.json` files of 2015 to 2017 are full of `border_mode`, `nb_filter` and `output_dim`. Most
layers changed no more than the names and the order of their arguments, so each is read as its successor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kflab.values import Value

CONVOLUTIONS = {
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "AtrousConv1D": "Conv1D",
    "AtrousConv2D": "Conv2D",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "Deconv2D": "Conv2DTranspose",
    "Deconv3D": "Conv3DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
}
_LAYERS = CONVOLUTIONS | {
    "TimeDistributedDense": "Dense",
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
}
_NAMES = _LAYERS | {"maxnorm": "max_norm", "nonneg": "non_neg", "unitnorm": "unit_norm"}
"""Classes by the name that Keras 3 has for them, where that is another one."""

_STILL_KNOWN = {"Convolution1D", "Convolution2D", "Convolution3D", "SeparableConvolution2D"}
"""Names of Keras 1 that Keras 3 takes, too."""

MERGE = "merge"
"""The function of Keras 1 that merged tensors in any way."""

_MERGES = {
    "sum": "Add",
    "concat": "Concatenate",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "dot": "Dot",
    "cos": "Dot",
}
"""Layers by the `mode` of a merge."""

_ARGUMENTS = {
    "bias": "use_bias",
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "beta_init": "beta_initializer",
    "gamma_init": "gamma_initializer",
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "U_constraint": "recurrent_constraint",
    "b_constraint": "bias_constraint",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
    "border_mode": "padding",
    "subsample": "strides",
    "subsample_length": "strides",
    "atrous_rate": "dilation_rate",
    "dim_ordering": "data_format",
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "pool_length": "pool_size",
}
"""Arguments that Keras 1 had and Keras 3 has not under these names, whatever the layer."""

_ARGUMENTS_OF: Mapping[str, Mapping[str, str]] = {
    "Dense": {"output_dim": "units"},
    "SimpleRNN": {"output_dim": "units"},
    "GRU": {"output_dim": "units"},
    "LSTM": {"output_dim": "units"},
    "Embedding": {
        "init": "embeddings_initializer",
        "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
    },
    "Dropout": {"p": "rate"},
    "SpatialDropout1D": {"p": "rate"},
    "SpatialDropout2D": {"p": "rate"},
    "SpatialDropout3D": {"p": "rate"},
    "GaussianDropout": {"p": "rate"},
    "GaussianNoise": {"sigma": "stddev"},
    "MaxPooling1D": {"stride": "strides"},
    "AveragePooling1D": {"stride": "strides"},
    "UpSampling1D": {"length": "size"},
    "PReLU": {"init": "alpha_initializer"},
    "BatchNormalization": {"mode": "mode"},
    "Concatenate": {"concat_axis": "axis"},
    "Dot": {"dot_axes": "axes"},
}
"""Arguments that were renamed in some layers only."""

_SIZES = ("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3")
"""Arguments that together are the `kernel_size` now."""

_GONE = frozenset(
    {"consume_less", "forget_bias_init", "input_dtype", "mode_type", "output_mask", "node_indices"}
)
"""Arguments that changed how something was computed, or that have one value now."""
_MERGE_ONLY = frozenset({"mode", "concat_axis", "dot_axes", "arguments", "output_shape", "tensor_indices"})

_VALUES: Mapping[str, Mapping[object, object]] = {
    "data_format": {"tf": "channels_last", "th": "channels_first", "default": None},
}
_REGULARIZERS = {"WeightRegularizer", "ActivityRegularizer", "L1L2Regularizer"}
_CONSTRAINTS = {"MaxNorm": {"m": "max_value"}, "NonNeg": {}, "UnitNorm": {}}

_SIGNS = frozenset({*_ARGUMENTS, *(name for names in _SIZES for name in names), *_GONE})
"""Arguments that no layer of Keras 2 or 3 has."""


def successor(name: str) -> str:
    """The class of Keras 3 for a class of Keras 1; the name itself where it has not changed."""
    return _NAMES.get(name, name)


def merging(mode: object) -> str | None:
    """The layer that a merge in a mode is: `Concatenate` for `concat`; None where no layer does it."""
    return _MERGES.get(mode) if isinstance(mode, str) else None


def is_old(name: str, given: Mapping[str, object]) -> bool:
    """Whether a layer is given arguments as Keras 1 took them."""
    renamed = _ARGUMENTS_OF.get(successor(name), {})
    is_gone = name in _LAYERS and name not in _STILL_KNOWN
    return is_gone or not _SIGNS.isdisjoint(given) or not renamed.keys().isdisjoint(given)


def positional(name: str, values: Sequence[object]) -> tuple[list[object], dict[str, object]]:
    """The positional arguments of a convolution, whose kernel Keras 1 took side by side: `(64, 3, 3)`.

    Returns:
        What is left to be given by position, and what is given by name instead.
    """
    sizes = {"Conv2D": 2, "SeparableConv2D": 2, "Conv2DTranspose": 2, "Conv3D": 3, "Conv3DTranspose": 3}
    count = sizes.get(successor(name), 0)
    kernel = values[1 : 1 + count]
    if not count or len(kernel) < count or not all(_is_whole(one) for one in kernel):
        return list(values), {}
    following = ("init", "activation") if "Transpose" not in successor(name) else ("output_shape", "init")
    rest = dict(zip(following, values[1 + count :], strict=False))
    return [values[0], tuple(kernel)], rest


def arguments(name: str, given: Mapping[str, object]) -> dict[str, object]:
    """The arguments of a layer of Keras 1 as its successor takes them.

    Args:
        name: the class, as Keras 1 or 3 calls it.
        given: its arguments; values that are no numbers or text are passed on as they are.
    """
    layer = successor(name)
    own = _ARGUMENTS_OF.get(layer, {})
    read: dict[str, object] = {}
    for key, value in given.items():
        if key in _GONE or key in {"nb_row", "nb_col"} or key.startswith("kernel_dim"):
            continue
        if layer.endswith("Transpose") and key == "output_shape":
            continue
        if layer == "BatchNormalization" and key == "mode" and value in (0, None):
            continue
        current = own.get(key) or _ARGUMENTS.get(key, key)
        known = _VALUES.get(current)
        read[current] = known.get(value, value) if known and isinstance(value, str) else value
    for names in _SIZES:
        if names[0] in given:
            read["kernel_size"] = tuple(given.get(one) for one in names)
    if read.get("data_format", "") is None:
        del read["data_format"]
    return read


def merge(mode: str, given: Mapping[str, object]) -> dict[str, object]:
    """The arguments of the layer that a merge is, from those of the merge."""
    layer = _MERGES[mode]
    kept: dict[str, object] = {key: value for key, value in given.items() if key not in _MERGE_ONLY | _GONE}
    if layer == "Concatenate" and given.get("concat_axis") is not None:
        kept["axis"] = given["concat_axis"]
    if layer == "Dot":
        axes = given.get("dot_axes", -1)
        kept["axes"] = _same_twice(axes)
        if mode == "cos":
            kept["normalize"] = True
    return kept


def _same_twice(axes: object) -> object:
    """Axes of a dot product, which Keras 1 also took as a list for each side: `((1,), (1,))`."""
    if isinstance(axes, list | tuple):
        flat = [one[0] if isinstance(one, list | tuple) and len(one) == 1 else one for one in axes]
        return flat[0] if len(set(map(repr, flat))) == 1 else flat
    return axes


def layers_of_keras_3(model: Mapping[str, Value]) -> Mapping[str, Value]:
    """A serialised model with each layer of Keras 1 in it as its successor; anything else is unchanged."""
    read = _config(model)
    assert isinstance(read, Mapping)
    return read


def _config(value: Value) -> Value:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_config(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    held, inner = value.get("class_name"), value.get("config")
    if isinstance(held, str) and isinstance(inner, Mapping):
        return {**value, **_layer(held, {key: _object(key, _config(one)) for key, one in inner.items()})}
    return {key: _config(item) for key, item in value.items()}


def _layer(name: str, inner: Mapping[str, Value]) -> dict[str, Value]:
    mode = inner.get("mode")
    layer = merging(mode)
    if name == "Merge" and isinstance(mode, str) and layer is not None and not inner.get("layers"):
        return {"class_name": layer, "config": {"trainable": True, **_plain(merge(mode, inner))}}
    if name == "InputLayer" and "input_dtype" in inner:
        kept = {key: one for key, one in inner.items() if key != "input_dtype"}
        return {"class_name": name, "config": {**kept, "dtype": inner["input_dtype"]}}
    if not is_old(name, inner):
        return {"class_name": name, "config": dict(inner)}
    read = arguments(name, inner)
    if successor(name) == "GRU":
        read.setdefault("reset_after", name == "CuDNNGRU")
    if successor(name) != "Embedding":
        read.pop("input_dim", None)
    return {"class_name": successor(name), "config": _plain(read)}


def _object(key: str, value: Value) -> Value:
    """A regularizer or constraint, which Keras 1 serialised without a class name."""
    if not isinstance(value, Mapping) or "class_name" in value or not isinstance(value.get("name"), str):
        return value
    name = str(value["name"])
    rest = {one: item for one, item in value.items() if one != "name"}
    if key.endswith("regularizer") and name in _REGULARIZERS:
        return {"class_name": "L1L2", "config": rest} if any(rest.values()) else None
    if key.endswith("constraint") and name in _CONSTRAINTS:
        renamed = _CONSTRAINTS[name]
        return {"class_name": name, "config": {renamed.get(one, one): item for one, item in rest.items()}}
    return value


def _plain(given: Mapping[str, object]) -> dict[str, Value]:
    """Arguments that came of a config, their values as plain as they were."""
    return {key: list(one) if isinstance(one, tuple) else one for key, one in given.items()}  # type: ignore[misc]


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
