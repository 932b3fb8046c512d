"""Where boxes and the edges between them stand in a drawing: layer below layer, with few crossings.

The usual four steps: each box gets a layer below all that feed it; edges that pass layers get a place in
each; the places of a layer are ordered by where their neighbours stand; and then pulled towards these, as
far as their order and sizes allow.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

_GAP = 28.0
_EDGE = 14.0
_BETWEEN = 30.0
_ORDERINGS = 12
_PULLS = 16

_Place: TypeAlias = tuple[int, int]
"""A box in its layer, or the edge that leads on from it in a layer below: the box and the layer."""


class Layered(msgspec.Struct, frozen=True):
    """A drawing.

    Attributes:
        centers: the middle of each box.
        routes: the points of each edge, from the bottom of a box past others to the top of a box.
        width: the width of everything; it begins at 0.
        height: the height of everything; it begins at 0.
    """

    centers: tuple[tuple[float, float], ...] = ()
    routes: Mapping[tuple[int, int], tuple[tuple[float, float], ...]] = {}
    width: float = 0.0
    height: float = 0.0


def layered(sizes: Sequence[tuple[float, float]], fed_by: Sequence[Sequence[int]]) -> Layered:
    """The drawing of boxes that feed each other.

    Args:
        sizes: the width and height of each box.
        fed_by: the boxes that feed each; all stand before it.
    """
    if not sizes:
        return Layered()
    ranks = _ranks(fed_by)
    layers, above = _places(ranks, fed_by)
    below = _turned(above)
    layers = _ordered(layers, above, below)
    xs = _pulled(layers, above, below, sizes, ranks)
    left = min(xs[box, rank] - sizes[box][0] / 2 for box, rank in enumerate(ranks))
    left = min(left, *(x - _EDGE for x in xs.values()))
    heights = [
        max((sizes[box][1] for box, own in enumerate(ranks) if own == rank), default=0.0)
        for rank in range(len(layers))
    ]
    tops = [sum(heights[:rank]) + rank * _BETWEEN for rank in range(len(layers))]
    middles = [top + height / 2 for top, height in zip(tops, heights, strict=True)]
    centers = tuple((xs[box, rank] - left, middles[rank]) for box, rank in enumerate(ranks))

    def route(source: int, box: int) -> tuple[tuple[float, float], ...]:
        points = [(centers[source][0], centers[source][1] + sizes[source][1] / 2)]
        for rank in range(ranks[source] + 1, ranks[box]):
            x = xs[source, rank] - left
            points += [(x, tops[rank]), (x, tops[rank] + heights[rank])]
        points.append((centers[box][0], centers[box][1] - sizes[box][1] / 2))
        return tuple(points)

    routes = {(source, box): route(source, box) for box, sources in enumerate(fed_by) for source in sources}
    right = max(x + sizes[box][0] / 2 for box, (x, _) in enumerate(centers))
    right = max(right, *(x - left + _EDGE for x in xs.values()))
    return Layered(centers, routes, right, tops[-1] + heights[-1])


def _ranks(fed_by: Sequence[Sequence[int]]) -> list[int]:
    """The layer of each box: below all that feed it; what nothing feeds stands right above what it feeds."""
    ranks: list[int] = []
    for sources in fed_by:
        ranks.append(max((ranks[source] + 1 for source in sources), default=0))
    first = [len(ranks)] * len(ranks)
    for box, sources in enumerate(fed_by):
        for source in sources:
            first[source] = min(first[source], ranks[box])
    return [
        first[box] - 1 if not sources and first[box] < len(ranks) else ranks[box]
        for box, sources in enumerate(fed_by)
    ]


def _places(
    ranks: Sequence[int], fed_by: Sequence[Sequence[int]]
) -> tuple[list[list[_Place]], dict[_Place, list[_Place]]]:
    """The places of each layer, and the places in the layer above that each is joined to."""
    layers: list[list[_Place]] = [[] for _ in range(max(ranks) + 1)]
    above: dict[_Place, list[_Place]] = {}
    for box, sources in enumerate(fed_by):
        layers[ranks[box]].append((box, ranks[box]))
        above[box, ranks[box]] = [(source, ranks[box] - 1) for source in sources]
        for source in sources:
            for rank in range(ranks[source] + 1, ranks[box]):
                if (source, rank) not in above:
                    layers[rank].append((source, rank))
                    above[source, rank] = [(source, rank - 1)]
    return layers, above


def _turned(above: Mapping[_Place, Sequence[_Place]]) -> dict[_Place, list[_Place]]:
    below: dict[_Place, list[_Place]] = {place: [] for place in above}
    for place, others in above.items():
        for other in others:
            below[other].append(place)
    return below


def _ordered(
    layers: list[list[_Place]],
    above: Mapping[_Place, Sequence[_Place]],
    below: Mapping[_Place, Sequence[_Place]],
) -> list[list[_Place]]:
    """The layers in the order with the fewest crossings that was found."""
    best, fewest = [list(layer) for layer in layers], _crossings(layers, above)
    for sweep in range(_ORDERINGS):
        if not fewest:
            break
        down = sweep % 2 == 0
        near = above if down else below
        ranks = range(1, len(layers)) if down else range(len(layers) - 2, -1, -1)
        for rank in ranks:
            _order_by(layers[rank], layers[rank - 1 if down else rank + 1], near)
        crossings = _crossings(layers, above)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return best


def _order_by(layer: list[_Place], beside: Sequence[_Place], near: Mapping[_Place, Sequence[_Place]]) -> None:
    """Orders a layer by the middle of what each place is joined to in the layer beside it."""
    at = {place: index for index, place in enumerate(beside)}
    own = {place: index for index, place in enumerate(layer)}

    def middle(place: _Place) -> tuple[float, int]:
        stood = [at[other] for other in near[place]]
        return sum(stood) / len(stood) if stood else own[place], own[place]

    layer.sort(key=middle)


def _crossings(layers: Sequence[Sequence[_Place]], above: Mapping[_Place, Sequence[_Place]]) -> int:
    count = 0
    for upper, lower in itertools.pairwise(layers):
        at = {place: index for index, place in enumerate(upper)}
        seen: list[int] = []
        for place in lower:
            ends = sorted(at[other] for other in above[place])
            count += sum(len(seen) - bisect.bisect_right(seen, end) for end in ends)
            for end in ends:
                bisect.insort(seen, end)
    return count


def _pulled(
    layers: Sequence[Sequence[_Place]],
    above: Mapping[_Place, Sequence[_Place]],
    below: Mapping[_Place, Sequence[_Place]],
    sizes: Sequence[tuple[float, float]],
    ranks: Sequence[int],
) -> dict[_Place, float]:
    """How far to the right each place stands."""

    def is_box(place: _Place) -> bool:
        return ranks[place[0]] == place[1]

    def apart(one: _Place, other: _Place) -> float:
        widths = sum(sizes[place[0]][0] if is_box(place) else _EDGE for place in (one, other))
        return widths / 2 + _GAP

    xs: dict[_Place, float] = {}
    offsets: list[list[float]] = []
    for layer in layers:
        offset = [0.0]
        for one, other in itertools.pairwise(layer):
            offset.append(offset[-1] + apart(one, other))
        offsets.append(offset)
        for place, at in zip(layer, offset, strict=True):
            xs[place] = at - offset[-1] / 2
    for pull in range(_PULLS):
        down = pull % 2 == 0
        is_last = pull >= _PULLS - 4
        for rank in range(len(layers)) if down else range(len(layers) - 1, -1, -1):
            layer = layers[rank]
            wanted: list[tuple[float, float]] = []
            for place in layer:
                near = [*above[place], *below[place]] if is_last else (above if down else below)[place]
                # An edge past several layers is kept straight before the boxes beside it are centred.
                weights = [(1 if is_box(place) else 4) * (1 if is_box(other) else 4) for other in near]
                total = sum(weights)
                mean = sum(weight * xs[other] for weight, other in zip(weights, near, strict=True))
                wanted.append((mean / total, total) if total else (xs[place], 0.1))
            for place, x in zip(layer, _nearest(wanted, offsets[rank]), strict=True):
                xs[place] = x
    return xs


def _nearest(wanted: Sequence[tuple[float, float]], offsets: Sequence[float]) -> list[float]:
    """The positions nearest to those that are wanted, each with a weight, that keep order and distances."""
    groups: list[tuple[float, float, int]] = []  # where a group that touches stands, its weight, its size
    for (x, weight), offset in zip(wanted, offsets, strict=True):
        at, total, count = x - offset, weight, 1
        while groups and groups[-1][0] > at:
            other, more, size = groups.pop()
            at, total, count = (at * total + other * more) / (total + more), total + more, count + size
        groups.append((at, total, count))
    shifts = [at for at, _, count in groups for _ in range(count)]
    return [shift + offset for shift, offset in zip(shifts, offsets, strict=True)]
