"""Starting a trainer that outlives whoever started it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kflab.errors import KflabError, UnusableInputError
from kflab.runs.control import start_requests_over
from kflab.runs.info import CONSOLE, amend_info, note_end, read_info
from kflab.runs.lock import LOCK_HANDLE, AlreadyTrainingError, hold
from kflab.runs.memory_kills import memory_kills
from kflab.runs.placing import place_run
from kflab.runs.process import identify

if TYPE_CHECKING:
    from kflab.runs.warm_keeping import WarmKeeper

TRAINER: tuple[str, ...] = (sys.executable, "-P", "-m", "kflab.train")
"""The command that trains the run folder it is given. `-P`: no import from the folder it starts in."""


def launch(
    run_dir: Path, environment: Mapping[str, str] | None = None, *, warm: WarmKeeper | None = None
) -> int:
    """Starts a trainer on the folder, in a session of its own, and does not wait for it.

    Everything that it prints goes to `console.log`. It lives on when this process ends, when the terminal
    closes and when the connection breaks. It has the lock of the folder from its first moment, so that of two
    that are started at once only one is.

    Args:
        run_dir: a folder that `create` has made.
        environment: variables to set besides those of this process.
        warm: who may have a trainer waiting, which is given the run where it is what the run needs.

    Returns:
        The number of the process.

    Raises:
        AlreadyTrainingError: a trainer is at work in the folder.
        UnusableInputError: this is no run folder.
        DeviceError: the device that it was to run on can not be had.
        KflabError: the process cannot be started.
    """
    run_dir = run_dir.resolve()
    info = read_info(run_dir)
    if info.process is not None and info.process.is_alive():
        raise AlreadyTrainingError("a trainer is at work in this folder", file=str(run_dir))
    try:
        with hold(run_dir) as lock:
            start_requests_over(run_dir)
            placement = place_run(run_dir, info, environment)
            process = _start(run_dir, lock, {**(environment or {}), **placement.environment}, warm)
            # The record is made before anybody waits for the process, whose number cannot be given again
            # until then, and before the lock goes on to it alone: no other trainer is overwritten.
            amend_info(
                run_dir,
                process=identify(process.pid),
                ended="",
                memory_kills=memory_kills(),
                runs_on=placement.names,
                gpus=placement.uuids,
            )
    except OSError as error:
        raise KflabError(f"cannot start a trainer: {error.strerror or error}") from error
    threading.Thread(
        target=_wait, args=(run_dir, process), name=f"wait for {run_dir.name}", daemon=True
    ).start()
    return process.pid


def _start(
    run_dir: Path, lock: int, environment: Mapping[str, str], warm: WarmKeeper | None
) -> subprocess.Popen[bytes]:
    whole = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
    console = os.open(run_dir / CONSOLE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        waiting = warm and warm.hand_over(run_dir, whole, console=console, lock=lock)
        return waiting or subprocess.Popen(
            [*TRAINER, str(run_dir)],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            cwd=run_dir,
            env={**whole, LOCK_HANDLE: str(lock)},
            start_new_session=True,
            pass_fds=(lock,),
        )
    finally:
        os.close(console)


def _wait(run_dir: Path, process: subprocess.Popen[bytes]) -> None:
    """Notes the signal that ended a trainer, which only the process that started it is told."""
    code = process.wait()
    if code < 0:
        # A folder that is gone or full meanwhile has no place for it, and nobody who would look for it.
        with contextlib.suppress(OSError, UnusableInputError):
            note_end(run_dir, process.pid, signal.Signals(-code).name)
