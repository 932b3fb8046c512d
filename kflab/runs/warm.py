"""A trainer that is started ahead: it has Keras loaded and waits for the run that it trains."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from kflab.runs.hand_over import (
    LONGEST,
    HandOver,
    Loaded,
    Taken,
    Told,
    changes,
    late_variables,
    send,
    versions,
)

WAITER: tuple[str, ...] = (sys.executable, "-P", "-m", "kflab.train", "--wait")
"""The command that starts a trainer which waits. `-P`: no import from the folder it starts in."""

PATIENCE = 2.0
"""Seconds in which a trainer that has Keras loaded answers when it is given a run."""

PATIENCE_WHILE_LOADING = 10.0
"""The same for one that still loads Keras. A cold start would have to do that work, too."""

_SECONDS_TO_END = 1.0

_told: msgspec.json.Decoder[Told] = msgspec.json.Decoder(Told)


class WarmTrainer:
    """A process that waits for one run, trains it and ends; without a run it ends when this process does.

    Args:
        backend: the Keras backend that it loads.
        on_change: called, in a thread of its own, when it has Keras loaded and when it ends or is taken.

    Attributes:
        backend: the Keras backend that it loads.
        loaded: what it has loaded, once it has.
        has_failed: it has ended, and not because memory was short: it could not load Keras.

    Raises:
        OSError: it can not be started.
    """

    def __init__(self, backend: str, on_change: Callable[[], None] = lambda: None) -> None:
        self.backend = backend
        self.loaded: dict[str, str] | None = None
        self.has_failed = False
        self._on_change = on_change
        self._environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONUNBUFFERED": "1"}
        self._late = late_variables(backend)
        self._decision = threading.Lock()
        self._is_claimed = self._is_taken = self._is_given_up = False
        self._answered, self._over = threading.Event(), threading.Event()
        mine, its = socket.socketpair()
        self._line = mine
        try:
            # What it prints now belongs to the run that it will be given.
            with its, tempfile.TemporaryFile() as printed:
                self.process = subprocess.Popen(
                    WAITER,
                    stdin=its.fileno(),
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    env=self._environment,
                    start_new_session=True,
                )
        except OSError:
            mine.close()
            raise
        self._listener = threading.Thread(target=self._listen, name="warm trainer", daemon=True)
        self._listener.start()

    @property
    def is_waiting(self) -> bool:
        """Whether it is there and nobody has given it a run."""
        return not self._is_claimed and not self._over.is_set()

    @property
    def is_ready(self) -> bool:
        """Whether it waits, with Keras loaded."""
        return self.loaded is not None and self.is_waiting

    def wait_until_over(self, seconds: float | None = None) -> bool:
        """Waits until it has a run, or has ended; whether that was so in time."""
        return self._over.wait(seconds)

    def hand_over(
        self, run_dir: Path, environment: Mapping[str, str], *, console: int, lock: int
    ) -> subprocess.Popen[bytes] | None:
        """Gives it a run.

        Args:
            run_dir: the run folder.
            environment: all variables that the trainer of this run shall have.
            console: the open file that gets all that it prints.
            lock: the open file that is the lock of the folder.

        Returns:
            The process, which trains the run now; None where another trainer has to be started, because this
            one is not what the run needs, has a run already, or does not answer. The last ends it.
        """
        variables = changes(self._environment, environment)
        with self._decision:
            if not self.is_waiting or not self._late.issuperset(variables):
                return None
            self._is_claimed = True
        if self.loaded is not None and self.loaded != versions(self.backend):
            self.close()
            return None
        patience = PATIENCE if self.loaded is not None else PATIENCE_WHILE_LOADING
        with contextlib.suppress(OSError):  # It has ended, and that is the answer.
            send(self._line, HandOver(str(run_dir), variables), (console, lock))
        self._answered.wait(patience)
        # One that answers later must not be at the run beside the trainer that is started in its place.
        self.close()
        return self.process if self._is_taken else None

    def close(self) -> None:
        """Ends it, unless it has taken a run."""
        with self._decision:
            self._is_claimed = True
            self._is_given_up = not self._is_taken
        if self._is_given_up:
            self.process.kill()
        self._listener.join()

    def _listen(self) -> None:
        """Takes up what it says, until it has a run or is gone."""
        with (
            self._line,
            self._line.makefile("rb") as lines,
            contextlib.suppress(OSError, msgspec.DecodeError),
        ):
            while not self._is_taken and (line := lines.readline(LONGEST)):
                self._take_up(_told.decode(line))
        if not self._is_taken:
            self._end()
        self._over.set()
        self._answered.set()
        self._on_change()

    def _end(self) -> None:
        try:
            code = self.process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.has_failed = code != 0 and not self._is_claimed

    def _take_up(self, told: Told) -> None:
        match told:
            case Loaded():
                self.loaded = told.versions
                self._on_change()
            case Taken():
                with self._decision:
                    self._is_taken = not self._is_given_up
