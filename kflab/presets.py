"""The experiments that come with kflab."""

from __future__ import annotations

from pathlib import Path

from kflab.errors import UnusableInputError, did_you_mean

DEFAULT = "digits_mlp"
"""The preset that the lab opens with."""

_HERE = Path(__file__).parent


def folder() -> Path:
    """The folder of the presets: inside the installed package, or beside it in a checkout."""
    installed = _HERE / "presets"
    return installed if installed.is_dir() else _HERE.parent / "presets"


def names() -> tuple[str, ...]:
    """The presets' names in alphabetical order."""
    return tuple(sorted(path.stem for path in folder().glob("*.yaml")))


def path(name: str) -> Path:
    """The file of the preset called `name`.

    Raises:
        UnusableInputError: there is no such preset.
    """
    if name not in names():
        raise UnusableInputError(
            f"no preset is called {name!r}{did_you_mean(name, names())}; `kflab list presets` shows all"
        )
    return folder() / f"{name}.yaml"


def find(text: str) -> Path:
    """The file that a person means by `text`: a preset's name, or the path of an experiment.

    Raises:
        UnusableInputError: it is neither.
    """
    given = Path(text).expanduser()
    if given.is_file():
        return given
    if given.is_dir():
        raise UnusableInputError("a folder; expected an experiment file (.yaml)", file=text)
    if given.suffix in {".yaml", ".yml"} or len(given.parts) > 1:
        raise UnusableInputError("no such file", file=text)
    return path(text)
