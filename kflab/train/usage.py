"""How busy the machine is while a run trains: a thread looks every few seconds and writes events."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

from kflab.errors import KflabError
from kflab.runs.devices import visible_gpus
from kflab.runs.events import DeviceUsage, Usage
from kflab.runs.gpus import Driver, Gpu
from kflab.runs.info import read_info
from kflab.spare_memory import spare_memory

INTERVAL = 2.0
"""Seconds between two looks."""

_FIRST = 0.5  # whoever started this process writes down by then what it was put on


class Observer:
    """Looks at this process, and at the GPUs that it may use.

    Args:
        names: what the GPUs are called, as in `("gpu:1",)`; where they are not as many, they are counted.
        environment: the variables that say which GPUs it may use.
        driver: the driver of the GPUs; it stays the caller's.
    """

    def __init__(self, names: tuple[str, ...], environment: Mapping[str, str], driver: Driver) -> None:
        self._driver = driver
        self._process = psutil.Process()
        self._process.cpu_percent()  # what follows is measured from here on
        uuids = [gpu.uuid for gpu in visible_gpus(driver.gpus(), environment)]
        if len(names) != len(uuids):
            names = tuple(f"gpu:{place}" for place in range(len(uuids)))
        self._names = dict(zip(uuids, names, strict=True))

    def look(self) -> Usage:
        """How busy everything is now."""
        with self._process.oneshot():
            cpu, memory = self._process.cpu_percent(), self._process.memory_info().rss
        gpus = {gpu.uuid: gpu for gpu in self._driver.gpus(self._names)} if self._names else {}
        return Usage(
            time=time.time(),
            cpu=cpu,
            memory=memory,
            memory_free=spare_memory(),
            devices=tuple(_used(name, gpus.get(uuid)) for uuid, name in self._names.items()),
        )


def _used(name: str, gpu: Gpu | None) -> DeviceUsage:
    """What is known of a GPU; nothing of one that the driver has lost."""
    if gpu is None:
        return DeviceUsage(name)
    taken = None if gpu.memory is None or gpu.free is None else gpu.memory - gpu.free
    return DeviceUsage(name, gpu.utilisation, taken, gpu.memory, gpu.temperature, gpu.power)


@contextlib.contextmanager
def watch_usage(write: Callable[[Usage], None], run_dir: Path, interval: float = INTERVAL) -> Iterator[None]:
    """While it lasts, a thread tells every few seconds how busy the machine is; it never disturbs training.

    Args:
        write: takes an event; called in that thread.
        run_dir: the run folder.
        interval: seconds between two looks.
    """
    over = threading.Event()

    def watch() -> None:
        if over.wait(min(_FIRST, interval)):
            return
        with Driver() as driver:
            observer = Observer(_names(run_dir), os.environ, driver)
            while not over.wait(interval):
                # A full disk is found, and told, by the training itself; a process table may be out of reach.
                with contextlib.suppress(OSError, psutil.Error):
                    write(observer.look())

    thread = threading.Thread(target=watch, name="usage", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=interval)


def _names(run_dir: Path) -> tuple[str, ...]:
    try:
        return read_info(run_dir).runs_on
    except KflabError:
        return ()
