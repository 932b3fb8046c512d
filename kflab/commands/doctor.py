"""`kflab doctor`: versions, backends, GPUs, the terminal, and where things are kept."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from kflab.commands.output import json_option, print_json, table

if TYPE_CHECKING:
    from kflab.runs.gpus import Gpu

PACKAGES = ("kflab", "keras", "tensorflow", "jax", "torch", "textual", "plotext", "numpy", "scikit-learn")

_CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
"""What Linux calls the sensors of CPUs."""


@click.command()
@json_option
def doctor(*, as_json: bool) -> int:
    """Tell what kflab finds on this machine; nothing is changed."""
    found = {
        "versions": _versions(),
        "backends": _backends(),
        "devices": _devices(),
        "machine": _machine(),
        "terminal": _terminal(),
        "folders": _folders(),
    }
    if as_json:
        print_json(found)
        return 0
    for heading, facts in found.items():
        click.echo(click.style(heading, bold=True))
        lines = table([("", name, str(value)) for name, value in facts.items()]) or ["  none"]
        click.echo("\n".join(lines))
    return 0


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _backends() -> dict[str, str]:
    """Each backend of Keras: its version or how to get it, whether it can use GPUs, and which is chosen."""
    from kflab.runs import backends
    from kflab.runs.gpus import Driver
    from kflab.settings import chosen_backend

    with Driver() as driver:
        has_gpus = bool(driver.gpus())
    chosen = chosen_backend()
    found: dict[str, str] = {}
    for name in sorted(backends.BACKENDS, key=lambda name: name != chosen.value):
        if not backends.is_installed(name):
            facts = [f"not installed: {backends.how_to_get(name)}"]
        else:
            facts = [backends.version_of(name) or "installed"]
            if backends.lacks_gpu(name):
                facts.append(f"without GPUs; with them: {backends.GET_GPU[name]}")
            elif has_gpus and name == "tensorflow":
                facts.append(f"where it finds no GPU: {backends.GET_GPU[name]}")
        if name == chosen.value:
            facts.append(f"chosen by {chosen.by}" if chosen.by else "chosen")
        found[name] = ", ".join(facts)
    if chosen.value not in found:
        found[chosen.value] = f"chosen by {chosen.by}, and no backend that kflab trains with"
    return found


def _devices() -> dict[str, str]:
    """The CPU and each NVIDIA GPU that a run could use, as its driver tells, and which it would be."""
    from kflab.errors import KflabError
    from kflab.runs.devices import place_trainer, visible_gpus
    from kflab.runs.gpus import Driver
    from kflab.settings import chosen_backend, chosen_device

    with Driver() as driver:
        every, problem, version = driver.gpus(), driver.problem, driver.version
    seen = visible_gpus(every, os.environ)
    found = {f"gpu:{place}": _gpu_text(gpu) for place, gpu in enumerate(seen)}
    if not seen:
        hidden = f"CUDA_VISIBLE_DEVICES={os.environ.get('CUDA_VISIBLE_DEVICES')} hides {len(every)}"
        found["gpu"] = f"none: {hidden if every else problem or 'the NVIDIA driver lists no GPU'}"
    found["cpu"] = _cpu_text()
    if version:
        found["driver"] = f"NVIDIA {version}"
    device = chosen_device()
    try:
        names = ", ".join(place_trainer(device.value, chosen_backend().value, os.environ).names)
    except KflabError as error:
        names = str(error)
    found["a run now"] = names + (f" (device {device.value} by {device.by})" if device.by else "")
    return found


def _gpu_text(gpu: Gpu) -> str:
    """A GPU in one line; what its driver does not tell is left out."""
    facts = [gpu.title + (" (slice)" if gpu.is_slice else "")]
    if gpu.memory is not None and gpu.free is not None:
        facts.append(f"{gpu.free / 1e9:.1f} of {gpu.memory / 1e9:.1f} GB free")
    if gpu.utilisation is not None:
        facts.append(f"{gpu.utilisation:.0f} % used")
    if gpu.temperature is not None:
        facts.append(f"{gpu.temperature:.0f} °C")
    if gpu.power is not None:
        facts.append(f"{gpu.power:.0f} W")
    if gpu.is_busy:
        facts.append("busy")
    return ", ".join(facts)


def _cpu_text() -> str:
    import psutil

    facts = [f"{psutil.cpu_percent(0.1):.0f} % used"]
    # Only Linux and FreeBSD have it.
    if read := getattr(psutil, "sensors_temperatures", None):
        sensors = read()
        heat = [one.current for name in _CPU_SENSORS for one in sensors.get(name, ())]
        if heat:
            facts.append(f"{max(heat):.0f} °C")
    return ", ".join(facts)


def _machine() -> dict[str, str]:
    import psutil

    memory = psutil.virtual_memory()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "system": platform.platform(),
        "cpus": f"{usable} usable",
        "memory": f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free",
    }


def _terminal() -> Mapping[str, str]:
    import shutil

    size = shutil.get_terminal_size((0, 0))
    return {
        "terminal": "yes" if sys.stdout.isatty() else "no: output goes to a pipe or file",
        "size": f"{size.columns}x{size.lines}" if size.columns else "unknown",
        "TERM": os.environ.get("TERM", "not set"),
        "colours": _colours(),
        "encoding": sys.stdout.encoding,
    }


def _colours() -> str:
    if os.environ.get("NO_COLOR"):
        return "none: NO_COLOR is set"
    if os.environ.get("COLORTERM", "") in {"truecolor", "24bit"}:
        return "16 million (COLORTERM)"
    return "256" if "256" in os.environ.get("TERM", "") else "16"


def _folders() -> dict[str, str]:
    from kflab import paths, presets

    return {
        "runs": str(paths.runs_dir()),
        "settings": str(paths.config_dir()),
        "logs": str(paths.state_dir()),
        "cache": str(paths.cache_dir()),
        "presets": str(presets.folder()),
        "Keras datasets": str(paths.keras_datasets_dir()),
    }
