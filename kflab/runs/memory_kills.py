"""How often the kernel has ended a process because there was no memory left."""

from __future__ import annotations

from pathlib import Path

MEMORY_RAN_OUT = -1
"""Stands for the count where it is known that the trainer itself was ended."""

# It counts those that went over the limit of a container or of a control group, too.
_COUNTERS = Path("/proc/vmstat")
_COUNTER = "oom_kill "


def memory_kills() -> int:
    """How many since the machine started; 0 where the system does not tell."""
    try:
        lines = _COUNTERS.read_text(encoding="ascii").splitlines()
        return next((int(line.removeprefix(_COUNTER)) for line in lines if line.startswith(_COUNTER)), 0)
    except (OSError, ValueError):
        return 0
