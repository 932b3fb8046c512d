"""Opening the lab on the terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from kflab import presets
from kflab.commands import COMMANDS
from kflab.errors import UnusableInputError, nearest


def open_lab(experiment: str = "", *, plain: bool = False, recover: bool = False) -> int:
    """Open the lab with an experiment, a preset's name or a file; returns the exit code.

    Args:
        experiment: the experiment; none: a preset, and what was never saved is offered.
        plain: draw in plain ASCII.
        recover: restore what was edited and not saved, unasked.

    Raises:
        UnusableInputError: there is no such experiment, or no terminal.
    """
    path = find(experiment or presets.DEFAULT, recover=recover)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UnusableInputError("the lab needs a terminal; `kflab run` trains without one")
    from kflab.tui import app

    recovery = app.Recovery.OFFER if experiment else app.Recovery.OFFER_ALL
    try:
        return app.run(path, plain=plain, recovery=app.Recovery.RESTORE if recover else recovery)
    except UnusableInputError as error:
        raise _with_hint(error, path) from None


def find(name: str, *, recover: bool = False) -> Path:
    """The file of an experiment; one that is gone will do where its unsaved changes are recovered.

    Raises:
        UnusableInputError: there is no such experiment.
    """
    try:
        return presets.find(name)
    except UnusableInputError as error:
        path = Path(name).expanduser()
        if path.suffix in {".yaml", ".yml"}:
            raised = _with_hint(error, path)
            if recover and raised is not error:
                return path
            raise raised from None
        command = nearest(name, COMMANDS, most=1)
        hint = f"; or did you mean the command `kflab {command[0]}`?" if command else ""
        raise UnusableInputError(error.message + hint, file=error.file) from None


def _with_hint(error: UnusableInputError, path: Path) -> UnusableInputError:
    """An error about a file, with what can be done where unsaved changes of it were kept."""
    from kflab import recovery

    if not any(found.unsaved for found in recovery.find(path.resolve())):
        return error
    hint = f"; changes that were not saved are there: `kflab open {path} --recover`"
    return UnusableInputError(error.message + hint, file=error.file, line=error.line, path=error.path)
