"""Opening the lab on the terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from kflab import presets
from kflab.commands import COMMANDS
from kflab.errors import UnusableInputError, nearest


def open_lab(experiment: str = "", *, plain: bool = False) -> int:
    """Open the lab with an experiment, a preset's name or a file; returns the exit code.

    Raises:
        UnusableInputError: there is no such experiment, or no terminal.
    """
    path = _find(experiment or presets.DEFAULT)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UnusableInputError("the lab needs a terminal; `kflab run` trains without one")
    from kflab.tui import app

    return app.run(path, plain=plain)


def _find(name: str) -> Path:
    try:
        return presets.find(name)
    except UnusableInputError as error:
        command = nearest(name, COMMANDS, most=1)
        hint = f"; or did you mean the command `kflab {command[0]}`?" if command else ""
        raise UnusableInputError(error.message + hint, file=error.file) from None
