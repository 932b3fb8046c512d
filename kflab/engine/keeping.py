"""What the backward pass needs of a call, so that it stays in memory until then.

The figures are those of TensorFlow's gradients, operation by operation; a test holds them against the
gradients that TensorFlow makes.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import keras

from kflab.engine.flops import activation_name, attended, heads_of, one_step, positions_of, steps_of
from kflab.engine.specs import Spec, item_bytes, numbers, sample_bytes

FLOAT_BYTES = 4
MASK_BYTES = 1


class Need(enum.IntEnum):
    """For what the backward pass needs the tensors that a call was given."""

    NOTHING = 0
    OWN_WEIGHTS = 1
    """For the gradients of the call's own weights: not needed while those are frozen."""
    ALWAYS = 2


class Kept(NamedTuple):
    """What the backward pass needs of one call; bytes for one sample.

    Attributes:
        given: for what it needs what the call was given.
        returned: whether it needs what the call returned.
        inner: bytes of what it needs besides.
        work: bytes that the call needs only while it runs.
        is_view: whether the call returns what it was given in another shape, without a copy.
    """

    given: Need = Need.NOTHING
    returned: bool = False
    inner: int = 0
    work: int = 0
    is_view: bool = False


Given: TypeAlias = Sequence[Spec]
Rule: TypeAlias = Callable[[keras.layers.Layer, Given, Given], Kept]

_FROM_RESULT = {
    "linear", "relu", "relu6", "sigmoid", "tanh", "softmax", "elu", "selu", "exponential", "log_softmax"
}  # fmt: skip
"""Activations whose slope is told from what they return."""

_INNER = {
    "gelu": 2, "celu": 1, "hard_sigmoid": 1, "hard_silu": 2, "hard_swish": 2, "hard_tanh": 1, "mish": 1,
    "log_sigmoid": 1, "sparsemax": 2.375, "squareplus": 1, "tanh_shrink": 1, "sparse_plus": 1.5,
    "sparse_sigmoid": 0.5, "hard_shrink": 0.25, "soft_shrink": 0.5, "threshold": 0.25, "glu": 1,
}  # fmt: skip
"""Tensors that an activation keeps besides what it was given, each as large as that."""

_NOT_GIVEN = {"hard_sigmoid", "log_sigmoid", "sparsemax", "tanh_shrink", "sparse_plus", "sparse_sigmoid"} | {
    "hard_shrink", "soft_shrink", "threshold", "glu"
}  # fmt: skip
"""Activations that keep something made of what they were given in its place."""


def layer_kept(layer: keras.layers.Layer, given: Given, returned: Given) -> Kept:
    """What the backward pass needs of one call of a built layer.

    A layer that is not known here is thought to need what it was given.

    Args:
        layer: the layer, built.
        given: the tensors that it is called with, in the order of its arguments.
        returned: the tensors that it returns.
    """
    for kind in type(layer).__mro__:
        rule = _RULES.get(kind)
        if rule is not None:
            return rule(layer, given, returned)
    return Kept(Need.ALWAYS)


def activation_kept(name: str, count: int, dtype: str) -> Kept:
    """What is needed of an activation by its name, called with so many numbers."""
    if name == "linear":
        return Kept(is_view=True)
    if name in _FROM_RESULT:
        return Kept(returned=True)
    inner = round(_INNER.get(name, 0) * count * item_bytes(dtype))
    return Kept(Need.NOTHING if name in _NOT_GIVEN else Need.ALWAYS, inner=inner)


def _activation(layer: keras.layers.Layer, given: Given, _returned: Given) -> Kept:
    return activation_kept(activation_name(layer.activation), numbers(given[0]), given[0].dtype)


def _ended(kept: Kept, layer: keras.layers.Layer, returned: Given) -> Kept:
    """What is kept of a layer that ends with an activation of its own."""
    ending = activation_kept(
        activation_name(layer.activation), numbers(returned[0]), layer.compute_dtype or "float32"
    )
    before = sample_bytes(*returned) if ending.given else 0
    return kept._replace(returned=ending.returned, inner=kept.inner + ending.inner + before)


def _weighted(layer: keras.layers.Layer, _given: Given, returned: Given) -> Kept:
    return _ended(Kept(Need.OWN_WEIGHTS), layer, returned)


def _separable(layer: keras.layers.Layer, given: Given, returned: Given) -> Kept:
    positions = numbers(returned[0]) // layer.filters
    between = positions * layer.pointwise_kernel.shape[-2] * item_bytes(given[0].dtype)
    return _ended(Kept(Need.OWN_WEIGHTS, inner=between), layer, returned)


