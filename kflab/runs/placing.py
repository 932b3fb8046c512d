"""Where the trainer of a run is put: what was asked for, held against GPUs and the runs beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from kflab.errors import KflabError
from kflab.runs.backends import require
from kflab.runs.devices import CPU, DeviceError, Placement, place_trainer
from kflab.runs.info import INFO, RunInfo, read_info

_SETTLING = 120.0
"""Seconds after its start in which a trainer may not have taken memory of its GPU as yet."""


def place_run(run_dir: Path, info: RunInfo, environment: Mapping[str, str] | None = None) -> Placement:
    """What the trainer of a run is put on now; its backend is among the variables of the environment.

    Args:
        run_dir: the run folder.
        info: what is known of the run.
        environment: variables that the trainer gets besides those of this process.

    Raises:
        UnusableInputError: its backend is not installed.
        DeviceError: its device can not be had.
    """
    backend = require(info.backend)
    merged = {**os.environ, **(environment or {})}
    placement = place_trainer(info.device, backend, merged, taken=_just_taken(run_dir))
    return placement._replace(environment={**placement.environment, "KERAS_BACKEND": backend})


def _just_taken(run_dir: Path) -> frozenset[str]:
    """The GPUs of trainers beside a run that were started a moment ago."""
    taken: set[str] = set()
    now = time.time()
    for path in run_dir.parent.glob(f"*/{INFO}"):
        try:
            if path.parent == run_dir or now - path.stat().st_mtime > _SETTLING:
                continue
            other = read_info(path.parent)
        except (OSError, KflabError):
            continue  # Somebody removes it at this moment, or it is damaged: it takes no GPU.
        if other.process is not None and other.process.is_alive():
            taken.update(other.gpus)
    return frozenset(taken)


def place_this_process(backend: str, device: str, *, or_cpu: bool = False) -> tuple[str, ...]:
    """Puts this process on a device, before it imports Keras: its environment is changed.

    Args:
        backend: Keras' backend.
        device: what is asked for, as in `kflab.runs.devices`.
        or_cpu: use the CPU where that can not be had.

    Returns:
        The names of its devices.

    Raises:
        UnusableInputError: the backend is not installed, or no device is called so.
        DeviceError: the device can not be had.
    """
    backend = require(backend)
    try:
        placement = place_trainer(device, backend, os.environ)
    except DeviceError:
        if not or_cpu:
            raise
        placement = place_trainer(CPU, backend, os.environ)
    os.environ.update({**placement.environment, "KERAS_BACKEND": backend})
    return placement.names
