"""Which process a run belongs to, and whether that very process is still alive."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec
import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TOLERANCE = (
    1.5  # seconds: the kernel tells its boot time in whole seconds, so two readings may differ by one
)


class ProcessInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A process that can be told from another one that got the same number later.

    Attributes:
        pid: its number.
        start: when it started: seconds since the machine's start where `boot` is known, because these stay
            the same when the clock is set; else seconds since the epoch.
        boot: the id of the machine's start, "" where the system has none.
        host: the name of the machine.
    """

    pid: int
    start: float
    boot: str
    host: str

    @property
    def is_here(self) -> bool:
        """Whether it runs or ran on this machine."""
        return self.host == socket.gethostname()

    @property
    def is_from_before(self) -> bool:
        """Whether it ran on this machine before the machine was started anew."""
        return self.is_here and self.boot != _boot_id()

    def is_alive(self) -> bool:
        """Whether it runs on this machine now. One that has ended but was not yet waited for does not."""
        if not self.is_here or self.boot != _boot_id():
            return False
        try:
            process = psutil.Process(self.pid)
            return (
                process.status() != psutil.STATUS_ZOMBIE
                and abs(_start_of(process, self.boot) - self.start) <= _TOLERANCE
            )
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            # Another user's process on a system that hides its start: its number is all there is.
            return True


def identify(pid: int | None = None) -> ProcessInfo:
    """This process, or the living process of that number on this machine.

    Raises:
        ProcessLookupError: there is no such process.
    """
    boot = _boot_id()
    try:
        process = psutil.Process(pid)
        start = _start_of(process, boot)
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(f"no process has the number {pid}") from error
    return ProcessInfo(
        pid=os.getpid() if pid is None else pid, start=start, boot=boot, host=socket.gethostname()
    )


def _start_of(process: psutil.Process, boot: str) -> float:
    created = float(process.create_time())
    return created - float(psutil.boot_time()) if boot else created


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
