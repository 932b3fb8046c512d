"""The decision surface of a model of the plane: what it says of each place, as training goes."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kflab.catalog.looks import Points

SURFACE = "surface.json"
"""The file in a run folder that has the newest surface; it is written anew as training goes."""

_LARGEST = 4 * 2**20


class Surface(msgspec.Struct, frozen=True):
    """What a model says of the plane.

    Attributes:
        epoch: the epochs that it was trained.
        columns: places of the grid from left to right.
        rows: places from top to bottom.
        left: the x of the first column.
        right: the x of the last column.
        bottom: the y of the last row.
        top: the y of the first row.
        classes: the class of each place, row after row.
        certainty: how certain the model is of it: 0 where all classes are as likely, 255 where it is sure.
        points: some training samples, as the model gets them.
    """

    epoch: int
    columns: int
    rows: int
    left: float
    right: float
    bottom: float
    top: float
    classes: bytes
    certainty: bytes
    points: Points

    def place(self, column: float, row: float) -> int:
        """The index of the place at a fraction of the way from left to right and from top to bottom."""
        across = min(self.columns - 1, max(0, round(column * (self.columns - 1))))
        down = min(self.rows - 1, max(0, round(row * (self.rows - 1))))
        return down * self.columns + across


def read_surface(run_dir: Path) -> Surface | None:
    """The newest surface of a run; nothing where it has none, or one that can not be read."""
    path = run_dir / SURFACE
    try:
        if path.stat().st_size > _LARGEST:
            return None
        found = msgspec.json.decode(path.read_bytes(), type=Surface)
    except (OSError, msgspec.DecodeError):
        return None
    count = found.columns * found.rows
    is_whole = found.columns > 0 and found.rows > 0 and len(found.classes) == len(found.certainty) == count
    is_wide = found.right > found.left and found.top > found.bottom
    points = found.points
    return found if is_whole and is_wide and len(points.xs) == len(points.ys) == len(points.classes) else None
