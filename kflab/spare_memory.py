"""How much memory the machine has left, or the container or control group that this process is in."""

from __future__ import annotations

from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_FILES: tuple[tuple[str, str, str, str], ...] = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)
"""Of both kinds of control groups: the limit, what is used, and what can be dropped of that."""


def spare_memory(groups: Path = _GROUPS) -> int:
    """Bytes that a process can take before something has to give way.

    Args:
        groups: where the system shows the control group of this process.
    """
    import psutil

    spare = int(psutil.virtual_memory().available)
    for limit, used, statistics, droppable in _FILES:
        left = _left(groups / limit, groups / used, groups / statistics, droppable)
        spare = spare if left is None else min(spare, left)
    return spare


def _left(limit: Path, used: Path, statistics: Path, droppable: str) -> int | None:
    try:
        left = int(limit.read_text()) - int(used.read_text())
    except (OSError, ValueError):
        return None  # There is no such group, or no limit: "max".
    try:
        # Files that were read some time ago stay in memory until somebody needs the place.
        entries = (line.split() for line in statistics.read_text().splitlines())
        left += next((int(entry[1]) for entry in entries if entry[0] == droppable), 0)
    except (OSError, ValueError, IndexError):
        pass
    return max(0, left)
