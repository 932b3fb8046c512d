"""Devices by name (`cpu`, `gpu:1`, `gpus`): what a trainer is put on, and the environment that does it.

Needs no Keras: a device is chosen before the process is started that uses it, by variables that every
backend heeds when it looks for its devices.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from kflab.errors import KflabError, UnusableInputError, did_you_mean
from kflab.runs.backends import GET_GPU, lacks_gpu
from kflab.runs.gpus import Driver, Gpu

AUTOMATIC, CPU, GPU, GPUS = "", "cpu", "gpu", "gpus"
"""What a device can be called, besides `gpu:1`: a free GPU or else the CPU; the CPU; a free GPU; all GPUs."""

_NUMBERED = re.compile(r"gpu:(\d{1,3})")
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_PLATFORMS = "JAX_PLATFORMS"

SHARING: Mapping[str, str] = {
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
"""Has backends take memory of a GPU as it is needed: runs, smoke steps and predictions may share one."""

_HIDING: Mapping[str, str] = {
    _VISIBLE: "-1",
    "HIP_VISIBLE_DEVICES": "-1",
    _PLATFORMS: "cpu",
    "KERAS_TORCH_DEVICE": "cpu",
}
"""Hides GPUs of every make from every backend."""


class DeviceError(KflabError):
    """The device that was asked for can not be had; the text says what is missing."""


class Placement(NamedTuple):
    """What a trainer runs on.

    Attributes:
        names: its devices: `("cpu",)`, `("gpu:1",)`, or several.
        uuids: the GPUs among them, as the driver calls them.
        environment: the variables that put it there.
    """

    names: tuple[str, ...]
    uuids: tuple[str, ...]
    environment: Mapping[str, str]


def check_device(name: str, *, place: str = "") -> str:
    """A name of a device, as it was given.

    Args:
        name: what was given; "" leaves the choice to kflab.
        place: who gave it, for the error.

    Raises:
        UnusableInputError: no device is called so.
    """
    if name in {AUTOMATIC, CPU, GPU, GPUS} or _NUMBERED.fullmatch(name):
        return name
    hint = did_you_mean(name, (CPU, GPU, "gpu:0", GPUS))
    raise UnusableInputError(
        f"expected a device such as cpu, gpu (a free one), gpu:1 or gpus (all), got {name!r}{hint}",
        path=place,
    )


def visible_gpus(gpus: Sequence[Gpu], environment: Mapping[str, str]) -> tuple[Gpu, ...]:
    """The GPUs that `CUDA_VISIBLE_DEVICES` leaves, in its order: numbers, UUIDs or beginnings of UUIDs.

    As in CUDA, the first entry that names no GPU ends the list.
    """
    given = environment.get(_VISIBLE)
    if given is None:
        return tuple(gpus)
    left: list[Gpu] = []
    for entry in given.split(","):
        found = _named(gpus, entry.strip())
        if found is None:
            break
        if found not in left:
            left.append(found)
    return tuple(left)


def _named(gpus: Sequence[Gpu], entry: str) -> Gpu | None:
    if entry.isdecimal():
        return next((gpu for gpu in gpus if gpu.number == int(entry)), None)
    if not entry.startswith(("GPU-", "MIG-")):
        return None
    found = next((gpu for gpu in gpus if gpu.uuid.startswith(entry)), None)
    # Older drivers spell a slice in a way of their own, which CUDA understands.
    return found or (Gpu(number=-1, uuid=entry, is_slice=True) if entry.startswith("MIG-GPU-") else None)


def by_use(gpus: Sequence[Gpu], taken: Collection[str] = ()) -> list[int]:
    """The places of GPUs, the one first that is best to take: free ones, then those with the least use.

    Args:
        gpus: the GPUs.
        taken: the UUIDs of those that somebody is about to use, which their memory does not show as yet.
    """

    def use(place: int) -> tuple[bool, bool, float, float, int]:
        gpu = gpus[place]
        return (gpu.uuid in taken, gpu.is_busy, gpu.taken_share, gpu.utilisation or 0.0, place)

    return sorted(range(len(gpus)), key=use)


def place_trainer(
    device: str, backend: str, environment: Mapping[str, str], *, taken: Collection[str] = ()
) -> Placement:
    """What a trainer shall run on, as things are now.

    Args:
        device: what was asked for; "" for a free GPU where there is one, else the CPU.
        backend: Keras' backend.
        environment: the variables that the trainer would have; a choice of GPUs in them is respected.
        taken: the UUIDs of GPUs that somebody is about to use.

    Raises:
        UnusableInputError: no device is called so.
        DeviceError: it can not be had.
    """
    check_device(device)
    if device == CPU:
        return _on_cpu()
    with Driver() as driver:
        return choose(device, backend, environment, driver.gpus(), driver.problem, taken=taken)


def choose(
    device: str,
    backend: str,
    environment: Mapping[str, str],
    gpus: Sequence[Gpu],
    problem: str = "",
    *,
    taken: Collection[str] = (),
) -> Placement:
    """What a trainer shall run on, of these GPUs; as `place_trainer`. `problem` is why there are none."""
    if device == CPU:
        return _on_cpu()
    sharing = {name: value for name, value in SHARING.items() if name not in environment}
    seen = visible_gpus(gpus, environment)
    if device == AUTOMATIC:
        if not seen or lacks_gpu(backend) or _platforms_leave_out_gpus(backend, environment):
            # Nothing is hidden: there may be GPUs of a make that this driver does not know.
            return Placement((CPU,), (), sharing)
    elif not seen:
        raise DeviceError(f"{device} can not be had: {_why_none(gpus, environment, problem)}")
    elif lacks_gpu(backend):
        raise DeviceError(f"{device} can not be had: this {backend} has no GPU support; {GET_GPU[backend]}")
    places = _places(device, seen, taken)
    if backend == "jax" and _platforms_leave_out_gpus(backend, environment):
        sharing[_PLATFORMS] = ""
    uuids = tuple(seen[place].uuid for place in places)
    names = tuple(f"gpu:{place}" for place in places)
    return Placement(names, uuids, {**sharing, _VISIBLE: ",".join(uuids)})


def unseen(backend: str, runs_on: Collection[str], found: Collection[str]) -> str:
    """That a backend finds no GPU, although it was put on one, and what to do; "" where all is well.

    Args:
        backend: Keras' backend.
        runs_on: the devices that the trainer was put on.
        found: the devices that the backend finds, once it is loaded.
    """
    if not any(name.startswith(GPU) for name in runs_on) or any(name.startswith(GPU) for name in found):
        return ""
    put = ", ".join(runs_on)
    return f"{backend} finds no GPU, though this machine has {put}; {GET_GPU[backend]} brings what it needs"


def _places(device: str, seen: Sequence[Gpu], taken: Collection[str]) -> list[int]:
    if device == GPUS:
        whole = [place for place, gpu in enumerate(seen) if not gpu.is_slice]
        # A process can use one slice at a time.
        return whole or by_use(seen, taken)[:1]
    if numbered := _NUMBERED.fullmatch(device):
        place = int(numbered[1])
        if place >= len(seen):
            there = ", ".join(f"gpu:{one}" for one in range(len(seen)))
            raise DeviceError(f"there is no {device}; there is {there}")
        return [place]
    return by_use(seen, taken)[:1]


def _on_cpu() -> Placement:
    return Placement((CPU,), (), dict(_HIDING))


def _platforms_leave_out_gpus(backend: str, environment: Mapping[str, str]) -> bool:
    platforms = environment.get(_PLATFORMS, "")
    return backend == "jax" and bool(platforms) and not {"cuda", "gpu"} & set(platforms.split(","))


def _why_none(gpus: Sequence[Gpu], environment: Mapping[str, str], problem: str) -> str:
    if gpus:
        return f"{_VISIBLE}={environment[_VISIBLE]} hides the {len(gpus)} that this machine has"
    return problem or "the NVIDIA driver lists no GPU"
