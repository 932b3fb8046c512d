"""How much memory a piece of work takes at its peak: of the GPU where there is one, else of this process."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import keras

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


class PeakMemory:
    """Watches memory from the moment that it is made.

    Of a process, what counts is the memory that is resident: at its peak, less what it was at the start. The
    system keeps that peak itself, so nothing is missed between two looks.
    """

    def __init__(self) -> None:
        self._gpu = _first_gpu()
        if self._gpu:
            _gpu_info(self._gpu, reset=True)
        else:
            # Without the permission, the peak is that of the whole life of the process.
            with contextlib.suppress(OSError):
                _RESET.write_text(_RESET_PEAK)
        self._start = self._gpu_bytes("current") if self._gpu else resident_bytes()

    @property
    def bytes(self) -> int:
        """What has been taken at the peak since the start."""
        peak = self._gpu_bytes("peak") if self._gpu else _peak_bytes()
        return max(0, peak - self._start)

    def _gpu_bytes(self, what: str) -> int:
        return _gpu_info(self._gpu)[what]


def resident_bytes() -> int:
    """Memory of this process that is resident."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def _peak_bytes() -> int:
    with contextlib.suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "VmHWM":
                return int(value.split()[0]) * 1024
    import resource

    # The kernel of macOS counts bytes, others kilobytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _first_gpu() -> str:
    """The GPU that TensorFlow trains on; "" where there is none, and with other backends."""
    if keras.backend.backend() != "tensorflow":
        return ""
    import tensorflow

    return "GPU:0" if tensorflow.config.list_logical_devices("GPU") else ""


def _gpu_info(device: str, *, reset: bool = False) -> dict[str, int]:
    import tensorflow

    if reset:
        tensorflow.config.experimental.reset_memory_stats(device)
    found: dict[str, int] = tensorflow.config.experimental.get_memory_info(device)
    return found
