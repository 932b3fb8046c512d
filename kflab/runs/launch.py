"""Starting a trainer that outlives whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from kflab.errors import KflabError
from kflab.runs.info import CONSOLE, amend_info, read_info
from kflab.runs.lock import AlreadyTrainingError
from kflab.runs.process import identify

TRAINER: tuple[str, ...] = (sys.executable, "-P", "-m", "kflab.train")
"""The command that trains the run folder it is given. `-P`: no import from the folder it starts in."""


def launch(run_dir: Path, environment: Mapping[str, str] | None = None) -> int:
    """Starts a trainer on the folder, in a session of its own, and does not wait for it.

    Everything that it prints goes to `console.log`. It lives on when this process ends, when the terminal
    closes and when the connection breaks.

    Args:
        run_dir: a folder that `create` has made.
        environment: variables to set besides those of this process.

    Returns:
        The number of the process.

    Raises:
        AlreadyTrainingError: a trainer is at work in the folder.
        UnusableInputError: this is no run folder.
        KflabError: the process cannot be started.
    """
    run_dir = run_dir.resolve()
    info = read_info(run_dir)
    if info.process is not None and info.process.is_alive():
        raise AlreadyTrainingError("a trainer is at work in this folder", file=str(run_dir))
    try:
        console = os.open(run_dir / CONSOLE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            process = subprocess.Popen(
                [*TRAINER, str(run_dir)],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                cwd=run_dir,
                env={
                    **os.environ,
                    **(environment or {}),
                    "KERAS_BACKEND": info.backend,
                    "PYTHONUNBUFFERED": "1",
                },
                start_new_session=True,
                close_fds=True,
            )
        finally:
            os.close(console)
    except OSError as error:
        raise KflabError(f"cannot start a trainer: {error.strerror or error}") from error
    # The record is made before anybody waits for the process: until then its number cannot be given again.
    amend_info(run_dir, process=identify(process.pid))
    threading.Thread(target=process.wait, name=f"wait for {run_dir.name}", daemon=True).start()
    return process.pid
