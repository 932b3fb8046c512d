"""What callbacks of a Python file say about files, as a run or a script of today can do it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PureWindowsPath

from kflab.errors import UnusableInputError
from kflab.runs.places import WRITES, place_in
from kflab.values import Arguments, Value

_WEIGHTS, _MODEL = ".weights.h5", ".keras"
_OLD_ENDINGS = (".hdf5", ".h5", ".weights", ".ckpt", ".tf", ".pb")


def settled(name: str, arguments: Arguments, note: Callable[[str], None]) -> dict[str, Value]:
    """The arguments of a callback with a path that lies in the run's folder and ends as Keras wants it.

    Args:
        name: the callback's class.
        arguments: what the file says.
        note: told what is another one now.
    """
    key = WRITES.get(name)
    given = arguments.get(key or "")
    if key is None or not isinstance(given, str):
        return dict(arguments)
    path = _inside(given, name)
    if name == "ModelCheckpoint" and path:
        path = _ending(path, weights=arguments.get("save_weights_only") is True)
    if path == given:
        return dict(arguments)
    kept = {argument: value for argument, value in arguments.items() if argument != key}
    if not path:
        note(f"{name} writes to {given!r}, which is no place in the folder of a run; it has its default")
        return kept
    note(f"{name} writes to {path!r} in the folder of the run, not to {given!r}")
    return {argument: path if argument == key else value for argument, value in arguments.items()}


def _inside(given: str, name: str) -> str:
    """The path, or its last part where it leads elsewhere; "" where that is no place either."""
    windows = PureWindowsPath(given)  # reads what other systems write, too
    for path in (windows.name,) if windows.anchor else (windows.as_posix(), windows.name):
        try:
            place_in(Path(), path, name)
        except UnusableInputError:
            continue
        return path
    return ""


def _ending(path: str, *, weights: bool) -> str:
    """The path of a checkpoint with the ending that Keras asks for."""
    if path.endswith(_WEIGHTS if weights else (_MODEL, ".h5")):
        return path
    for ending in _OLD_ENDINGS if weights else (".weights.h5", *_OLD_ENDINGS):
        if path.endswith(ending) and path != ending:
            path = path.removesuffix(ending)
            break
    return path + (_WEIGHTS if weights else _MODEL)
