"""The process that starts the runs of the queue: one a folder of runs and machine, there while runs wait.

Whoever meets a queue calls `keep`, and so does a trainer that ends. A keeper that was killed, or that a
reboot has ended, is there again with the next of these.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from kflab.errors import KflabError
from kflab.runs import queue
from kflab.runs.gpus import Driver
from kflab.runs.queue_file import FOLDER, alone, open_lock, read_queue, try_lock
from kflab.runs.queue_turns import Roll, start_due
from kflab.runs.slots import Machine

LOOK_SECONDS = 1.0
"""How often the keeper looks whether a place is free."""

KEEPER: tuple[str, ...] = (sys.executable, "-P", "-m", "kflab.runs.queue_keeper")
"""The command that keeps the queue of the folder that it is given, with the lock that it inherits."""

LOG = "keeper.log"
"""What the keeper has done, in the folder of the queue."""

_LOG_BYTES = 1 << 18
_PATIENCE = 60.0  # seconds after which a keeper that finds the queue unusable gives up


def keep(runs_dir: Path) -> bool:
    """Sees to it that what waits in the queue is started when its turn comes; costs nothing where none does.

    Args:
        runs_dir: the folder of all runs.

    Returns:
        Whether a keeper was started; none is where one is at work, or nothing can be started.

    Raises:
        KflabError: the queue cannot be used, or no process be started.
    """
    runs_dir = runs_dir.resolve()
    here = socket.gethostname()
    if not read_queue(runs_dir).startable(here):
        return False
    lock = open_lock(runs_dir, _lock_name(here))
    try:
        if not try_lock(lock, runs_dir):
            return False
        _start(runs_dir, lock)
        return True
    finally:
        os.close(lock)


def try_to_keep(runs_dir: Path) -> None:
    """As `keep`, for those who have something else to do: what is wrong with the queue is only told."""
    try:
        keep(runs_dir)
    except KflabError as error:
        sys.stderr.write(f"the queue waits: {error}\n")


def _lock_name(host: str) -> str:
    return f"keeper-{host.replace('/', '-')}.lock"


def _start(runs_dir: Path, lock: int) -> None:
    """Starts the keeper, which inherits the lock: at no moment is there none that holds it."""
    path = runs_dir / FOLDER / LOG
    shaping = queue.shaping(os.environ)
    try:
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.unlink()
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            subprocess.Popen(
                [*KEEPER, str(runs_dir), str(lock)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                # What shapes a training is each run's own, not that of whoever met the queue.
                env={name: value for name, value in os.environ.items() if name not in shaping},
                start_new_session=True,
                pass_fds=(lock,),
            )
        finally:
            os.close(log)
    except OSError as error:
        raise KflabError(f"the keeper of the queue cannot be started: {error.strerror or error}") from error


class Keeper:
    """The loop of the keeper.

    Args:
        runs_dir: the folder of all runs.
        lock: the lock that says that it is the keeper; it is let go when nothing waits any more.
    """

    def __init__(self, runs_dir: Path, lock: int) -> None:
        self._runs_dir = runs_dir
        self._lock = lock
        self._roll = Roll(runs_dir)
        self._here = socket.gethostname()
        self._driver: Driver | None = None
        self._opened = 0.0

    def run(self) -> None:
        """Starts what is due until nothing can be started any more.

        Raises:
            KflabError: the queue has been unusable for a while.
        """
        usable = time.monotonic()
        while True:
            try:
                start_due(self._runs_dir, self._roll, self._machine, _say)
                if self._is_needless():
                    return
                usable = time.monotonic()
            except KflabError:
                if time.monotonic() - usable > _PATIENCE:
                    raise
            time.sleep(LOOK_SECONDS)

    def _machine(self) -> Machine:
        """The GPUs; their driver stays open, since opening it takes long, unless it has a problem."""
        now = time.monotonic()
        if self._driver is None or (self._driver.problem and now - self._opened > _PATIENCE):
            self._driver, self._opened = Driver(), now
        return Machine(self._driver.gpus(), self._driver.problem)

    def _is_needless(self) -> bool:
        """Lets the lock go where nothing waits.

        It goes while the queue cannot change: whoever puts a run there later finds no keeper and starts one.
        """
        if read_queue(self._runs_dir).startable(self._here):
            return False
        with alone(self._runs_dir):
            if read_queue(self._runs_dir).startable(self._here):
                return False
            os.close(self._lock)
        return True


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")


def main(arguments: Sequence[str]) -> int:
    """Keeps the queue of a folder of runs, with the lock that was inherited."""
    runs_dir, lock = Path(arguments[0]), int(arguments[1])
    os.umask(0o077)
    os.set_inheritable(lock, False)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        Keeper(runs_dir, lock).run()
    except KflabError as error:
        _say(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
