"""Files of Keras models opened without Keras: what describes the model is read, nothing of it is executed."""

from __future__ import annotations

import json
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from kflab.imports import ImportRefusedError
from kflab.values import Value

CONFIG, WEIGHTS, ASSETS = "config.json", "model.weights.h5", "assets"
"""The members of a `.keras` file: the description, the weights and the vocabularies."""

ARCHIVE = ".keras"
"""The ending of the files that Keras 3 saves models to."""

MOST_JSON = 64_000_000
"""The longest description that is read, in bytes: 30 times that of the largest application of Keras."""
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError, ValueError,
)  # fmt: skip
"""What `zipfile` raises, depending on where an archive is damaged and on how it is packed."""
_MOST_WORDS = 50_000_000
_MOST_MEMBERS = 100_000
_DEEPEST = 200
_MARKS = b"[{"


class Archive(NamedTuple):
    """What a file says about a model.

    Attributes:
        config: the model's description.
        vocabularies: the words of each lookup layer that was adapted, by the way to the layer in the file.
        has_weights: whether there are weights in it.
    """

    config: Mapping[str, Value]
    vocabularies: Mapping[str, tuple[str, ...]] = {}
    has_weights: bool = False


def read(path: Path) -> Archive:
    """What a `.keras` file, its unzipped folder or a `.json` file says.

    Raises:
        ImportRefusedError: it is no such file, is damaged, or holds more than any model would.
    """
    try:
        if path.is_dir():
            return _read_folder(path)
        if zipfile.is_zipfile(path):
            return _read_zip(path)
        with path.open("rb") as stream:
            content = stream.read(MOST_JSON + 1)
    except OSError as error:
        raise ImportRefusedError(f"can not be read: {error.strerror or error}", file=str(path)) from None
    if path.suffix == ARCHIVE:
        raise ImportRefusedError("this is no .keras file: it is no zip archive", file=str(path))
    return Archive(parsed(content, str(path)))


def _read_folder(path: Path) -> Archive:
    config = path / CONFIG
    if not config.is_file():
        hint = (
            "; a TensorFlow SavedModel holds no description of the model"
            if (path / "saved_model.pb").exists()
            else ""
        )
        raise ImportRefusedError(f"a folder without {CONFIG} is no model of Keras{hint}", file=str(path))
    with config.open("rb") as stream:
        content = stream.read(MOST_JSON + 1)
    words = {
        str(PurePosixPath(file.relative_to(path / ASSETS).parent)): file.read_bytes()
        for file in sorted((path / ASSETS).rglob("vocabulary.txt"))
        if file.stat().st_size <= _MOST_WORDS
    }
    return Archive(parsed(content, str(config)), _vocabularies(words), (path / WEIGHTS).is_file())


def _read_zip(path: Path) -> Archive:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) > _MOST_MEMBERS:
                raise ImportRefusedError(f"it has {len(names):,} members; no model has", file=str(path))
            if CONFIG not in names:
                raise ImportRefusedError(f"this is no .keras file: it has no {CONFIG}", file=str(path))
            content = _member(archive, CONFIG, MOST_JSON, path)
            words = {
                str(PurePosixPath(name).parent.relative_to(ASSETS)): _member(archive, name, _MOST_WORDS, path)
                for name in names
                if name.startswith(f"{ASSETS}/") and PurePosixPath(name).name == "vocabulary.txt"
            }
            return Archive(parsed(content, f"{path}:{CONFIG}"), _vocabularies(words), WEIGHTS in names)
    except _DAMAGED as error:
        raise ImportRefusedError(f"the archive is damaged: {error}", file=str(path)) from None


def _member(archive: zipfile.ZipFile, name: str, most: int, path: Path) -> bytes:
    """A member of an archive, however large it says that it is: not more than `most` bytes are unpacked."""
    with archive.open(name) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise ImportRefusedError(f"{name} is larger than {most / 1e6:.0f} MB; no model's is", file=str(path))
    return content


def _vocabularies(files: Mapping[str, bytes]) -> dict[str, tuple[str, ...]]:
    return {place: tuple(content.decode("utf-8", "replace").split("\n")) for place, content in files.items()}


def parsed(content: bytes | str, file: str) -> Mapping[str, Value]:
    """A model's description from its JSON.

    Raises:
        ImportRefusedError: it is no JSON of a mapping, too long or nested too deeply.
    """
    content = content.encode() if isinstance(content, str) else content
    if len(content) > MOST_JSON:
        raise ImportRefusedError(
            f"larger than {MOST_JSON / 1e6:.0f} MB; no model's description is", file=file
        )
    if _depth(content) > _DEEPEST:
        raise ImportRefusedError(
            f"nested deeper than {_DEEPEST} levels; no model's description is", file=file
        )
    try:
        found = json.loads(content)
        if isinstance(found, str):  # `json.dump(model.to_json())` writes the text of the JSON as JSON
            found = json.loads(found)
    except UnicodeDecodeError as error:
        raise ImportRefusedError(f"not UTF-8 text: byte {error.start}", file=file) from None
    except json.JSONDecodeError as error:
        raise ImportRefusedError(
            f"no JSON: {error.msg} in column {error.colno}", file=file, line=error.lineno
        ) from None
    except (ValueError, RecursionError) as error:
        raise ImportRefusedError(f"no JSON: {error}", file=file) from None
    if not isinstance(found, Mapping):
        raise ImportRefusedError(
            "expected the JSON of a model: a mapping with class_name and config", file=file
        )
    return found


def _depth(content: bytes) -> int:
    """How deep brackets are nested, those inside of texts counted, too."""
    deepest = depth = 0
    for mark in _brackets(content):
        depth += 1 if mark in _MARKS else -1
        deepest = max(deepest, depth)
    return deepest


def _brackets(content: bytes) -> Iterator[int]:
    return iter(content.translate(None, delete=_OTHER))


_OTHER = bytes(set(range(256)) - set(b"[]{}"))
