"""Weights from files into models, layer by layer and by name."""

from __future__ import annotations

import contextlib
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import h5py
import keras

from kflab.diagnose.starting_weights import MODEL
from kflab.diagnose.wording import count_text
from kflab.engine.objects import complaint
from kflab.errors import UnusableInputError

MEMBER = "model.weights.h5"
"""The weights inside of a `.keras` file."""

_LAYERS, _VARS, _NAME, _WRAPPED = "layers", "vars", "name", "layer"
_MOST_TIMES = 200  # no array of a model packs as well as a zip bomb
_SHOWN = 6


class Taken(NamedTuple):
    """What a model got from a file.

    Attributes:
        loaded: the layers that have their weights from it, nested ones with the way to them.
        fresh: the layers with weights that it does not have.
    """

    loaded: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()

    def __str__(self) -> str:
        starts = "starts" if len(self.fresh) == 1 else "start"
        fresh = f"; {_listed(self.fresh)} {starts} fresh" if self.fresh else ""
        return f"the weights of {count_text(len(self.loaded), 'layer')}{fresh}"


def load_weights(model: keras.Model, path: Path, names: Mapping[str, str] | None = None) -> Taken:
    """Give the layers of a model the weights that a file has for layers of the same names.

    Args:
        model: a built model.
        path: a `.weights.h5` file as Keras 3 saves it, or a `.keras` file.
        names: the names that layers have in the file, if others, by the way to the layer: `encoder/hidden`.

    Raises:
        UnusableInputError: it is no such file, weights have other shapes there, or it has none of the layers.
    """
    with _opened(path) as theirs, tempfile.TemporaryDirectory() as folder:
        if not _has_names(theirs):
            return _by_order(model, path)
        # Keras has no public way to the weights of one layer in a file: so what it would write for this model
        # is filled with what the file has, and read back.
        written = Path(folder) / "own.weights.h5"
        model.save_weights(written)
        with h5py.File(written, "r+") as ours:
            taken = _Filling(path, names or {}).fill(model, ours, theirs)
        if taken.fresh and not taken.loaded:
            own = _listed(tuple(layer.name for layer in model.layers if layer.weights))
            there = _listed(tuple(_children(theirs)))
            raise UnusableInputError(f"it has {there}, none of which is a layer here ({own})", file=str(path))
        model.load_weights(written)
        return taken


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    try:
        if not path.name.endswith(MODEL):
            with h5py.File(path, "r") as file:
                yield file
        elif path.is_dir():
            with h5py.File(path / MEMBER, "r") as file:
                yield file
        else:
            with (
                zipfile.ZipFile(path) as archive,
                _member(archive, path) as member,
                h5py.File(member, "r") as file,
            ):
                yield file
    except (OSError, zipfile.BadZipFile) as error:
        raise UnusableInputError(f"its weights cannot be read: {error}", file=str(path)) from None


def _member(archive: zipfile.ZipFile, path: Path) -> contextlib.AbstractContextManager[object]:
    try:
        info = archive.getinfo(MEMBER)
    except KeyError:
        raise UnusableInputError(f"it holds no weights ({MEMBER})", file=str(path)) from None
    if info.file_size > _MOST_TIMES * max(info.compress_size, 1_000_000):
        raise UnusableInputError(
            f"its weights would unpack to {info.file_size / 1e9:.0f} GB; it is damaged or a zip bomb",
            file=str(path),
        )
    return archive.open(info)


def _has_names(file: h5py.File) -> bool:
    """Whether a file says which layer each of its arrays belongs to, as files of Keras 3 do."""
    return bool(_children(file)) and all(name for name in _children(file))


def _children(group: h5py.Group) -> dict[str, h5py.Group]:
    """The parts of a model's group by the names of their layers."""
    layers = group.get(_LAYERS)
    if not isinstance(layers, h5py.Group):
        return {}
    return {str(part[_VARS].attrs.get(_NAME, "")): part for part in layers.values() if _VARS in part}


def _wrapped(group: h5py.Group) -> h5py.Group:
    """A model's group, or that of the model that a wrapper holds."""
    inner = group.get(_WRAPPED)
    return inner if _LAYERS not in group and isinstance(inner, h5py.Group) and _LAYERS in inner else group


def _arrays(group: h5py.Group) -> dict[str, h5py.Dataset]:
    found: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item

    group.visititems(visit)
    return found


class _Filling:
    """Fills the arrays of one file from another, layer by layer."""

    def __init__(self, path: Path, names: Mapping[str, str]) -> None:
        self._path, self._names = path, names
        self._loaded: list[str] = []
        self._fresh: list[str] = []

    def fill(self, model: keras.Model, ours: h5py.File, theirs: h5py.File) -> Taken:
        self._model(model, ours, theirs, "")
        return Taken(tuple(self._loaded), tuple(self._fresh))

    def _model(self, model: keras.Model, ours: h5py.Group, theirs: h5py.Group, where: str) -> None:
        own, there = _children(ours), _children(_wrapped(theirs))
        for layer in model.layers:
            if layer.name not in own:
                continue  # it has nothing to load, or was met before
            way = f"{where}{layer.name}"
            name = self._names.get(way, layer.name)
            if name in there and isinstance(layer, keras.Model):
                self._model(layer, own[layer.name], there[name], f"{way}/")
            else:
                self._layer(way, own[layer.name], there.get(name))

    def _layer(self, way: str, ours: h5py.Group, theirs: h5py.Group | None) -> None:
        wanted = _arrays(ours)
        if not wanted:
            return
        if theirs is None:
            self._fresh.append(way)
            return
        if _WRAPPED in ours and _WRAPPED not in theirs:
            wanted = _arrays(ours[_WRAPPED])  # each layer has a wrapper here, the model of them has one there
        found = _arrays(theirs)
        needs, has = (_shapes(arrays) for arrays in (wanted, found))
        if needs != has:
            raise UnusableInputError(
                f"{way} has weights of the shapes {_spelled(has)} there, and needs {_spelled(needs)}",
                file=str(self._path),
            )
        for place, array in found.items():
            wanted[place][...] = array[...]
        self._loaded.append(way)


def _shapes(arrays: Mapping[str, h5py.Dataset]) -> dict[str, tuple[int, ...]]:
    return {place: tuple(array.shape) for place, array in sorted(arrays.items())}


def _spelled(shapes: Mapping[str, tuple[int, ...]]) -> str:
    texts = ["×".join(map(str, shape)) or "one number" for shape in shapes.values()]
    return (
        ", ".join(texts[:_SHOWN]) + (f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else "")
        or "none"
    )


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}" or "nothing"


def _by_order(model: keras.Model, path: Path) -> Taken:
    """Load a file of earlier Keras, which knows layers by their order alone."""
    try:
        model.load_weights(path)
    except Exception as error:
        raise UnusableInputError(complaint("the weights", error), file=str(path)) from error
    return Taken(tuple(layer.name for layer in model.layers if layer.weights))
