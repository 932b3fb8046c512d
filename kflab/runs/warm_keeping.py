"""Keeps one started trainer at hand, for whoever launches runs: when it is started, and when none is."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from kflab.errors import KflabError
from kflab.runs.events import Batch
from kflab.runs.info import EVENTS
from kflab.runs.status import status
from kflab.runs.tail import Tail
from kflab.runs.warm import WarmTrainer
from kflab.spare_memory import spare_memory

MEMORY_TO_START = 3_000_000_000
"""Bytes of memory that must be left for a trainer to be started that nobody needs as yet: it takes about one
gigabyte, and gives way when less than half of what remains is left."""

LOOK_SECONDS = 1.0
PATIENCE = 30.0
"""Seconds in which an idle moment is waited for. On a machine that never is idle, the low priority that it is
loaded with has to do."""

_IDLE_PROCESSORS = 0.5


class WarmKeeper:
    """Has a trainer wait for the next run; whenever one has taken a run, another follows.

    Args:
        backend: the Keras backend that runs mostly have.
        is_wanted: whether a trainer shall be kept; asked anew for each.
        on_change: called when a trainer becomes ready or is none any more, in whatever thread.
        memory: the bytes of memory that are left.
    """

    def __init__(
        self,
        backend: str,
        *,
        is_wanted: Callable[[], bool] = lambda: True,
        on_change: Callable[[], None] = lambda: None,
        memory: Callable[[], int] = spare_memory,
    ) -> None:
        self._backend, self._is_wanted = backend, is_wanted
        self._on_change, self._memory = on_change, memory
        self._trainer: WarmTrainer | None = None
        self._launched: _Launched | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="warm keeper", daemon=True)

    def start(self) -> None:
        """Starts to keep one."""
        self._thread.start()

    @property
    def is_ready(self) -> bool:
        """Whether a trainer waits with Keras loaded."""
        trainer = self._trainer
        return trainer is not None and trainer.is_ready

    def hand_over(
        self, run_dir: Path, environment: Mapping[str, str], *, console: int, lock: int
    ) -> subprocess.Popen[bytes] | None:
        """Gives a run to the trainer that waits; as `WarmTrainer.hand_over`, None where there is none."""
        self._launched = _Launched(run_dir)
        trainer = self._trainer
        if trainer is None:
            return None
        return trainer.hand_over(run_dir, environment, console=console, lock=lock)

    def close(self) -> None:
        """Ends the trainer, unless it has a run."""
        self._closing.set()
        if self._trainer is not None:
            self._trainer.close()
        if self._thread.is_alive():
            self._thread.join()

    def _keep(self) -> None:
        while self._wait_for_a_good_moment():
            try:
                self._trainer = trainer = WarmTrainer(self._backend, self._on_change)
            except OSError:
                return  # There are no processes left, or no files: a run says so when it is started.
            if self._closing.is_set():
                trainer.close()
            trainer.wait_until_over()
            if trainer.has_failed:
                return  # The next one would, too. A run that is started tells why.

    def _wait_for_a_good_moment(self) -> bool:
        """Waits until a trainer can be started; False where none will be."""
        patience = time.monotonic() + PATIENCE
        psutil.cpu_percent()
        while not self._closing.wait(LOOK_SECONDS):
            if not self._is_wanted():
                return False
            # A run that is on its way to its first step needs processors and memory more.
            if self._memory() < MEMORY_TO_START or not self._has_begun():
                patience = time.monotonic() + PATIENCE
            elif _is_idle() or time.monotonic() > patience:
                return True
        return False

    def _has_begun(self) -> bool:
        launched = self._launched
        return launched is None or launched.has_begun()


class _Launched:
    """A run that was launched; it may have been trained before."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir, self._begun = run_dir, False
        self._tail = Tail(run_dir / EVENTS, from_end=True)

    def has_begun(self) -> bool:
        """Whether it trains, or is over."""
        try:
            self._begun = (
                self._begun
                or any(isinstance(event, Batch) for event in self._tail.read())
                or status(self._run_dir).is_over
            )
        except (KflabError, OSError):
            self._begun = True  # Its folder is gone.
        return self._begun


def _is_idle() -> bool:
    """Whether processors had nothing to do since this was asked last."""
    idle = 1 - float(psutil.cpu_percent()) / 100
    return idle * (os.cpu_count() or 1) >= _IDLE_PROCESSORS
