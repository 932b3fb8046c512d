"""What a person has settled for all experiments: `settings.yaml` in the folder of settings."""

from __future__ import annotations

import os
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from kflab import paths
from kflab.document import yaml_text
from kflab.document.decoding import plain_words
from kflab.document.files import text_of
from kflab.errors import UnusableInputError, did_you_mean
from kflab.runs.backends import BACKENDS, Backend, require
from kflab.runs.devices import check_device
from kflab.values import Value
from kflab.whole_files import write_whole

BACKEND_VARIABLE, DEVICE_VARIABLE = "KERAS_BACKEND", "KFLAB_DEVICE"
"""The variables of the environment that come before the file."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What holds for every experiment on this machine.

    Attributes:
        backend: Keras' backend: tensorflow, jax or torch.
        device: what is trained on: `cpu`, `gpu` for a free one, `gpu:1` for that one, `gpus` for all; nothing
            given: a free GPU where there is one, else the CPU.
        warm_trainer: whether the lab keeps a trainer with Keras loaded, so that `t` is answered at once.
        disk_reserve: gigabytes of the disk that a run leaves free; it stops before it takes more. Of a
            small disk a tenth at most.
    """

    backend: Backend = BACKENDS[0]
    device: str = ""
    warm_trainer: bool = True
    disk_reserve: Annotated[float, msgspec.Meta(ge=0)] = 1.0

    @property
    def disk_reserve_bytes(self) -> float:
        """The reserve in bytes."""
        return self.disk_reserve * 1e9


NAMES: tuple[str, ...] = Settings.__struct_fields__
"""The settings, in their order."""


def settings_file() -> Path:
    """The file that holds the settings; it need not be there."""
    return paths.config_dir() / "settings.yaml"


def read_settings(path: Path | None = None) -> Settings:
    """What the file of settings says; defaults for what it leaves out.

    Args:
        path: the file; nothing given: `settings_file()`.

    Raises:
        UnusableInputError: it holds what is no setting, with the row.
    """
    path = path or settings_file()
    source = _source(path)
    return Settings() if source is None else _decode(source, path)


def change_settings(changes: Mapping[str, Value], path: Path | None = None) -> Settings:
    """Changes the file of settings; its comments stay.

    Args:
        changes: new values by name; None brings a default back.
        path: the file; nothing given: `settings_file()`.

    Returns:
        What it says now.

    Raises:
        UnusableInputError: there is no such setting, it does not take the value, or the file is unusable.
        OSError: it can not be written.
    """
    path = path or settings_file()
    source = _source(path)
    if source is not None:
        _decode(source, path)
    value = dict(source.value) if source is not None else {}
    for name, new in changes.items():
        _refuse_unknown(name)
        if new is None:
            value.pop(name, None)
        else:
            value[name] = new
    settings = _convert(value)
    text = yaml_text.compose(value, source, _Style()) if value else _comments(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, text.encode(), mode=0o600)
    return settings


class Chosen(typing.NamedTuple):
    """A backend or device that is to be used, and who says so: `--backend`, a variable, the file, or ""."""

    value: str
    by: str


def chosen_backend(option: str | None = None) -> Chosen:
    """The backend that is used: of the option, of `KERAS_BACKEND`, of the settings, or the usual one."""
    return _chosen(option, "--backend", BACKEND_VARIABLE, "backend")


def chosen_device(option: str | None = None) -> Chosen:
    """The device that is used: of the option, of `KFLAB_DEVICE`, of the settings; "" leaves it to kflab."""
    return _chosen(option, "--device", DEVICE_VARIABLE, "device")


def usable_backend(option: str | None = None) -> Backend:
    """The backend that is used, which is installed.

    Raises:
        UnusableInputError: it is not installed, or there is none of that name.
    """
    chosen = chosen_backend(option)
    return require(chosen.value, place=chosen.by)


def _chosen(option: str | None, spelled: str, variable: str, name: str) -> Chosen:
    if option:
        return Chosen(option, spelled)
    if given := os.environ.get(variable, ""):
        return Chosen(given, variable)
    value: str = getattr(read_settings(), name)
    return Chosen(value, "" if value == getattr(Settings(), name) else str(settings_file()))


def _source(path: Path) -> yaml_text.Source | None:
    """The file as it is; None where there is none, or nothing in it."""
    if not path.exists():
        return None
    text = text_of(path)
    lines = (line.strip() for line in text.splitlines())
    if all(not line or line.startswith("#") for line in lines):
        return None
    return yaml_text.parse(text, str(path))


def _comments(path: Path) -> str:
    """The lines of the file that are comments."""
    lines = text_of(path).splitlines(keepends=True) if path.exists() else []
    return "".join(line for line in lines if line.lstrip().startswith("#"))


def _decode(source: yaml_text.Source, path: Path) -> Settings:
    for name in source.value:
        try:
            _refuse_unknown(name)
            _convert({name: source.value[name]})
        except UnusableInputError as error:
            raise UnusableInputError(
                error.message, file=str(path), line=source.line((name,)), path=error.path
            ) from None
    return _convert(source.value)


def _refuse_unknown(name: str) -> None:
    if name not in NAMES:
        hint = did_you_mean(name, NAMES) or f"; there are {', '.join(NAMES)}"
        raise UnusableInputError(f"there is no setting {name!r}{hint}")


def _convert(value: Mapping[str, Value]) -> Settings:
    try:
        settings = msgspec.convert(dict(value), Settings)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        name = place.strip("`").removeprefix("$.")
        expected = f"expected {', '.join(BACKENDS)}" if name == "backend" else plain_words(message)
        raise UnusableInputError(f"{expected}, got {value[name]!r}", path=name) from None
    check_device(settings.device, place="device")
    return settings


class _Style:
    """How the file is written: a line for each setting."""

    def is_block(self, path: yaml_text.Path) -> bool:
        """Every mapping has a line for each key."""
        del path
        return True

    def is_ordered(self, path: yaml_text.Path) -> bool:
        """No order means anything."""
        del path
        return False

    def is_default(self, path: yaml_text.Path, value: Value) -> bool:
        """Whether a setting is what it would be if it were left out."""
        return len(path) == 1 and value == getattr(Settings(), str(path[0]), None)
