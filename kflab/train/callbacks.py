"""The callbacks of an experiment as Keras objects that write nowhere but into the run folder."""

from __future__ import annotations

import importlib.util
import string
from collections.abc import Mapping
from pathlib import Path

import keras

from kflab import catalog
from kflab.catalog import Kind
from kflab.engine import objects
from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import Spec
from kflab.runs import info
from kflab.values import Value

# The argument of each callback that says where it writes, and what is meant when it is left out.
_PLACES: Mapping[str, tuple[str, str]] = {
    "BackupAndRestore": ("backup_dir", "backup"),
    "CSVLogger": ("filename", "history.csv"),
    "ModelCheckpoint": ("filepath", info.BEST),
    "OrbaxCheckpoint": ("directory", "orbax"),
    "TensorBoard": ("log_dir", "tensorboard"),
}
_RESERVED = frozenset(
    {info.EXPERIMENT, info.INFO, info.EVENTS, info.CONSOLE, info.CONTROL, info.LOCK, info.FINAL, "snapshots"}
)
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
    if name == "RemoteMonitor":
        raise UnusableInputError(
            "it would send the run's values to another machine, which no run does", path=path
        )
    package = _PACKAGES.get(name)
    if package and not _is_installed(package):
        raise KflabError(
            f"{name} needs the Python package {package.partition('.')[0]}: install it, or leave {name} out"
        )
    arguments = dict(spec.arguments)
    if name in _PLACES:
        argument, default = _PLACES[name]
        arguments.update(_defaults(name, arguments))
        place = place_in(run_dir, arguments.get(argument, default), f"{path}.{argument}")
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


def _defaults(name: str, arguments: Mapping[str, Value]) -> dict[str, Value]:
    """What is meant where a document does not say it, and Keras would mean something else.

    A `ModelCheckpoint` writes the best model of the run. `BackupAndRestore` keeps the backup before the last
    one, since a trainer that is killed while it writes leaves half a file.
    """
    if name == "BackupAndRestore":
        return {"double_checkpoint": arguments.get("double_checkpoint", True)}
    if name != "ModelCheckpoint" or arguments.get("filepath") is not None:
        return {}
    filepath = "best.weights.h5" if arguments.get("save_weights_only") else info.BEST
    return {"filepath": filepath, "save_best_only": arguments.get("save_best_only", True)}


def place_in(run_dir: Path, given: Value, path: str) -> Path:
    """The place inside the run folder that a document means.

    Args:
        run_dir: the run folder.
        given: what the document says: a relative path, perhaps with fields such as `{epoch:02d}`.
        path: the place in the document, for errors.

    Raises:
        UnusableInputError: it leads out of the folder, or to one of the folder's own files.
    """
    if not isinstance(given, str) or not given.strip():
        raise UnusableInputError(f"expected a path inside the run folder, got {given!r}", path=path)
    root = run_dir.resolve()
    place = (root / given).resolve()
    if Path(given).is_absolute() or not place.is_relative_to(root) or place == root:
        raise UnusableInputError(
            f"expected a path inside the run folder, such as {Path(given).name or 'out'!r}; got {given!r}",
            path=path,
        )
    if place.relative_to(root).parts[0] in _RESERVED:
        raise UnusableInputError(
            f"{given!r} is a file of the run folder's own; choose another name", path=path
        )
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(given) if field is not None]
    except ValueError as error:
        raise UnusableInputError(f"{given!r} is no pattern of a path: {error}", path=path) from error
    if not all(field.isidentifier() for field in fields):
        raise UnusableInputError(
            f"expected fields such as {{epoch:02d}} or {{val_loss:.3f}}, got {given!r}", path=path
        )
    return place
