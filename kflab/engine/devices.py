"""What a run would be trained on, told without taking any of its memory.

An engine lives beside trainers and needs no accelerator: shapes are worked out on the CPU.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Mapping
from typing import NamedTuple

from kflab.errors import KflabError
from kflab.runs.devices import CPU, SHARING, place_trainer, visible_gpus
from kflab.runs.gpus import Driver
from kflab.settings import BACKEND_VARIABLE, chosen_device, usable_backend
from kflab.spare_memory import spare_memory

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2"}
"""Of what TensorFlow prints from C++, only errors."""

_ON_CPU = {
    "JAX_PLATFORMS": "cpu",  # JAX takes some of a GPU's memory as soon as it looks at one
    "KERAS_TORCH_DEVICE": "cpu",
}

_given: dict[str, str] = {}
"""The environment that the person has made, before `prepare` changed it."""


def prepare() -> None:
    """Set what must be set before a backend is imported that is to leave GPUs alone.

    What the person has set stays.

    Raises:
        UnusableInputError: the backend of the settings is not installed.
    """
    _given.update(os.environ)
    backend = {BACKEND_VARIABLE: usable_backend()}
    for name, value in {**_QUIET, **SHARING, **_ON_CPU, **backend}.items():
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
    environment = _given or os.environ
    # One that the settings ask for and that can not be had is told where a run is started.
    with contextlib.suppress(KflabError):
        names = _names(environment)
        if names != (CPU,) and gpu_count():
            return Device(", ".join(names), _free_gpu_bytes(environment, names[0]))
    return Device(CPU, spare_memory())


def _names(environment: Mapping[str, str]) -> tuple[str, ...]:
    import keras

    return place_trainer(chosen_device().value, keras.backend.backend(), environment).names


def _free_gpu_bytes(environment: Mapping[str, str], name: str) -> int:
    """Memory that is free on a GPU; 0 where the driver does not tell."""
    with Driver() as driver:
        gpus = visible_gpus(driver.gpus(), environment)
    return gpus[int(name.partition(":")[2])].free or 0


def list_without_taking() -> tuple[str, ...]:
    """The devices that a run would use, as `("gpu:1",)`; from here on GPUs are left alone."""
    name = training_device().name
    leave_gpus_alone()
    return tuple(name.split(", "))


def leave_gpus_alone() -> None:
    """Has the backend, which `prepare` was called for, take nothing of any GPU."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        # Once something was computed it is too late, and nothing is lost: a context was made then.
        with contextlib.suppress(RuntimeError):
            tensorflow.config.set_visible_devices([], "GPU")


def gpu_count() -> int:
    """How many GPUs the backend finds, without taking any of their memory."""
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
    from kflab.runs.backends import lacks_gpu

    if lacks_gpu("jax"):
        return 0
    with Driver() as driver:
        return len(visible_gpus(driver.gpus(), _given or os.environ))
