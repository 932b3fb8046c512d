"""Where boxes and the edges between them stand in a drawing: layer below layer, in straight columns.

Each box stands a layer below all that feed it. The columns are the tracks of the rows on the screen: the main
path goes straight down at the left, branches and what runs past others stand to the right of what they leave
and join. Columns move together as far as the boxes beside each other allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kflab.graph.tracks import Tracks

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
    tracks = Tracks(fed_by)
    ranks = _ranks(fed_by, tracks)
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
    bottoms = [top + height for top, height in zip(tops, heights, strict=True)]
    for source, track, takers in tracks.rails():
        for box in takers:
            (x, y), (to_x, to_y) = centers[source], centers[box]
            points = [(x, y + sizes[source][1] / 2), (x, bottoms[ranks[source]])]
            for rank in range(ranks[source] + 1, ranks[box]):
                points += [(xs[track], tops[rank]), (xs[track], bottoms[rank])]
            points += [(to_x, tops[ranks[box]]), (to_x, to_y - sizes[box][1] / 2)]
            routes[source, box] = tuple(dict.fromkeys(points))
    return Layered(centers, routes, width, tops[-1] + heights[-1])


def _ranks(fed_by: Sequence[Sequence[int]], tracks: Tracks) -> list[int]:
    """The layer of each box: below all that feed it; what nothing feeds stands right above what it feeds.

    A box that stands on the track of a value does not stand in the way of others that take it from there.
    """
    others = {
        takers[-1]: takers[:-1]
        for _, track, takers in tracks.rails()
        if len(takers) > 1 and tracks.track_of[takers[-1]] == track
    }
    ranks: list[int] = []
    for box, sources in enumerate(fed_by):
        least = [ranks[source] + 1 for source in sources] + [ranks[other] for other in others.get(box, ())]
        ranks.append(max(least, default=0))
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
