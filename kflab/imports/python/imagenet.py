"""What goes with the architectures of `keras.applications`: how pictures are prepared, and small helpers."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from kflab.imports.python.recorded import Tensor
from kflab.imports.python.things import Place, Unreadable
from kflab.imports.python.tracing import Trace

_CAFFE, _TF, _TORCH, _AS_IT_IS = "caffe", "tf", "torch", ""
_MODES: Mapping[str, str] = {
    **dict.fromkeys(("vgg16", "vgg19", "resnet", "resnet50", "imagenet_utils"), _CAFFE),
    **dict.fromkeys(("mobilenet", "mobilenet_v2", "resnet_v2", "inception_v3", "xception", "nasnet"), _TF),
    **dict.fromkeys(("inception_resnet_v2",), _TF),
    **dict.fromkeys(("densenet",), _TORCH),
    **dict.fromkeys(("efficientnet", "efficientnet_v2", "mobilenet_v3", "convnext"), _AS_IT_IS),
}
"""The ways in which Keras prepares pictures, by the module of the architecture."""

_BLUE_GREEN_RED = (103.939, 116.779, 123.68)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def prepare(
    trace: Trace, path: str, positional: Sequence[object], named: Mapping[str, object], place: Place
) -> object:
    """What `preprocess_input` makes of a tensor of pictures: the operations that Keras does.

    Raises:
        Unreadable: it is not known how the pictures are prepared.
    """
    tensor = positional[0] if positional else named.get("x")
    mode = named.get("mode", _MODES.get(path.split(".")[-2]))
    if not isinstance(tensor, Tensor) or mode not in {_CAFFE, _TF, _TORCH, _AS_IT_IS}:
        raise Unreadable([place.cause("prepares pictures in a way that is not read")])

    def apply(operation: ast.operator, value: object, number: object) -> object:
        return trace.operator(operation, [value, number], place)

    if mode == _TF:
        return apply(ast.Sub(), apply(ast.Div(), tensor, 127.5), 1.0)
    if mode == _TORCH:
        centred = apply(ast.Add(), apply(ast.Div(), tensor, 255.0), [-mean for mean in _MEAN])
        return apply(ast.Div(), centred, list(_DEVIATION))
    if mode == _CAFFE:
        turned = trace.item(tensor, (..., slice(None, None, -1)), place)
        return apply(ast.Add(), turned, [-mean for mean in _BLUE_GREEN_RED])
    return tensor


def correct_pad(
    trace: Trace, positional: Sequence[object], named: Mapping[str, object], place: Place
) -> object:
    """The padding that `imagenet_utils.correct_pad` works out for a convolution with strides of 2.

    Raises:
        Unreadable: the shape of the tensor, or the size of the kernel, is not known.
    """
    given = dict(zip(("inputs", "kernel_size"), positional, strict=False)) | dict(named)
    tensor, kernel = given.get("inputs"), given.get("kernel_size")
    shape = trace.shape(tensor, place) if isinstance(tensor, Tensor) else None
    sizes = [kernel, kernel] if isinstance(kernel, int) else kernel
    if not isinstance(shape, tuple) or not isinstance(sizes, list | tuple) or len(shape) < 3:
        raise Unreadable([place.cause("is a padding that Keras works out", definable=True)])
    padding = []
    for size, length in zip(sizes, shape[1:3], strict=False):
        if not isinstance(size, int):
            raise Unreadable([place.cause("is a padding that Keras works out", definable=True)])
        even = 1 - length % 2 if isinstance(length, int) else 1
        padding.append((size // 2 - even, size // 2))
    return tuple(padding)


def input_shape(positional: Sequence[object], named: Mapping[str, object]) -> object:
    """The shape that `imagenet_utils.obtain_input_shape` settles on: the given one, or that of ImageNet."""
    given = dict(zip(("input_shape", "default_size"), positional, strict=False)) | dict(named)
    if given.get("input_shape") is not None:
        return given["input_shape"]
    is_whole = given.get("require_flatten", given.get("include_top"))  # as Keras 1 called it
    size = given.get("default_size") if is_whole else None
    return (size, size, 3)
