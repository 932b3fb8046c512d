"""Which devices the backend can train on, told without taking any of their memory.

An engine lives beside trainers and needs no accelerator: shapes are worked out on the CPU.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import os
from pathlib import Path
from typing import NamedTuple

_SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "2",  # of what TensorFlow prints from C++, only errors
    "JAX_PLATFORMS": "cpu",  # JAX takes most of a GPU's memory as soon as it looks at one
}


def prepare() -> None:
    """Set what must be set before a backend is imported; what the person has set stays."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)


class Device(NamedTuple):
    """What a model is trained on: its name, such as `gpu:0`, and the bytes that are free on it."""

    name: str = ""
    available: int = 0


@functools.cache
def training_device() -> Device:
    """The device that a run of the chosen backend would use, as it was when it was first asked for.

    `training_device.cache_clear()` has it looked at anew.
    """
    if _gpu_count() and (free := _free_gpu_bytes()):
        return Device("gpu:0", free)
    return Device("cpu", _free_bytes())


def _free_bytes() -> int:
    """Memory that the machine, or the container that this is in, has left."""
    import psutil

    free = int(psutil.virtual_memory().available)
    group = Path("/sys/fs/cgroup")
    for limit, used in (
        (group / "memory.max", group / "memory.current"),
        (group / "memory" / "memory.limit_in_bytes", group / "memory" / "memory.usage_in_bytes"),
    ):
        # There may be no such file, and no limit: "max".
        with contextlib.suppress(OSError, ValueError):
            free = min(free, max(0, int(limit.read_text()) - int(used.read_text())))
    return free


def _free_gpu_bytes() -> int:
    """Memory that is free on the first GPU that this process may use; 0 where the driver does not tell."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return 0
    try:
        chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
        by_number = chosen.isdigit()
        handle = (
            pynvml.nvmlDeviceGetHandleByIndex(int(chosen))
            if by_number
            else pynvml.nvmlDeviceGetHandleByUUID(chosen)
        )
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).free)
    except pynvml.NVMLError:
        return 0
    finally:
        pynvml.nvmlShutdown()


def list_without_taking() -> tuple[str, ...]:
    """The devices of the chosen backend, as `("cpu", "gpu:0")`; from here on GPUs are left alone."""
    import keras

    count = _gpu_count()
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.set_visible_devices([], "GPU")
    return ("cpu", *(f"gpu:{index}" for index in range(count)))


def _gpu_count() -> int:
    import keras

    counts = {"tensorflow": _tensorflow_gpus, "torch": _torch_gpus, "jax": _jax_gpus}
    return counts.get(keras.backend.backend(), lambda: 0)()


def _tensorflow_gpus() -> int:
    import tensorflow

    return len(tensorflow.config.list_physical_devices("GPU"))


def _torch_gpus() -> int:
    import torch  # type: ignore[import-not-found, unused-ignore]

    return int(torch.cuda.device_count())


def _jax_gpus() -> int:
    """The GPUs of the machine, if JAX has a plugin for them; asking JAX itself would take their memory."""
    if not importlib.metadata.entry_points(group="jax_plugins"):
        return 0
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return 0
    count: int = pynvml.nvmlDeviceGetCount()
    pynvml.nvmlShutdown()
    return count
