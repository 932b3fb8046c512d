"""What one call of a layer or an operation costs, told from shapes alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import keras

from kflab.engine import calls, flops, keeping
from kflab.engine.keeping import Kept, Need
from kflab.engine.specs import Spec, all_numbers, numbers
from kflab.graph.arranging import Arranged
from kflab.values import Arguments

_MOVES = {
    "append", "array", "broadcast_to", "cast", "concatenate", "copy", "depth_to_space", "diag", "diagonal",
    "dstack", "expand_dims", "flip", "fliplr", "flipud", "get_item", "hstack", "identity", "moveaxis", "pad",
    "ravel", "rearrange", "repeat", "reshape", "roll", "rot90", "slice", "space_to_depth", "split", "squeeze",
    "stack", "stop_gradient", "swapaxes", "take", "take_along_axis", "tile", "transpose", "unstack", "view",
    "vstack", "where", "zeros_like", "ones_like", "full_like", "one_hot", "tril", "triu", "array_split",
}  # fmt: skip
"""Operations that move numbers about: nothing is computed, and the backward pass needs nothing of them."""

_VIEWS = {"expand_dims", "identity", "ravel", "reshape", "squeeze", "stop_gradient", "view"}
"""Those that make no copy."""

_LINEAR = {"add", "subtract", "negative", "mean", "sum", "average_pool", "cumsum", "average", "trace"}
"""Operations whose slope does not depend on what they were given."""

_FROM_RESULT = {"exp", "expm1", "sqrt", "rsqrt", "reciprocal", "softmax", "log_softmax", "max_pool"}
"""Operations whose slope is told from what they return; so is that of many activations."""

_UNFORESEEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What counting raises about a call that Keras takes and that nobody thought of: its cost is a guess then."""

_SCALING = {"multiply", "divide", "true_divide"}
_PRODUCTS = {"matmul", "dot", "inner", "vdot", "tensordot"}
_REDUCTIONS = {
    "mean", "sum", "max", "min", "amax", "amin", "prod", "var", "std", "norm", "logsumexp", "argmax",
    "any", "all", "moments", "average", "count_nonzero", "argmin",
}  # fmt: skip


class CallCost(NamedTuple):
    """What one call costs for one sample.

    Attributes:
        flops: operations of the forward pass, a multiplication and an addition counted as two.
        kept: what the backward pass needs of it.
        calls: the calls that it stands for: 1, or all of a nested model.
        loops: how often it runs over the steps of a sequence in a loop.
    """

    flops: int = 0
    kept: Kept = Kept()
    calls: int = 1
    loops: int = 0

    def times(self, count: int) -> CallCost:
        """The cost of the same call with so many times the numbers."""
        kept = self.kept._replace(inner=self.kept.inner * count, work=self.kept.work * count)
        return self._replace(flops=self.flops * count, kept=kept)


def layer_cost(layer: keras.layers.Layer, arranged: Arranged, returned: tuple[Spec, ...]) -> CallCost:
    """What a call of a built layer costs."""
    given = _tensors(arranged)
    if not given or not returned:
        return CallCost()
    try:
        return CallCost(
            flops.layer_flops(layer, given, returned),
            keeping.layer_kept(layer, given, returned),
            loops=_loops(layer),
        )
    except _UNFORESEEN:
        return _unknown(returned)


def operation_cost(
    name: str, arguments: Arguments, arranged: Arranged, returned: tuple[Spec, ...]
) -> CallCost:
    """What a call of an operation of `keras.ops` costs; `name` with or without the module before it."""
    given = _tensors(arranged)
    if not given or not returned:
        return CallCost()
    plain = name.rpartition(".")[2]
    try:
        return CallCost(
            _operation_flops(plain, arguments, dict(arranged.named), given, returned),
            _operation_kept(plain, given),
        )
    except _UNFORESEEN:
        return _unknown(returned)


def _loops(layer: keras.layers.Layer) -> int:
    if isinstance(layer, keras.layers.Bidirectional):
        return 2
    if isinstance(layer, keras.layers.RNN):
        return 0 if layer.unroll else 1
    return _loops(layer.layer) if isinstance(layer, keras.layers.Wrapper) else 0


def _unknown(returned: tuple[Spec, ...]) -> CallCost:
    """The cost of a call of which nothing is known but what it returns."""
    return CallCost(all_numbers(returned), Kept(Need.ALWAYS))


def _tensors(arranged: Arranged) -> list[Spec]:
    given: list[Spec] = []

    def note(spec: object) -> None:
        assert isinstance(spec, Spec)
        given.append(spec)

    calls.each(arranged, note)
    return given


def _operation_flops(
    name: str,
    arguments: Arguments,
    named: Mapping[str, object],
    given: list[Spec],
    returned: tuple[Spec, ...],
) -> int:
    if name in _MOVES:
        return 0
    if name in _PRODUCTS and len(given) > 1:
        # Every number of the result is a sum over the numbers that the two do not have in common.
        return 2 * numbers(returned[0]) * _contracted(name, arguments, given)
    if name == "einsum" and isinstance(subscripts := arguments.get("subscripts"), str):
        return len(given) * math.prod(flops.einsum_sizes(subscripts, [spec.shape for spec in given]))
    if name == "dot_product_attention" and len(given) > 2:
        query, key, value = given[:3]
        pairs = numbers(query) // (query.shape[-1] or 1) * ((key.shape[1] if len(key.shape) > 1 else 1) or 1)
        return pairs * (2 * (query.shape[-1] or 1) + flops.SOFTMAX + 2 * (value.shape[-1] or 1))
    kernel = named.get("kernel")
    if isinstance(kernel, Spec):
        return 2 * math.prod(size or 1 for size in kernel.shape[:-1]) * numbers(returned[0])
    if name in _REDUCTIONS:
        return all_numbers(given)
    if name in {"softmax", "log_softmax"}:
        return flops.SOFTMAX * numbers(given[0])
    if name in {"layer_normalization", "normalize", "rms_normalization"}:
        return flops.NORMALIZE * numbers(given[0])
    return all_numbers(returned)


def _contracted(name: str, arguments: Arguments, given: list[Spec]) -> int:
    first = given[0].shape
    if name != "tensordot":
        return first[-1] or 1
    axes = arguments.get("axes", 2)
    count = axes if isinstance(axes, int) else 1
    return math.prod(size or 1 for size in first[len(first) - count :])


def _operation_kept(name: str, given: list[Spec]) -> Kept:
    if name in _VIEWS:
        return Kept(is_view=True)
    if name in _MOVES or name in _LINEAR or (name in _SCALING and len(given) == 1):
        return Kept()
    if name in {"max", "min", "amax", "amin", "max_pool"}:
        return Kept(Need.ALWAYS, returned=True)
    if hasattr(keras.activations, name):
        return keeping.activation_kept(name, numbers(given[0]), given[0].dtype)
    if name in _FROM_RESULT:
        return Kept(returned=True)
    return Kept(Need.ALWAYS)
