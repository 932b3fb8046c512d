"""Which snapshots a run has, told by their names: `NUMBER-EPOCH-STEP-DIGEST.npz`, without reading any."""

from __future__ import annotations

import re
from pathlib import Path

from kflab.runs.position import Position

SNAPSHOTS = "snapshots"
"""The folder in a run folder."""

_NAME = re.compile(r"(\d+)-(\d+)-(\d+)-[0-9a-f]+\.npz")


def numbered(run_dir: Path) -> list[tuple[int, Path]]:
    """The snapshots of a run with their numbers, the newest last; whether they are whole is not known."""
    found = []
    for path in (run_dir / SNAPSHOTS).glob("*.npz"):
        if named := _NAME.fullmatch(path.name):
            found.append((int(named[1]), path))
    return sorted(found)


def position_of(path: Path) -> Position:
    """How far the training had come that a snapshot is of, by its name.

    Raises:
        ValueError: this is no name of a snapshot.
    """
    named = _NAME.fullmatch(path.name)
    if named is None:
        raise ValueError(f"no snapshot is called {path.name!r}")
    return Position(int(named[2]), int(named[3]))
