"""`run.json`: what a run is, where it runs and with what."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kflab.errors import UnusableInputError
from kflab.runs.memory_kills import MEMORY_RAN_OUT, memory_kills
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
        ended: how the trainer was ended: the signal, as far as somebody saw it, or who asked for it.
        memory_kills: how many processes the system had ended for lack of memory when the trainer started,
            None where that is not known; `MEMORY_RAN_OUT` where it was seen to be one of them.
        keras: the version of Keras; this and what follows are "" or empty until the trainer has it loaded.
        backend_version: the version of the backend.
        devices: the devices that the backend sees.
        device: what it was asked to run on: `cpu`, `gpu`, `gpu:1`, `gpus`; "" leaves it to kflab.
        runs_on: what the trainer was put on when it was started, as `("gpu:1",)`.
        gpus: the GPUs of these, as their driver calls them for good.
        goes_on: the run was over, and a trainer is to go on with it all the same.
        epochs: the epochs to train in all, where that was asked for with going on; else 0.
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
    ended: str = ""
    memory_kills: int | None = None
    keras: str = ""
    backend_version: str = ""
    devices: tuple[str, ...] = ()
    device: str = ""
    runs_on: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    goes_on: bool = False
    epochs: int = 0


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


def note_end(run_dir: Path, pid: int, how: str) -> None:
    """Notes how a trainer was ended, for one that can not say so itself.

    Nothing is noted where another trainer has the folder by now, or how it ended is known already.

    Args:
        run_dir: the run folder.
        pid: the trainer's number.
        how: the signal, or who asked for it.

    Raises:
        UnusableInputError: this is no run folder.
        OSError: it can not be written.
    """
    with _alone(run_dir):
        info = read_info(run_dir)
        if info.process is not None and info.process.pid == pid and not info.ended:
            kills = info.memory_kills
            if how == "SIGKILL" and kills is not None and memory_kills() > kills:
                kills = MEMORY_RAN_OUT
            write_info(run_dir, msgspec.structs.replace(info, ended=how, memory_kills=kills))


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
