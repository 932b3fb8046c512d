"""Which devices the backend can train on, told without taking any of their memory.

An engine lives beside trainers and needs no accelerator: shapes are worked out on the CPU.
"""

from __future__ import annotations

import importlib.metadata
import os

_SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "2",  # of what TensorFlow prints from C++, only errors
    "JAX_PLATFORMS": "cpu",  # JAX takes most of a GPU's memory as soon as it looks at one
}


def prepare() -> None:
    """Set what must be set before a backend is imported; what the person has set stays."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)


def list_without_taking() -> tuple[str, ...]:
    """The devices of the chosen backend, as `("cpu", "gpu:0")`; from here on GPUs are left alone."""
    import keras

    counts = {"tensorflow": _tensorflow_gpus, "torch": _torch_gpus, "jax": _jax_gpus}
    count = counts.get(keras.backend.backend(), lambda: 0)()
    return ("cpu", *(f"gpu:{index}" for index in range(count)))


def _tensorflow_gpus() -> int:
    import tensorflow

    found = len(tensorflow.config.list_physical_devices("GPU"))
    tensorflow.config.set_visible_devices([], "GPU")
    return found


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
