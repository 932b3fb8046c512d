"""Backend and device in the lab: chosen from what is there, kept in the settings of the machine."""

from __future__ import annotations

import asyncio
import os

from kflab.errors import KflabError
from kflab.tui.actions.base import LabBase
from kflab.tui.rows.row import Option
from kflab.values import Value

_BACKEND, _DEVICE = "backend", "device"


class DeviceActions(LabBase):
    """What chooses the backend and the device of runs."""

    def action_device(self) -> None:
        """Offers the backends that are installed and the devices that are there."""
        self.run_worker(self._offer_devices(), group="device", exclusive=True)

    async def _offer_devices(self) -> None:
        try:
            options = await asyncio.to_thread(machine_options)
        except KflabError as problem:
            self.say(str(problem), error=True)
            return
        self.choose("Backend and device of runs", options, self._use)

    def _use(self, value: Value) -> None:
        name, _, chosen = str(value).partition("=")
        try:
            settle(name, chosen)
        except (KflabError, OSError) as problem:
            self.say(f"For this lab alone, as the settings can not be kept: {problem}", error=True)
        self.run_worker(self.lab.renew_engine(), group="engine", exclusive=True)


def settle(name: str, value: str) -> None:
    """Makes a backend or a device hold in this process, and keeps it for later ones.

    Raises:
        UnusableInputError: the file of settings is broken.
        OSError: it can not be written.
    """
    from kflab.settings import BACKEND_VARIABLE, DEVICE_VARIABLE, change_settings

    variable = {_BACKEND: BACKEND_VARIABLE, _DEVICE: DEVICE_VARIABLE}[name]
    # An option or the environment may have said something else, which this is newer than.
    os.environ.pop(variable, None)
    if value:
        os.environ[variable] = value
    change_settings({name: value or None})


def machine_options() -> list[Option]:
    """The backends that are installed, and the devices of this machine.

    Raises:
        UnusableInputError: the file of settings is broken.
    """
    from kflab.runs import backends
    from kflab.runs.devices import AUTOMATIC, CPU, GPUS, visible_gpus
    from kflab.runs.gpus import Driver
    from kflab.settings import chosen_backend, chosen_device

    backend, device = chosen_backend().value, chosen_device().value
    found = [
        Option(
            f"{_BACKEND}={name}",
            name,
            detail=backends.version_of(name),
            group="Backend",
            current=name == backend,
            words=("keras", _BACKEND),
        )
        for name in backends.installed()
    ]
    with Driver() as driver:
        gpus = visible_gpus(driver.gpus(), os.environ)
    devices = [(AUTOMATIC, "automatic", "a free GPU, or else the CPU"), (CPU, CPU, "no GPU at all")]
    for place, gpu in enumerate(gpus):
        memory = "" if gpu.memory is None or gpu.free is None else f", {gpu.free / 1e9:.0f} GB free"
        devices.append((f"gpu:{place}", f"gpu:{place}", f"{gpu.title}{memory}{', busy' * gpu.is_busy}"))
    if len(gpus) > 1:
        devices.append((GPUS, GPUS, f"all {len(gpus)}, each with a share of the batch"))
    found += [
        Option(
            f"{_DEVICE}={name}",
            label,
            detail=detail,
            group="Device",
            current=name == device,
            words=(_DEVICE, "gpu", "cuda"),
        )
        for name, label, detail in devices
    ]
    return found
