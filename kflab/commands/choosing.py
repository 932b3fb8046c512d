"""Options that choose backend and device: what is installed and there, before anything is made for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])
_Callback = Callable[[click.Context, click.Parameter, str | None], str | None]

_BACKEND = "Keras' backend: tensorflow, jax or torch."
_DEVICE = "cpu, gpu (a free one), gpu:1 or gpus (all); by default a free GPU, or else the CPU."


def backend_option(command: Command) -> Command:
    """The option `--backend` of a command that trains; one that is not installed is refused."""
    return _option("--backend", _checked_backend, _BACKEND)(command)


def device_option(command: Command) -> Command:
    """The option `--device` of a command that trains."""
    return _option("--device", _checked_device, _DEVICE)(command)


def use_backend_option(command: Command) -> Command:
    """The option `--backend` of a command that has Keras in its own process."""
    return _option("--backend", _used_backend, _BACKEND, is_given=False)(command)


def use_device_option(command: Command) -> Command:
    """The option `--device` of a command that does what a run would do."""
    return _option("--device", _used_device, _DEVICE, is_given=False)(command)


def _option(
    name: str, callback: _Callback, help_text: str, *, is_given: bool = True
) -> Callable[[Command], Command]:
    """An option that takes a name; `is_given`: the command is given what was chosen."""
    return click.option(name, metavar="NAME", callback=callback, expose_value=is_given, help=help_text)


def to_run_on(backend: str | None, device: str | None) -> tuple[str, str]:
    """Backend and device of a run, of its options, the environment or the settings.

    Raises:
        UnusableInputError: the backend is not installed, or no device is called so.
        DeviceError: the device can not be had at this moment.
    """
    from kflab.runs.devices import check_device, place_trainer
    from kflab.settings import chosen_device, usable_backend

    chosen = usable_backend(backend)
    place = chosen_device(device)
    check_device(place.value, place=place.by)
    place_trainer(place.value, chosen, os.environ)
    return chosen, place.value


def _checked_backend(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        from kflab.runs.backends import require

        require(value, place="--backend")
    return value


def _checked_device(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        from kflab.runs.devices import check_device

        check_device(value, place="--device")
    return value


def _used_backend(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if _checked_backend(context, option, value):
        from kflab.settings import BACKEND_VARIABLE

        os.environ[BACKEND_VARIABLE] = str(value)


def _used_device(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if _checked_device(context, option, value):
        from kflab.settings import DEVICE_VARIABLE

        os.environ[DEVICE_VARIABLE] = str(value)