def _normalized(layer: keras.layers.Layer, given: Given, _returned: Given) -> Kept:
    # Statistics are taken in single precision: of a half, a copy is kept.
    copy = numbers(given[0]) * FLOAT_BYTES if item_bytes(given[0].dtype) < FLOAT_BYTES else 0
    if not layer.trainable:
        return Kept()
    return Kept(Need.NOTHING if copy else Need.ALWAYS, inner=copy)


def _normalized_each(layer: keras.layers.Layer, given: Given, _returned: Given) -> Kept:
    """Statistics of each place, and where there is a scale, what it is multiplied with."""
    grouped = isinstance(layer, keras.layers.GroupNormalization)
    figures = {"LayerNormalization": 3, "RMSNormalization": 1, "UnitNormalization": 2}
    places = layer.groups * 3 if grouped else positions_of(given[0]) * figures.get(type(layer).__name__, 3)
    scaled = not isinstance(layer, keras.layers.GroupNormalization | keras.layers.UnitNormalization)
    half = item_bytes(given[0].dtype) < FLOAT_BYTES
    inner = ((scaled + half) * numbers(given[0]) + places) * FLOAT_BYTES
    return Kept(Need.NOTHING if half else Need.ALWAYS, inner=inner)


def _dropped(layer: keras.layers.Layer, given: Given, _returned: Given) -> Kept:
    count = numbers(given[0]) if layer.rate else 0
    return Kept(inner=count * MASK_BYTES, work=count * FLOAT_BYTES, is_view=not layer.rate)


def _dropped_channels(_layer: keras.layers.Layer, given: Given, _returned: Given) -> Kept:
    return Kept(inner=(given[0].shape[-1] or 1) * MASK_BYTES)


def _noise(copies: int) -> Rule:
    return lambda _layer, given, _returned: Kept(
        inner=copies * sample_bytes(given[0]), work=sample_bytes(given[0])
    )


def _parametric(_layer: keras.layers.Layer, given: Given, _returned: Given) -> Kept:
    return Kept(inner=2 * sample_bytes(given[0]))


def _rectified(layer: keras.layers.Layer, _given: Given, _returned: Given) -> Kept:
    return Kept(Need.ALWAYS) if layer.negative_slope or layer.threshold else Kept(returned=True)


def _resized(layer: keras.layers.Layer, _given: Given, _returned: Given) -> Kept:
    smooth = getattr(layer, "interpolation", "nearest") != "nearest"
    return Kept(Need.ALWAYS if smooth else Need.NOTHING)


_GATES = {"LSTMCell": 10, "GRUCell": 10, "SimpleRNNCell": 3, "ConvLSTMCell": 10}
"""Tensors as large as the state that a cell keeps of each step: gates, states, what they are made of."""


def _recurrent(layer: keras.layers.Layer, given: Given, returned: Given) -> Kept:
    cells = layer.cell.cells if isinstance(layer.cell, keras.layers.StackedRNNCells) else [layer.cell]
    state = numbers(returned[0]) // (steps_of(given[0]) if layer.return_sequences else 1)
    size = item_bytes(returned[0].dtype)
    step = 0
    for cell in cells:
        units = getattr(cell, "units", 0) or state
        step += _GATES.get(type(cell).__name__, 4) * units * size
    # What the steps are fed with is put in their order first: that copy is kept, too.
    return Kept(inner=steps_of(given[0]) * step + sample_bytes(given[0]))


