"""`kflab doctor`: versions, backends, GPUs, the terminal, and where things are kept."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Mapping

import click

from kflab.commands.output import json_option, print_json, table

PACKAGES = ("kflab", "keras", "tensorflow", "jax", "torch", "textual", "plotext", "numpy", "scikit-learn")
_HOW = {
    "jax": "pip install 'kflab[jax]'",
    "torch": "pip install 'kflab[torch]'",
    "tensorflow": "pip install tensorflow",
}


@click.command()
@json_option
def doctor(*, as_json: bool) -> int:
    """Tell what kflab finds on this machine; nothing is changed."""
    found = {
        "versions": _versions(),
        "backends": _backends(),
        "gpus": _gpus(),
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
    """Each backend of Keras: whether it is installed, and how to get it."""
    chosen = os.environ.get("KERAS_BACKEND", "tensorflow")
    backends = {}
    for name, how in sorted(_HOW.items(), key=lambda item: item[0] != chosen):
        there = importlib.util.find_spec(name) is not None
        state = "installed" if there else f"not installed: {how}"
        backends[name] = f"{state} (chosen)" if name == chosen else state
    return backends


def _gpus() -> dict[str, str]:
    """Each NVIDIA GPU with its memory, as the driver tells it; without a driver there are none."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return {"none": str(error)}
    try:
        gpus = {}
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            name = pynvml.nvmlDeviceGetName(handle)
            gpus[f"gpu:{index}"] = f"{name}, {memory.free / 1e9:.1f} of {memory.total / 1e9:.1f} GB free"
        return gpus or {"none": "the driver lists no GPU"}
    except pynvml.NVMLError as error:
        return {"unknown": str(error)}
    finally:
        pynvml.nvmlShutdown()


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
