"""Where boxes and the edges between them stand in a drawing: layer below layer, in straight columns.

Each box stands a layer below all that feed it. The columns are the tracks of the rows on the screen: the main
path goes straight down at the left, branches and what runs past others stand to the right of what they leave
and join. Columns move together as far as the boxes beside each other allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kflab.graph.layout import Tracks

_GAP = 26.0
_EDGE = 4.0
_BETWEEN = 30.0


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
    tracks = Tracks(fed_by)
    xs, width = _columns(sizes, ranks, tracks)
    heights = [0.0] * (max(ranks) + 1)
    for (_, height), rank in zip(sizes, ranks, strict=True):
        heights[rank] = max(heights[rank], height)
    tops = [sum(heights[:rank]) + rank * _BETWEEN for rank in range(len(heights))]
    centers = tuple(
        (xs[track], tops[rank] + heights[rank] / 2)
        for track, rank in zip(tracks.track_of, ranks, strict=True)
    )
    routes: dict[tuple[int, int], tuple[tuple[float, float], ...]] = {}
    for source, track, takers in tracks.rails():
        for box in takers:
            points = [(centers[source][0], centers[source][1] + sizes[source][1] / 2)]
            for rank in range(ranks[source] + 1, ranks[box]):
                points += [(xs[track], tops[rank]), (xs[track], tops[rank] + heights[rank])]
            points.append((centers[box][0], centers[box][1] - sizes[box][1] / 2))
            routes[source, box] = tuple(points)
    return Layered(centers, routes, width, tops[-1] + heights[-1])


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


def _columns(
    sizes: Sequence[tuple[float, float]], ranks: Sequence[int], tracks: Tracks
) -> tuple[list[float], float]:
    """The middle of each track's column, and the width of all; each stands as far left as it can."""
    lanes = tracks.lanes(ranks)
    taken: list[dict[int, float]] = [{} for _ in lanes]  # how wide each track is in the layers it passes
    for source, track, takers in tracks.rails():
        if takers:
            passed = range(ranks[source] + 1, max(ranks[box] for box in takers))
            taken[track] |= dict.fromkeys(passed, _EDGE)
    for (width, _), rank, track in zip(sizes, ranks, tracks.track_of, strict=True):
        taken[track][rank] = width
    edges = [-_GAP] * (max(ranks) + 1)
    xs = [0.0] * len(lanes)
    for track in sorted(range(len(lanes)), key=lambda track: (lanes[track], track)):
        half = {rank: width / 2 for rank, width in taken[track].items()}
        xs[track] = max((edges[rank] + _GAP + width for rank, width in half.items()), default=0.0)
        for rank, width in half.items():
            edges[rank] = xs[track] + width
    return xs, max(edges)
