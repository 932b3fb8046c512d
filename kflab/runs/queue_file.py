"""The file of the queue, beside the run folders: read whole, and changed by one process at a time.

It is put in place in one step, so a process that is killed leaves the queue as it was before or as it is
after its change.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from kflab.errors import KflabError, UnusableInputError
from kflab.runs import queue
from kflab.runs.info import RunInfo, read_info
from kflab.runs.queue import Queue, Waiting
from kflab.whole_files import write_whole

FOLDER = ".queue"
"""The folder of the queue, in the folder of all runs."""

_FILE, _LOCK = "queue.json", "lock"
_PATIENCE = 20.0  # seconds; a change takes milliseconds
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}


class _Read(NamedTuple):
    signature: tuple[int, int, int]
    queue: Queue


_seen: dict[Path, _Read] = {}


def read_queue(runs_dir: Path) -> Queue:
    """The queue of a folder of runs; an empty one where nobody has queued anything yet.

    Raises:
        UnusableInputError: its file cannot be read.
    """
    path = runs_dir / FOLDER / _FILE
    try:
        about = path.stat()
        signature = (about.st_mtime_ns, about.st_size, about.st_ino)
        if (seen := _seen.get(path)) and seen.signature == signature:
            return seen.queue
        found = msgspec.json.decode(path.read_bytes(), type=Queue)
    except (FileNotFoundError, NotADirectoryError):
        return Queue()
    except OSError as error:
        raise UnusableInputError(f"cannot be read: {error.strerror}", file=str(path)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnusableInputError(
            f"damaged: {error}; remove it and queue the runs again, their folders are untouched",
            file=str(path),
        ) from error
    _seen[path] = _Read(signature, found)
    return found


def change(runs_dir: Path, edit: Callable[[Queue], Queue]) -> Queue:
    """Changes the queue; of several processes that do so at once, each finds what the one before has left.

    Args:
        runs_dir: the folder of all runs.
        edit: makes the new queue from the one that is there; what it raises leaves that one as it is.

    Returns:
        The new queue.

    Raises:
        KflabError: it cannot be changed.
    """
    with alone(runs_dir):
        before = read_queue(runs_dir)
        after = edit(before)
        if after != before:
            path = runs_dir / FOLDER / _FILE
            text = msgspec.json.format(msgspec.json.encode(after), indent=2)
            try:
                write_whole(path, text + b"\n", mode=0o600)
            except OSError as error:
                raise KflabError(f"the queue cannot be changed: {error.strerror}: {path}") from error
    return after


@contextlib.contextmanager
def alone(runs_dir: Path) -> Iterator[None]:
    """Keeps everybody else from changing the queue.

    Raises:
        KflabError: the folder cannot be used, or somebody does not stop changing it.
    """
    handle = open_lock(runs_dir, _LOCK)
    try:
        end = time.monotonic() + _PATIENCE
        while not try_lock(handle, runs_dir):
            if time.monotonic() > end:
                raise KflabError(f"another process has kept the queue of {runs_dir} for {_PATIENCE:.0f} s")
            time.sleep(0.005)
        yield
    finally:
        os.close(handle)


def open_lock(runs_dir: Path, name: str) -> int:
    """Opens a lock of the queue.

    Raises:
        KflabError: the folder cannot be used.
    """
    try:
        runs_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (runs_dir / FOLDER).mkdir(mode=0o700, exist_ok=True)
        return os.open(runs_dir / FOLDER / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KflabError(f"the queue of {runs_dir} cannot be used: {error.strerror}") from error


def try_lock(handle: int, runs_dir: Path) -> bool:
    """Takes a lock for this process; tells whether it could be had.

    Raises:
        KflabError: the file system has no locks.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise KflabError(f"the queue of {runs_dir} cannot be locked: {error.strerror}") from error
        raise KflabError(
            f"{runs_dir} is on a file system without locks, and a queue needs them; keep runs elsewhere with "
            "--runs-dir or KFLAB_RUNS_DIR, or train without the queue"
        ) from error
    return True


def put(run_dir: Path, environment: Mapping[str, str]) -> int:
    """Puts a run at the end of the queue.

    Args:
        run_dir: the run folder.
        environment: the environment to train in; what shapes a training is kept.

    Returns:
        Its place.

    Raises:
        KflabError: it is in the queue already, or cannot be put there.
    """
    info = read_info(run_dir)
    new = Waiting(
        name=run_dir.name,
        added=time.time(),
        host=socket.gethostname(),
        environment=queue.shaping(environment),
        process=info.process,
    )
    return change(run_dir.parent, lambda now: queue.added(now, new)).place(run_dir.name)


def take_out(run_dir: Path) -> None:
    """Takes a run out of the queue; its folder stays.

    Raises:
        KflabError: it does not wait.
    """

    def edit(now: Queue) -> Queue:
        if now.find(run_dir.name) is None:
            raise queue.not_waiting(run_dir.name)
        return queue.without(now, (run_dir.name,))

    change(run_dir.parent, edit)


def move(run_dir: Path, where: str) -> int:
    """Moves a run in the queue, see `queue.moved`; returns its new place.

    Raises:
        KflabError: it does not wait, or there is no such place.
    """
    return change(run_dir.parent, lambda now: queue.moved(now, run_dir.name, where)).place(run_dir.name)


def set_held(runs_dir: Path, held: bool) -> Queue:
    """Says whether nothing new is started from the queue for now; returns the queue.

    Raises:
        KflabError: the queue cannot be changed.
    """
    return change(runs_dir, lambda now: msgspec.structs.replace(now, held=held))


def is_waiting(run_dir: Path, info: RunInfo) -> bool:
    """Whether a run is in the queue, and no trainer was started on it since it was put there."""
    try:
        waiting = read_queue(run_dir.parent).find(run_dir.name)
    except UnusableInputError:
        return False  # What is wrong with the queue is told to whoever asks for the queue.
    return waiting is not None and waiting.process == info.process
