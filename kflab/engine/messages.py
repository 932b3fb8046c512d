"""Keras' complaints in plain words: what was expected, what came; shapes without their batch axis."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import keras

from kflab import catalog
from kflab.catalog import Kind
from kflab.diagnose.wording import and_text, count_text, shape_text, sizes_text
from kflab.engine.protocol import Shape
from kflab.errors import KflabError

LONGEST = 240
"""How many characters of a complaint are shown."""

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_CALLING = re.compile(
    r"^Exception encountered when calling.*?\n\n(.*?)(?:\n\nArguments received by.*)?$", re.DOTALL
)
_INFERRING = re.compile(r"^Could not automatically infer.*?Error encountered:\s*(.*)$", re.DOTALL)
_GRAPH_NODE = re.compile(r"\{\{[^}]*\}\}:? ?")
_BATCHED_SHAPE = re.compile(r"[\[(]None(?:,? +(?:None|\d+))*,?[\])]")
_KERAS_TENSOR = re.compile(r"'?<KerasTensor shape=\((.*?)\), dtype=(\w+).*?>'?")
_RECEIVED = re.compile(r"\. (?:But r|R)eceived:? ")
_LAYER_NAME = re.compile(r"""(?: of)? layer ['"][^'"]*['"]""")
_AXES = re.compile(r"`\(([^`()]+)\)`")
_AXIS = re.compile(r"[a-z][a-z_0-9]*")
_CLASS = re.compile(r"<class '(?:\w+\.)*(\w+)'>")
_ADVICE = re.compile(r"\.? (?:Please|Make sure|Consider) .*$")
_TUPLE_SHAPE = re.compile(r"shape=\((\d+(?:, \d+)*),?\)")

_OF_PYTHON = (
    (re.compile("symbolic|placeholder"), "it needs numbers that are known beforehand, not a tensor"),
    (re.compile("deserializ"), "what is inside of it does not fit there"),
    (re.compile("required positional argument|has no attribute|object is not"), "it expects other tensors"),
    (
        re.compile("index out of range|to unpack|unsupported operand|not supported between"),
        "an axis that it goes by is not there, or has no fixed size",
    ),
)
"""What Python says where Keras does not check, and what it means for the person who drew the graph."""

_CHANNELS = {"channels", "channel", "features"}


def explain(
    error: Exception, name: str, shapes: Sequence[Shape], layer: keras.layers.Layer | None = None
) -> str:
    """One or two plain sentences about a call that failed.

    Args:
        error: what Keras raised.
        name: the class, operation or model that was called, as a person knows it.
        shapes: the shapes it was called with.
        layer: the layer that was called, if it came to be.
    """
    if isinstance(error, KflabError | catalog.UnknownNameError):
        return str(error)
    text = _useful(str(error))
    got = _got(shapes)
    if layer is not None:
        told = _of_input_spec(layer, name, shapes) or _of_layer(layer, name, text, shapes)
        if told:
            return told
    for complaint, words in _OF_PYTHON:
        if complaint.search(text):
            return f"{name} cannot be called on {got}: {words}" if shapes else f"{name}: {words}"
    if not text or not isinstance(error, ValueError | TypeError | NotImplementedError):
        return _shorten(f"{name} cannot be called on {got}" + (f": {text}" if text else ""))
    if text[0].islower():
        text = f"{name}: {text}"
    if all(shape_text(shape) in text for shape in shapes):
        return _shorten(text)
    who = "" if name in text else f"{name} "
    return _shorten(f"{text.rstrip('.')} ({who}got {got})")


def expected_axes(layer: keras.layers.Layer, shapes: Sequence[Shape]) -> int:
    """How many axes a layer expects of its first input, batch included; 0 where it is not that."""
    spec = next((spec for spec in keras.tree.flatten(layer.input_spec) if spec is not None), None)
    if spec is None or not shapes:
        return 0
    count, spatial = len(shapes[0]), _spatial_axes(layer)
    if spatial and count > spatial + 2:
        return spatial + 2
    if spec.shape is not None:
        return 0 if len(spec.shape) == count else len(spec.shape)
    if spec.ndim is not None:
        return 0 if spec.ndim == count else int(spec.ndim)
    if spec.min_ndim is not None and count < spec.min_ndim:
        return int(spec.min_ndim)
    if spec.max_ndim is not None and count > spec.max_ndim:
        return int(spec.max_ndim)
    return 0


def _spatial_axes(layer: keras.layers.Layer) -> int:
    """How many axes a convolution goes over: 2 of Conv2D, 0 of what is none; its spec takes more of them."""
    rank = getattr(layer, "rank", None)
    return rank if isinstance(rank, int) and hasattr(layer, "kernel_size") else 0


def _got(shapes: Sequence[Shape]) -> str:
    return and_text([shape_text(shape) for shape in shapes])


def _useful(text: str) -> str:
    """The sentence of a complaint that says what is wrong, without its wrapping."""
    text = _ANSI.sub("", text).strip()
    while wrapped := _CALLING.match(text) or _INFERRING.match(text):
        text = wrapped.group(1).strip()
    # What follows a tab is TensorFlow's own account of the operation that failed.
    text = _GRAPH_NODE.sub("", text.split("\n\n")[0].split("\n\t")[0])
    text = " ".join(text.split())
    text = _KERAS_TENSOR.sub(lambda found: f"a tensor of ({found.group(1)})", text)
    text = _BATCHED_SHAPE.sub(lambda found: shape_text(_parse_shape(found.group())), text)
    text = _ADVICE.sub("", _CLASS.sub(lambda found: found.group(1), text))
    text = _TUPLE_SHAPE.sub(lambda found: f"shape {found.group(1).replace(', ', '×')}", text)
    return _RECEIVED.sub("; got ", _LAYER_NAME.sub("", text))


def _parse_shape(text: str) -> Shape:
    sizes = text.strip("()[]").replace(",", " ").split()
    return tuple(None if size == "None" else int(size) for size in sizes)


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _of_input_spec(layer: keras.layers.Layer, name: str, shapes: Sequence[Shape]) -> str:
    """What the layer's own `input_spec` says against the shapes, or ""."""
    specs = [spec for spec in keras.tree.flatten(layer.input_spec) if spec is not None]
    for spec, shape in zip(specs, shapes, strict=False):
        got = shape_text(shape)
        spatial = _spatial_axes(layer)
        if spatial and len(shape) > spatial + 2:
            some = f"{count_text(spatial + 1, 'axis')} beside the batch"
            return f"{name} expects {_axes_words(layer, spatial + 2) or some}, got {got}"
        if spec.shape is not None:
            if not _fits(spec.shape, shape):
                return f"{name} expects {shape_text(spec.shape)}, got {got}"
            continue
        expected = _wrong_rank(layer, spec, len(shape))
        if expected:
            return f"{name} expects {expected}, got {got}"
        for axis, size in (spec.axes or {}).items():
            if size is not None and -len(shape) <= axis < len(shape) and shape[axis] not in {size, None}:
                where = "last axis" if axis in {-1, len(shape) - 1} else f"axis {axis}"
                return f"{name} expects {size} in the {where} of its input, as when it was built, got {got}"
    return ""


