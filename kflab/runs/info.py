"""`run.json`: what a run is, where it runs and with what."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kflab.errors import UnusableInputError
from kflab.runs.process import ProcessInfo
from kflab.whole_files import write_whole

EXPERIMENT, INFO, EVENTS, CONSOLE = "experiment.yaml", "run.json", "events.jsonl", "console.log"
CONTROL, LOCK, BEST, FINAL = "control.jsonl", "lock", "best.keras", "model.keras"
"""The names of the files in a run folder."""


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run besides its experiment and its events.

    Attributes:
        name: the folder's name.
        title: one line that says what is trained.
        created: when the folder was made, in seconds since the epoch.
        kflab: the version of kflab.
        python: the version of Python.
        backend: the name of Keras' backend.
        seed: what the random numbers start from.
        seed_drawn: the seed was drawn because nobody gave one.
        source: the file that the experiment came from, "" where there is none.
        cwd: the folder that the run was asked for in.
        argv: the command that asked for it.
        git: the commit checked out in `cwd`, "" where there is none.
        host: the machine that the folder was made on.
        user: who made it.
        process: the trainer; None as long as none was started.
        keras: the version of Keras; this and what follows are "" or empty until the trainer has it loaded.
        backend_version: the version of the backend.
        devices: the devices that the backend sees.
    """

    name: str
    title: str = ""
    created: float = 0.0
    kflab: str = ""
    python: str = ""
    backend: str = "tensorflow"
    seed: int = 0
    seed_drawn: bool = False
    source: str = ""
    cwd: str = ""
    argv: tuple[str, ...] = ()
    git: str = ""
    host: str = ""
    user: str = ""
    process: ProcessInfo | None = None
    keras: str = ""
    backend_version: str = ""
    devices: tuple[str, ...] = ()


def read_info(run_dir: Path) -> RunInfo:
    """What the folder's `run.json` says.

    Raises:
        UnusableInputError: it is not there, or is no such file.
    """
    path = run_dir / INFO
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunInfo)
    except FileNotFoundError as error:
        raise UnusableInputError(f"not a run folder: it has no {INFO}", file=str(run_dir)) from error
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(path)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnusableInputError(f"damaged: {error}", file=str(path)) from error


def write_info(run_dir: Path, info: RunInfo) -> None:
    """Writes `run.json` whole: a reader finds the old one or the new one, never a part."""
    text = msgspec.json.format(msgspec.json.encode(info), indent=2)
    write_whole(run_dir / INFO, text + b"\n", mode=0o600)


def amend_info(run_dir: Path, **changes: object) -> RunInfo:
    """Changes some of what `run.json` says; launcher and trainer may do so at once.

    Args:
        run_dir: the run folder.
        **changes: new values of attributes of `RunInfo`.

    Returns:
        What it says now.
    """
    with _alone(run_dir):
        info = msgspec.structs.replace(read_info(run_dir), **changes)
        write_info(run_dir, info)
    return info


@contextlib.contextmanager
def _alone(run_dir: Path) -> Iterator[None]:
    folder = os.open(run_dir, os.O_RDONLY)
    try:
        # Some network file systems lock no folders; there, the two writers merely meet unlikely.
        with contextlib.suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
