"""The callbacks of an experiment as Keras objects that write nowhere but into the run folder."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import keras

from kflab import catalog
from kflab.catalog import Kind
from kflab.engine import objects
from kflab.errors import KflabError
from kflab.experiment import Spec
from kflab.runs import info
from kflab.runs.places import WRITES, filled_in, place_in

_PACKAGES: Mapping[str, str] = {"TensorBoard": "tensorboard", "OrbaxCheckpoint": "orbax.checkpoint"}


def make_callbacks(specs: tuple[Spec, ...], run_dir: Path) -> list[keras.callbacks.Callback]:
    """The callbacks in the order of the document.

    A path is relative to the run folder and must stay inside it: a document may come from somebody else.

    Raises:
        KflabError: a path leads out of the folder, a package is missing, or Keras refuses an argument.
    """
    return [_make(spec, run_dir) for spec in specs]


def writes_best(specs: tuple[Spec, ...], run_dir: Path) -> bool:
    """Whether a callback of the document writes the best model itself."""
    for spec in specs:
        if _canonical(spec.name) == "ModelCheckpoint":
            given = spec.arguments.get("filepath")
            if given is None or (
                isinstance(given, str) and (run_dir / given).resolve() == run_dir / info.BEST
            ):
                return not spec.arguments.get("save_weights_only")
    return False


def _make(spec: Spec, run_dir: Path) -> keras.callbacks.Callback:
    name = _canonical(spec.name)
    path = f"training.callbacks.{spec.name}"
    arguments = filled_in(name, spec.arguments, path)
    package = _PACKAGES.get(name)
    if package and not _is_installed(package):
        raise KflabError(
            f"{name} needs the Python package {package.partition('.')[0]}: install it, or leave {name} out"
        )
    argument = WRITES.get(name)
    if argument is not None:
        place = place_in(run_dir, arguments[argument], f"{path}.{argument}")
        place.parent.mkdir(parents=True, exist_ok=True)
        arguments[argument] = str(place)
    return objects.make(Kind.CALLBACK, name, arguments)


def _canonical(name: str) -> str:
    entry = catalog.load().find(Kind.CALLBACK, name)
    return entry.name if entry else name


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # the package that it is a part of is missing
        return False
