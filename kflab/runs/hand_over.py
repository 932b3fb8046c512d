"""What is said when a run is handed over to a trainer that waits: a JSON message a line, files beside it."""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from kflab.runs.backends import version_of

LONGEST = 1 << 20
"""Bytes of the longest message."""

_GPU_FILES = ("nvidia[0-9]*", "kfd", "dxg", "dri/renderD*")
"""What GPUs of several makes are reached by, in `/dev`."""

_DEVICE_VARIABLES = frozenset(
    {
        "CUDA_VISIBLE_DEVICES",
        "HIP_VISIBLE_DEVICES",
        "JAX_PLATFORMS",
        "KERAS_TORCH_DEVICE",
        "TF_FORCE_GPU_ALLOW_GROWTH",
        "XLA_PYTHON_CLIENT_PREALLOCATE",
    }
)


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """The trainer has Keras loaded.

    Attributes:
        versions: what it has loaded, as `versions` gives it.
    """

    versions: dict[str, str]


class Taken(msgspec.Struct, frozen=True, tag="taken"):
    """The trainer has taken the run."""


Told: TypeAlias = Loaded | Taken


class HandOver(msgspec.Struct, frozen=True):
    """A run for the trainer; its console and its lock come with the message, as open files.

    Attributes:
        run_dir: the run folder.
        variables: what changes in the environment; None removes a variable.
    """

    run_dir: str
    variables: dict[str, str | None]


def send(to: socket.socket, message: Told | HandOver, files: tuple[int, ...] = ()) -> None:
    """Sends a message, and open files with it.

    Raises:
        OSError: nobody listens.
    """
    line = msgspec.json.encode(message) + b"\n"
    sent = socket.send_fds(to, [line], files)
    # Nothing more is sent, not even no bytes: whoever has read all of it may have left by now.
    if rest := line[sent:]:
        to.sendall(rest)


def versions(backend: str) -> dict[str, str]:
    """The versions that are installed of what a trainer loads."""
    names = ("kflab", "keras", backend, "numpy")
    return {"python": platform.python_version(), **{name: version_of(name) for name in names}}


def late_variables(backend: str, devices: Path = Path("/dev")) -> frozenset[str]:
    """The variables that a trainer heeds when it has Keras loaded already.

    A backend looks for its devices when it first computes; but Keras on PyTorch asks for a GPU as it is
    loaded, and what was found then stays. Where there is none, the variables change nothing.
    """
    if backend == "torch" and may_have_gpus(devices):
        return frozenset()
    return _DEVICE_VARIABLES


def may_have_gpus(devices: Path = Path("/dev")) -> bool:
    """Whether this machine may have a GPU of any make; no driver is asked."""
    return sys.platform == "darwin" or any(any(devices.glob(name)) for name in _GPU_FILES)


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str | None]:
    """What makes one environment of another."""
    names = before.keys() | after.keys()
    return {name: after.get(name) for name in sorted(names) if before.get(name) != after.get(name)}


def apply(variables: Mapping[str, str | None]) -> None:
    """Changes the environment of this process."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
