"""A trainer that is started ahead: loads Keras at low priority and waits for the run that it trains.

Nothing of a GPU is taken, and no device is looked at, before there is a run.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import sys
import threading
import traceback
from pathlib import Path

import msgspec

from kflab.errors import KflabError
from kflab.runs.hand_over import LONGEST, HandOver, Loaded, Taken, apply, send, versions
from kflab.runs.lock import LOCK_HANDLE
from kflab.spare_memory import spare_memory

LEAST_MEMORY = 1_500_000_000
"""Bytes of memory that must be left while a trainer waits; with less it gives way to others."""

NICENESS = 10
"""How far a trainer that loads Keras stands behind all that a person waits for."""

_LOOK_SECONDS = 5.0
_AUTOGROUP = Path("/proc/self/autogroup")


def wait() -> Path | None:
    """Loads Keras and waits for a run; then this process is what `launch` would have started for it.

    Standard input is a socket, whose other end has whoever started this process.

    Returns:
        The run folder; None where nobody is left who could give one, or memory is short.

    Raises:
        KflabError: Keras can not be loaded, and no run was given.
    """
    lab = socket.socket(fileno=os.dup(0))
    _stand_back()
    # NumPy's threads, which are made now, shall not stand back: without privileges that lasts.
    import numpy  # noqa: F401

    loader = _Loader(lab)
    loader.start()
    given = _given(lab, loader)
    if given is None:
        return None
    hand_over, console, lock = given
    _become(hand_over, console, lock)
    with contextlib.suppress(OSError):  # Whoever gave the run has left: it is trained all the same.
        send(lab, Taken())
    lab.close()
    # What is half loaded cannot be used, and another thread must not load it at once.
    loader.join()
    _step_forward()
    _choose_devices(hand_over)
    return Path(hand_over.run_dir)


class _Loader(threading.Thread):
    """Loads what a training needs. A thread can stand back and the others of its process need not."""

    def __init__(self, lab: socket.socket) -> None:
        super().__init__(name="loader", daemon=True)
        self._lab = lab
        self.has_failed = False

    def run(self) -> None:
        """Loads it and says so."""
        _lower_priority()
        installed = versions(os.environ["KERAS_BACKEND"])
        try:
            _load()
        except Exception:  # noqa: BLE001 - a backend may fail in any way as it is loaded
            traceback.print_exc()
            self.has_failed = True
            with contextlib.suppress(OSError):  # Whoever waits for a run need wait no longer.
                self._lab.shutdown(socket.SHUT_RD)
            return
        with contextlib.suppress(OSError):
            send(self._lab, Loaded(installed))


def _load() -> None:
    import sklearn.datasets  # noqa: F401 - the bundled data

    import kflab.train.run  # noqa: F401


def _given(lab: socket.socket, loader: _Loader) -> tuple[HandOver, int, int] | None:
    """Waits for a run, with its console and its lock."""
    said, files = b"", list[int]()
    while not said.endswith(b"\n"):
        if spare_memory() < LEAST_MEMORY:
            return None
        if select.select([lab], [], [], _LOOK_SECONDS)[0]:
            part, got, _, _ = socket.recv_fds(lab, LONGEST, 2)
            if loader.has_failed and not part:
                raise KflabError("Keras can not be loaded; a trainer that is started for a run tells why")
            if not part:
                return None
            said, files = said + part, files + got
    console, lock = files
    return msgspec.json.decode(said, type=HandOver), console, lock


def _become(hand_over: HandOver, console: int, lock: int) -> None:
    """Makes this process the one that a cold start would have made for the run."""
    printed = os.dup(2)
    with os.fdopen(printed, "rb") as before, os.fdopen(os.dup(console), "ab") as log:
        before.seek(0)
        shutil.copyfileobj(before, log)
    os.dup2(console, 1)
    os.dup2(console, 2)
    os.close(console)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.chdir(hand_over.run_dir)
    apply(hand_over.variables)
    os.environ[LOCK_HANDLE] = str(lock)


def _choose_devices(hand_over: HandOver) -> None:
    """Tells the backend of a choice that it has read from the environment already."""
    if "JAX_PLATFORMS" in hand_over.variables and "jax" in sys.modules:
        import jax  # type: ignore[import-not-found, unused-ignore]

        platforms = hand_over.variables["JAX_PLATFORMS"] or None
        jax.config.update("jax_platforms", platforms)  # type: ignore[no-untyped-call, unused-ignore]


def _stand_back() -> None:
    """Has this session wait for others where the system shares processors out between sessions."""
    _set_session_niceness(NICENESS)


def _step_forward() -> None:
    """Gives session and threads the priority of this thread, as far as the system lets them have it."""
    _set_session_niceness(0)
    if sys.platform == "linux":
        usual = os.getpriority(os.PRIO_PROCESS, 0)
        for thread in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, int(thread.name), usual)


def _lower_priority() -> None:
    """Has this thread wait for others; elsewhere than on Linux that would hold for all of the process."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)


def _set_session_niceness(niceness: int) -> None:
    with contextlib.suppress(OSError):
        _AUTOGROUP.write_text(f"{niceness}\n", encoding="ascii")
