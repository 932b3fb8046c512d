"""Trainers that start in no time, for benchmarks: forks of a process that has Keras imported."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from kflab.runs.info import CONSOLE, LOCK


class Forked:
    """Starts trainers in no time: as forks of a process that has Keras imported and has done nothing with it.

    Args:
        backend: the Keras backend.
    """

    def __init__(self, backend: str) -> None:
        self._origin = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "KERAS_BACKEND": backend},
            text=True,
        )

    def start(self, run_dir: Path, *_given: object) -> _Fork:
        """Starts a trainer, in place of what `launch` does."""
        assert self._origin.stdin is not None
        assert self._origin.stdout is not None
        self._origin.stdin.write(f"{run_dir}\n")
        self._origin.stdin.flush()
        return _Fork(int(self._origin.stdout.readline()))

    def close(self) -> None:
        """Ends the process that forks."""
        self._origin.kill()
        self._origin.wait()


class _Fork:
    """A trainer that is no child of this process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def wait(self) -> int:
        """Waits until it is gone; how it ended is not told."""
        while psutil.pid_exists(self.pid):
            time.sleep(0.05)
        return 0


def fork_trainers() -> None:
    """Forks a trainer for each run folder that is read from standard input, and prints its number."""
    import kflab.train.run  # noqa: F401 - what takes the time
    from kflab.train.supervise import supervise

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        run_dir = Path(line.strip())
        pid = os.fork()
        if pid:
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
            continue
        os.setsid()
        os.umask(0o077)
        console = os.open(run_dir / CONSOLE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(console, 1)
        os.dup2(console, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        # The one that starts it holds the folder until it has written down its number.
        with (run_dir / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
        os._exit(supervise(run_dir))


if __name__ == "__main__":
    fork_trainers()