def _bidirectional(layer: keras.layers.Layer, given: Given, returned: Given) -> Kept:
    merged = [returned[0]]
    if layer.merge_mode == "concat":
        shape = returned[0].shape
        merged = [returned[0]._replace(shape=(*shape[:-1], (shape[-1] or 2) // 2))]
    both = [_recurrent(each, given, merged) for each in (layer.forward_layer, layer.backward_layer)]
    return Kept(inner=sum(kept.inner for kept in both))


def _over_time(layer: keras.layers.Layer, given: Given, returned: Given) -> Kept:
    inner = layer_kept(layer.layer, [one_step(given[0])], [one_step(spec) for spec in returned])
    steps = steps_of(given[0])
    # Each step is a slice, so a copy.
    copies = sample_bytes(given[0]) * bool(inner.given) + sample_bytes(*returned) * inner.returned
    return Kept(inner=steps * inner.inner + copies, work=sample_bytes(*returned))


def _wrapped(layer: keras.layers.Layer, given: Given, returned: Given) -> Kept:
    return layer_kept(layer.layer, given, returned)


def _multi_head(layer: keras.layers.Layer, given: Given, _returned: Given) -> Kept:
    query, value, _ = attended(given)
    heads, shared, key_size, value_size = heads_of(layer)
    asking, told, size = positions_of(query), positions_of(value), item_bytes(query.dtype)
    made = asking * heads * (key_size + value_size) + told * shared * (key_size + value_size)
    scores = asking * told * heads
    dropped = bool(layer.get_config().get("dropout", 0.0))
    inner = (made + scores * (1 + dropped)) * size + scores * dropped * MASK_BYTES
    return Kept(Need.OWN_WEIGHTS, inner=inner, work=2 * scores * size)


def _attention(_layer: keras.layers.Layer, given: Given, _returned: Given) -> Kept:
    query, value, key = attended(given)
    scores = positions_of(query) * positions_of(value) * item_bytes(query.dtype)
    return Kept(Need.ALWAYS, inner=scores + sample_bytes(key), work=scores)


def _additive(_layer: keras.layers.Layer, given: Given, _returned: Given) -> Kept:
    query, value, _ = attended(given)
    scores = positions_of(query) * positions_of(value) * item_bytes(query.dtype)
    return Kept(Need.ALWAYS, inner=scores * (1 + (query.shape[-1] or 1)), work=scores)


def _nothing(_layer: keras.layers.Layer, _given: Given, _returned: Given) -> Kept:
    return Kept()


def _view(_layer: keras.layers.Layer, _given: Given, _returned: Given) -> Kept:
    return Kept(is_view=True)


def _both(_layer: keras.layers.Layer, _given: Given, _returned: Given) -> Kept:
    return Kept(Need.ALWAYS, returned=True)


def _result(_layer: keras.layers.Layer, _given: Given, _returned: Given) -> Kept:
    return Kept(returned=True)


def _kinds(*names: str) -> list[type[keras.layers.Layer]]:
    return [getattr(keras.layers, name) for name in names]


def _dimensions(*names: str) -> list[type[keras.layers.Layer]]:
    return _kinds(*(name.format(axes) for name in names for axes in ("1D", "2D", "3D")))


_RULES: dict[type, Rule] = {
    **dict.fromkeys(_kinds("Dense", "EinsumDense", "DepthwiseConv1D", "DepthwiseConv2D"), _weighted),
    **dict.fromkeys(_dimensions("Conv{}", "Conv{}Transpose"), _weighted),
    **dict.fromkeys(_kinds("SeparableConv1D", "SeparableConv2D"), _separable),
    **dict.fromkeys(_kinds("BatchNormalization"), _normalized),
    **dict.fromkeys(
        _kinds("LayerNormalization", "GroupNormalization", "RMSNormalization", "UnitNormalization"),
        _normalized_each,
    ),
    **dict.fromkeys(_kinds("Activation"), _activation),
    **dict.fromkeys(_kinds("ReLU"), _rectified),
    **dict.fromkeys(_kinds("PReLU"), _parametric),
    **dict.fromkeys(_kinds("Softmax", "ELU"), _result),
    **dict.fromkeys(_kinds("Dropout"), _dropped),
    **dict.fromkeys(_dimensions("SpatialDropout{}"), _dropped_channels),
    **dict.fromkeys(_kinds("GaussianDropout", "AlphaDropout"), _noise(1)),
    **dict.fromkeys(_kinds("GaussianNoise"), _noise(0)),
    **dict.fromkeys(_dimensions("MaxPooling{}", "AdaptiveMaxPooling{}", "GlobalMaxPooling{}"), _both),
    **dict.fromkeys(_dimensions("UpSampling{}"), _resized),
    **dict.fromkeys(_kinds("RNN"), _recurrent),
    **dict.fromkeys(_kinds("Bidirectional"), _bidirectional),
    **dict.fromkeys(_kinds("TimeDistributed"), _over_time),
    **dict.fromkeys(_kinds("Wrapper"), _wrapped),
    **dict.fromkeys(_kinds("MultiHeadAttention", "GroupQueryAttention"), _multi_head),
    **dict.fromkeys(_kinds("Attention"), _attention),
    **dict.fromkeys(_kinds("AdditiveAttention"), _additive),
    **dict.fromkeys(_kinds("Flatten", "Reshape", "Identity", "InputLayer", "ActivityRegularization"), _view),
    **dict.fromkeys(
        [
            *_kinds("Add", "Subtract", "Average", "Concatenate", "Permute", "RepeatVector", "Masking"),
            *_kinds("Rescaling", "Normalization", "Embedding", "CenterCrop"),
            *_dimensions("AveragePooling{}", "GlobalAveragePooling{}", "AdaptiveAveragePooling{}"),
            *_dimensions("ZeroPadding{}", "Cropping{}"),
        ],
        _nothing,
    ),
}
"""What is kept of each class, its subclasses' too."""
