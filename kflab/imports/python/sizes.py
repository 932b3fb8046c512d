"""Sizes of data that is not read: a person can tell them, as they cannot tell the data itself."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from kflab.imports.python.things import Place, Unknown, causes_in

_DATA = "depends on data that is not read"
OVER_TIME = frozenset({"LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional"})
"""Layers that take sequences of any length, whatever comes after them."""


def of_unknown(value: Unknown, name: str, place: Place) -> Unknown:
    """An attribute of what is not known; its `shape` can be told."""
    return place.unknown(_DATA, definable=True) if name == "shape" and _is_data(value) else value


def part_of_unknown(value: Unknown, place: Place) -> Unknown:
    """A part of what is not known; one size of a shape can be told."""
    sources = [cause.source for cause in value.causes if cause.reason == _DATA]
    whole = place.node.value if isinstance(place.node, ast.Subscript) else None
    if any(isinstance(source, Place) and source.node is whole for source in sources):
        return place.unknown(_DATA, definable=True)
    return value


def of_any_length(shape: Sequence[object], note: Callable[[str], None]) -> Sequence[object]:
    """The shape of sequences, of any length where the file takes that from data that is not read."""
    first, *features = shape or [None]
    if not isinstance(first, Unknown) or not features or causes_in(features) or not _is_data(first):
        return shape
    note(f"the length of the sequences, {first.causes[0].text}, is not known; any is taken")
    return (None, *features)


def _is_data(value: Unknown) -> bool:
    return bool(value.causes) and all(cause.definable for cause in value.causes)
