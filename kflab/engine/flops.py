"""Floating-point operations of the forward pass of one sample.

A multiplication and an addition count as two, each function of one number (`exp`, a comparison) as one, and
moving numbers about as none. What only happens in training (dropout, noise, the statistics of a batch) is not
counted: the figure is that of a prediction, as papers give it. Axes of unknown size count as 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import keras

from kflab.engine.specs import Spec, all_numbers, numbers

SOFTMAX = 5
"""Operations a number: the largest is found and taken away, `exp`, the sum, the division."""

NORMALIZE = 7
"""Operations a number: mean, difference, square, mean of squares, scaling (two), shift."""

_STEP = {"LSTMCell": 17, "GRUCell": 17, "SimpleRNNCell": 3, "ConvLSTMCell": 17}
"""Operations of a cell for each unit and step besides its matrices: biases, activations, gates."""

Given: TypeAlias = Sequence[Spec]
Count: TypeAlias = Callable[[keras.layers.Layer, Given, Given], int]


def layer_flops(layer: keras.layers.Layer, given: Given, returned: Given) -> int:
    """Operations of one call of a built layer.

    A layer that is not known here counts each of its matrices once, and each number that it returns once.

    Args:
        layer: the layer, built.
        given: the tensors that it is called with, in the order of its arguments.
        returned: the tensors that it returns.
    """
    for kind in type(layer).__mro__:
        count = _COUNTS.get(kind)
        if count is not None:
            return count(layer, given, returned)
    return 2 * _matrices(layer) + all_numbers(returned)


def activation_flops(activation: object, count: int) -> int:
    """Operations of an activation function on so many numbers."""
    name = activation_name(activation)
    return {"linear": 0, "softmax": SOFTMAX, "log_softmax": SOFTMAX}.get(name, 1) * count


def activation_name(activation: object) -> str:
    """The name of an activation function; that of a layer is the name of its class."""
    return str(getattr(activation, "__name__", type(activation).__name__))


def _size(weight: keras.Variable) -> int:
    return int(math.prod(weight.shape))


def _matrices(layer: keras.layers.Layer) -> int:
    return sum(math.prod(weight.shape) for weight in layer.weights if len(weight.shape) > 1)


def _ended(layer: keras.layers.Layer, returned: Given) -> int:
    """Bias and activation, which most layers end with."""
    count = numbers(returned[0])
    return count * bool(getattr(layer, "use_bias", False)) + activation_flops(layer.activation, count)


def _dense(layer: keras.layers.Layer, given: Given, returned: Given) -> int:
    return 2 * numbers(returned[0]) * (given[0].shape[-1] or 1) + _ended(layer, returned)


def _einsum_dense(layer: keras.layers.Layer, given: Given, returned: Given) -> int:
    named = einsum_sizes(layer.equation, [given[0].shape, tuple(layer.kernel.shape)])
    bias = numbers(returned[0]) * (layer.bias_axes is not None)
    return 2 * math.prod(named) + bias + activation_flops(layer.activation, numbers(returned[0]))


def einsum_sizes(equation: str, shapes: Sequence[Sequence[int | None]]) -> list[int]:
    """The size of each letter of an equation, the batch and sizes not known as 1; `...` as one axis each."""
    sizes: dict[object, int] = {}
    terms = equation.replace(" ", "").split("->")[0].split(",")
    for term, shape in zip(terms, shapes, strict=True):
        before, dots, after = term.partition("...")
        hidden = len(shape) - len(before) - len(after) if dots else 0
        letters: list[object] = [*before, *(-index for index in range(hidden, 0, -1)), *after]
        for letter, size in zip(letters, shape, strict=True):
            sizes[letter] = max(sizes.get(letter, 1), size or 1)
    return list(sizes.values())


def _convolution(layer: keras.layers.Layer, _given: Given, returned: Given) -> int:
    positions = numbers(returned[0]) // int(layer.filters)
    return 2 * _size(layer.kernel) * positions + _ended(layer, returned)


def _depthwise(layer: keras.layers.Layer, _given: Given, returned: Given) -> int:
    positions = numbers(returned[0]) // int(math.prod(layer.kernel.shape[-2:]))
    return 2 * _size(layer.kernel) * positions + _ended(layer, returned)


def _separable(layer: keras.layers.Layer, _given: Given, returned: Given) -> int:
    positions = numbers(returned[0]) // int(layer.filters)
    kernels = _size(layer.depthwise_kernel) + _size(layer.pointwise_kernel)
    return 2 * kernels * positions + _ended(layer, returned)


def _transposed(layer: keras.layers.Layer, given: Given, returned: Given) -> int:
    positions = numbers(given[0]) // int(layer.kernel.shape[-1])
    return 2 * _size(layer.kernel) * positions + _ended(layer, returned)


def _recurrent(layer: keras.layers.Layer, given: Given, returned: Given) -> int:
    cells = layer.cell.cells if isinstance(layer.cell, keras.layers.StackedRNNCells) else [layer.cell]
    # A convolutional cell applies its matrices at each position of its state.
    state = numbers(returned[0]) // (steps_of(given[0]) if layer.return_sequences else 1)
    step = 0
    for cell in cells:
        units: int = getattr(cell, "filters", 0) or getattr(cell, "units", 0)
        positions = max(1, state // units) if hasattr(cell, "filters") else 1
        step += positions * (2 * _matrices(cell) + _STEP.get(type(cell).__name__, 3) * units)
    return steps_of(given[0]) * step


def steps_of(spec: Spec) -> int:
    """The steps of a sequence; 1 where that varies."""
    return (spec.shape[1] if len(spec.shape) > 1 else 1) or 1


def one_step(spec: Spec) -> Spec:
    """A tensor at one step of its sequence."""
    return spec._replace(shape=(spec.shape[0], *spec.shape[2:]))


def _bidirectional(layer: keras.layers.Layer, given: Given, returned: Given) -> int:
    both = (layer.forward_layer, layer.backward_layer)
    return sum(layer_flops(each, given, returned) for each in both)


def _over_time(layer: keras.layers.Layer, given: Given, returned: Given) -> int:
    inner = layer_flops(layer.layer, [one_step(given[0])], [one_step(spec) for spec in returned])
    return steps_of(given[0]) * inner


def _wrapped(layer: keras.layers.Layer, given: Given, returned: Given) -> int:
    return layer_flops(layer.layer, given, returned)


def positions_of(spec: Spec) -> int:
    """The places of a tensor whose last axis is that of its features."""
    return math.prod(size or 1 for size in spec.shape[1:-1])


def attended(given: Given) -> tuple[Spec, Spec, Spec]:
    """Query, value and key of an attention."""
    query = given[0]
    value = given[1] if len(given) > 1 else query
    key = given[2] if len(given) > 2 and len(given[2].shape) == len(value.shape) else value
    return query, value, key


def heads_of(layer: keras.layers.Layer) -> tuple[int, int, int, int]:
    """Heads of the query, heads of key and value, size of a key and of a value."""
    config: Mapping[str, int] = layer.get_config()
    if isinstance(layer, keras.layers.GroupQueryAttention):
        size = config["head_dim"]
        return config["num_query_heads"], config["num_key_value_heads"], size, size
    heads = config["num_heads"]
    return heads, heads, config["key_dim"], config["value_dim"] or config["key_dim"]


def _multi_head(layer: keras.layers.Layer, given: Given, returned: Given) -> int:
    query, value, key = attended(given)
    heads, shared, key_size, value_size = heads_of(layer)
    asking, told = positions_of(query), positions_of(value)
    made = (
        (asking, (query.shape[-1] or 1), heads * key_size),
        (told, (key.shape[-1] or 1), shared * key_size),
        (told, (value.shape[-1] or 1), shared * value_size),
        (asking, heads * value_size, returned[0].shape[-1] or 1),
    )
    bias = 1 if layer.get_config().get("use_bias", True) else 0
    projections = sum(places * width * (2 * depth + bias) for places, depth, width in made)
    return projections + asking * told * heads * (2 * key_size + 2 * value_size + SOFTMAX)


def _attention(layer: keras.layers.Layer, given: Given, _returned: Given) -> int:
    query, value, _ = attended(given)
    size, width = query.shape[-1] or 1, value.shape[-1] or 1
    # Additive attention adds query and key, takes tanh and sums with weights; the other multiplies and sums.
    score = 4 * size if isinstance(layer, keras.layers.AdditiveAttention) else 2 * size
    return positions_of(query) * positions_of(value) * (score + SOFTMAX + 2 * width)


def _dot(layer: keras.layers.Layer, given: Given, returned: Given) -> int:
    axes = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    return 2 * numbers(returned[0]) * (given[0].shape[axes] or 1)


def _merged(_layer: keras.layers.Layer, given: Given, returned: Given) -> int:
    return max(0, len(given) - 1) * numbers(returned[0])


def _pooled(layer: keras.layers.Layer, _given: Given, returned: Given) -> int:
    size = layer.pool_size
    return numbers(returned[0]) * (size if isinstance(size, int) else math.prod(size))


def _reversible(layer: keras.layers.Layer, given: Given, returned: Given) -> int:
    told_words = (returned[0].shape[-1] or 0) == layer.input_dim and returned[0].dtype.startswith("float")
    return 2 * numbers(given[0]) * layer.input_dim if told_words else 0


def _resized(layer: keras.layers.Layer, _given: Given, returned: Given) -> int:
    return 0 if getattr(layer, "interpolation", "nearest") == "nearest" else 7 * numbers(returned[0])


def _activated(layer: keras.layers.Layer, _given: Given, returned: Given) -> int:
    return activation_flops(layer.activation, numbers(returned[0]))


def each_given(count: int) -> Count:
    """So many operations for each number that a layer is given."""
    return lambda _layer, given, _returned: count * numbers(given[0])


def _kinds(*names: str) -> list[type[keras.layers.Layer]]:
    return [getattr(keras.layers, name) for name in names]


def _dimensions(*names: str) -> list[type[keras.layers.Layer]]:
    return _kinds(*(name.format(axes) for name in names for axes in ("1D", "2D", "3D")))


_COUNTS: dict[type, Count] = {
    **dict.fromkeys(_kinds("Dense"), _dense),
    **dict.fromkeys(_kinds("EinsumDense"), _einsum_dense),
    **dict.fromkeys(_dimensions("Conv{}"), _convolution),
    **dict.fromkeys(_kinds("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(_kinds("SeparableConv1D", "SeparableConv2D"), _separable),
    **dict.fromkeys(_dimensions("Conv{}Transpose"), _transposed),
    **dict.fromkeys(_kinds("RNN"), _recurrent),
    **dict.fromkeys(_kinds("Bidirectional"), _bidirectional),
    **dict.fromkeys(_kinds("TimeDistributed"), _over_time),
    **dict.fromkeys(_kinds("Wrapper"), _wrapped),
    **dict.fromkeys(_kinds("MultiHeadAttention", "GroupQueryAttention"), _multi_head),
    **dict.fromkeys(_kinds("Attention"), _attention),
    **dict.fromkeys(_kinds("Dot"), _dot),
    **dict.fromkeys(_kinds("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), _merged),
    **dict.fromkeys(_dimensions("MaxPooling{}", "AveragePooling{}"), _pooled),
    **dict.fromkeys(
        _dimensions(
            "GlobalMaxPooling{}", "GlobalAveragePooling{}", "AdaptiveMaxPooling{}", "AdaptiveAveragePooling{}"
        ),
        each_given(1),
    ),
    **dict.fromkeys(_kinds("BatchNormalization", "Rescaling", "Normalization"), each_given(2)),
    **dict.fromkeys(_kinds("LayerNormalization", "GroupNormalization"), each_given(NORMALIZE)),
    **dict.fromkeys(_kinds("RMSNormalization", "UnitNormalization"), each_given(4)),
    **dict.fromkeys(_kinds("Activation"), _activated),
    **dict.fromkeys(_kinds("Softmax"), each_given(SOFTMAX)),
    **dict.fromkeys(_kinds("ReversibleEmbedding"), _reversible),
    **dict.fromkeys(_dimensions("UpSampling{}"), _resized),
    **dict.fromkeys(
        [
            *_kinds("InputLayer", "Identity", "Flatten", "Reshape", "Permute", "RepeatVector", "Concatenate"),
            *_kinds("Masking", "Embedding", "Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout"),
            *_kinds("ActivityRegularization", "CenterCrop", "RandomCrop", "RandomFlip"),
            *_dimensions("ZeroPadding{}", "Cropping{}", "SpatialDropout{}"),
        ],
        each_given(0),
    ),
}
"""How the operations of each class are counted, its subclasses' too."""
