"""How many spatial axes a tensor has, as far as a line tells: what makes `conv` a Conv1D, Conv2D or Conv3D.

Only a hint: it decides between layers of one family and is never told as a fact. The engine knows shapes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kflab.catalog import Catalog, Entry, Kind
from kflab.graph.nodes import INPUT, Graph, Layer, source_of
from kflab.values import Arguments, Value

_IN_TIME = "recurrent"
_RANK = re.compile(r"([123])D")


def rank_of(name: str) -> int | None:
    """The number of spatial axes in the name of a layer: 2 of `Conv2D`."""
    found = _RANK.search(name)
    return int(found[1]) if found else None


def rankless(name: str) -> str:
    """The name of a layer's family: `ConvTranspose` of `Conv2DTranspose`."""
    return _RANK.sub("", name, count=1)


def rank_of_shape(shape: Sequence[int | None]) -> int:
    """The spatial axes of a shape whose batch axis comes first: all but the batch and the channels."""
    return len(shape) - 2


def spatial(entry: Entry, rank: int | None) -> int | None:
    """The spatial axes that a layer works on, for a tensor of `rank`: recurrent ones take one as time."""
    return None if rank is None else rank - (entry.group == _IN_TIME)


def axes_walked(wrapper: Entry) -> int:
    """How many axes a wrapper walks along itself: one where it puts any layer at each step in time."""
    layers = [argument for argument in wrapper.arguments if argument.required and argument.kind == "layer"]
    return int(wrapper.group == _IN_TIME and bool(layers) and not layers[0].choices)


def rank_after(entry: Entry, arguments: Arguments, rank: int | None) -> int | None:
    """The spatial axes of what a layer returns; nothing where that is not known.

    Args:
        entry: the layer.
        arguments: its arguments.
        rank: the spatial axes of what it is called with.
    """
    if entry.name == INPUT:
        whole = _length(arguments.get("batch_shape"))
        return _length(arguments.get("shape")) if whole is None else whole - 1
    if "target_shape" in arguments:
        return _length(arguments["target_shape"])
    own = rank_of(entry.name)
    if entry.group == "pooling" and entry.name.startswith("Global"):
        return 0
    if entry.name == "Flatten":
        return 0
    if own is not None:
        return own
    if entry.group == "embedding":
        return None if rank is None else rank + 1
    if entry.argument("return_sequences") is not None:
        return rank if arguments.get("return_sequences") else 0
    return rank


def rank_at(catalog: Catalog, graph: Graph, name: str) -> int | None:
    """The spatial axes of what a node returns, as far as the layers before it tell without Keras."""
    chain: list[tuple[Entry, Arguments]] = []
    seen: set[str] = set()
    while name in graph.nodes and name not in seen:
        seen.add(name)
        target = graph.own(name).target
        entry = catalog.find(Kind.LAYER, target.layer) if isinstance(target, Layer) else None
        if entry is None or not isinstance(target, Layer):
            break
        chain.append((entry, target.arguments))
        name = source_of(next(iter(graph.nodes[name].inputs), ""))
    rank: int | None = None
    for entry, arguments in reversed(chain):
        rank = rank_after(entry, arguments, rank)
    return rank


def _length(shape: Value) -> int | None:
    """The spatial axes of a shape without its batch axis."""
    if isinstance(shape, Sequence) and not isinstance(shape, str):
        return len(shape) - 1
    return 0 if isinstance(shape, int) else None