def _fits(expected: Sequence[int | None], shape: Shape) -> bool:
    return len(expected) == len(shape) and all(
        None in {wanted, size} or wanted == size for wanted, size in zip(expected, shape, strict=True)
    )


def _wrong_rank(layer: keras.layers.Layer, spec: Any, rank: int) -> str:
    """What the layer expects, if it is not that many axes, or ""."""
    if spec.ndim is not None and rank != spec.ndim:
        return _axes_words(layer, spec.ndim) or f"{count_text(spec.ndim - 1, 'axis')} beside the batch"
    if spec.min_ndim is not None and rank < spec.min_ndim:
        some = f"at least {count_text(spec.min_ndim - 1, 'axis')} beside the batch"
        return _axes_words(layer, spec.min_ndim) or some
    if spec.max_ndim is not None and rank > spec.max_ndim:
        return f"at most {count_text(spec.max_ndim - 1, 'axis')} beside the batch"
    return ""


def _axes_words(layer: keras.layers.Layer, count: int) -> str:
    """The axes a layer expects, as its documentation names them: `steps×features`; "" if it does not."""
    entry = catalog.load().find(Kind.LAYER, type(layer).__name__)
    text = entry.text if entry else ""
    described = [text.partition("Input shape")[2], text]
    shapes = [found.group(1).split(", ") for part in described for found in _AXES.finditer(part)]
    named = [axes for axes in shapes if len(axes) == count and all(map(_AXIS.fullmatch, axes))]
    first = getattr(layer, "data_format", "") == "channels_first"
    # Layers that know both formats document both.
    fitting = [axes for axes in named if not _CHANNELS & {*axes} or (axes[-1] not in _CHANNELS) == first]
    return "×".join(fitting[0][1:]) if fitting else ""


def _of_layer(layer: Any, name: str, text: str, shapes: Sequence[Shape]) -> str:
    """Plainer words for complaints that say too little by themselves, or ""."""
    got = _got(shapes)
    if "fully-defined" in text:
        return f"{name} cannot size its weights: an axis of its input has no fixed size, got {got}"
    if "output size would be zero or negative" in text:
        for argument in ("kernel_size", "pool_size"):
            size: int | Iterable[int] | None = getattr(layer, argument, None)
            if size is not None:
                padding = getattr(layer, "padding", "valid")
                what = f"{argument} {sizes_text(size)}"
                return f"{name}: {what} does not fit an input of {got} with padding {padding!r}"
    if "incompatible shapes" in text:
        return f"{name} expects inputs whose shapes agree, got {got}"
    if "matching shapes except for the concatenation axis" in text:
        return f"{name} expects inputs that agree on every axis but {getattr(layer, 'axis', -1)}, got {got}"
    axis = getattr(layer, "axis", None)
    if "out of range" in text and axis is not None:
        return f"{name}: axis {axis} is not an axis of {got} (the batch axis is 0)"
    return ""
