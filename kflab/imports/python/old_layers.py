"""Layers of a Python file as Keras 1 took them, and the order of the axes that a file sets for all layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kflab.catalog import Kind
from kflab.imports import keras1
from kflab.imports.python.recorded import LambdaObject
from kflab.imports.python.tensor_lists import tensors_in
from kflab.imports.python.things import Function, Partial, Place, Unreadable, causes_in

if TYPE_CHECKING:
    from kflab.imports.python.keras_library import KerasLibrary

_SAID = "it is written for Keras 1; its layers are brought in as those of today"
_FIRST, _LAST = "channels_first", "channels_last"
_CALLED = {"th": _FIRST, "tf": _LAST, _FIRST: _FIRST, _LAST: _LAST}
"""Orders of the axes of pictures, as Keras 1 called them and as they are called now."""

_SET = {
    "keras.backend.set_image_data_format",
    "keras.backend.set_image_dim_ordering",
    "keras.config.set_image_data_format",
}
ORDERS = _SET | {
    "keras.backend.image_data_format",
    "keras.backend.image_dim_ordering",
    "keras.config.image_data_format",
}
"""What tells or sets the order of the axes of pictures."""


def order_of_axes(library: KerasLibrary, path: str, given: Sequence[object]) -> str | None:
    """What one of `ORDERS` gives; one that sets the order is obeyed."""
    if path in _SET:
        library.data_format = _CALLED.get(str(given[0]) if given else "", library.data_format)
        return None
    old = "th" if library.data_format == _FIRST else "tf"
    return old if path.endswith("dim_ordering") else library.data_format


def as_of_today(
    library: KerasLibrary, name: str, positional: Sequence[object], named: Mapping[str, object]
) -> tuple[Sequence[object], Mapping[str, object]]:
    """The arguments of a layer as Keras 3 takes them.

    Args:
        library: told that the file is of Keras 1, where it is.
        name: the layer's class as the file calls it.
        positional: what it is given by position.
        named: what it is given by name.
    """
    is_old = keras1.is_old(name, named)
    given: dict[str, object] = dict(named)
    if is_old or (name in keras1.CONVOLUTIONS and not library.is_of_tensorflow):
        placed, more = keras1.positional(name, positional)
        is_old = is_old or len(placed) < len(positional)
        positional, given = placed, {**more, **given}
    if is_old:
        library.note(_SAID, 0)
        given = keras1.arguments(name, given)
    if library.data_format == _FIRST:
        entry = library.catalog.find(Kind.LAYER, keras1.successor(name))
        if entry is not None and entry.argument("data_format") is not None:
            given.setdefault("data_format", _FIRST)
    return positional, given


def merge(
    library: KerasLibrary, positional: Sequence[object], named: Mapping[str, object], place: Place
) -> object:
    """What `merge([a, b], mode="concat")` gives: what the layer of its mode makes of the tensors.

    Raises:
        Unreadable: no layer does it.
    """
    given = dict(zip(("inputs", "mode", "concat_axis", "dot_axes"), positional, strict=False)) | dict(named)
    inputs, mode = given.pop("inputs", given.pop("layers", None)), given.get("mode", "sum")
    if isinstance(mode, Function | Partial):
        return library.call(LambdaObject(mode, {}, place.line), [inputs], {}, place)
    layer = keras1.merging(mode)
    if layer is None or not tensors_in([inputs]):
        why = "is a merge of Keras 1 that no layer of today does"
        raise Unreadable(causes_in([inputs, mode]) or [place.cause(why)])
    library.note(_SAID, 0)
    settings = keras1.merge(str(mode), given)
    return library.merge(library.catalog.get(Kind.LAYER, layer), [inputs], settings, place)
