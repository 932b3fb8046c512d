"""Why a trainer ended without a word, as far as what it left behind can tell."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from kflab.runs.disk import room
from kflab.runs.events import Costed, Fault
from kflab.runs.fault_words import fault_in
from kflab.runs.info import CONSOLE, RunInfo
from kflab.runs.memory_kills import MEMORY_RAN_OUT, memory_kills
from kflab.runs.requests import stop_asked

OUT_OF_MEMORY = "out of memory"
"""How a cause begins where memory ran out."""

_CONSOLE_END = 1 << 16
_BLOCK = 4096
_BROKE = re.compile(r"^Fatal Python error: (?P<what>.+)$", re.MULTILINE)
# What a library prints before it ends the process; the first of it says most.
_LAST_WORDS = re.compile(
    r"^.*(?:Check failed: |terminate called after |CUDA_ERROR_|bad_alloc).*$", re.MULTILINE
)
_LOG_PREFIX = re.compile(r"^[FEW]\d{4} .*?\] |^\d{4}-\d\d-\d\d .*?: F .*?\] ")
_NATIVE = frozenset({"SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL", "SIGFPE"})
_LONGEST = 200
_LAYERS = 3


class Crash(msgspec.Struct, frozen=True):
    """Why a trainer ended without a word.

    Attributes:
        fault: the kind of thing that went wrong.
        cause: the cause in one line.
    """

    fault: Fault
    cause: str


def starts(pid: int) -> str:
    """The line of the console that a trainer begins with; what follows is its own."""
    return f"trainer {pid} starts"


def crash_of(run_dir: Path, info: RunInfo, costed: Costed | None = None) -> Crash:
    """Why the trainer of a run ended without a word.

    Args:
        run_dir: the run folder.
        info: its `run.json`.
        costed: the memory that training was expected to take.
    """
    process = info.process
    if process is None:
        return Crash(Fault.NONE, "its record is damaged: it has events, but no trainer")
    if not process.is_here:
        return Crash(Fault.SILENT, f"nothing was heard of its trainer on {process.host} for some minutes")
    if process.is_from_before:
        return Crash(Fault.RESTARTED, "the machine was restarted while it trained")
    said = _last_words(run_dir, process.pid)
    if said is not None:
        fault = fault_in(said)
        if fault is Fault.MEMORY:
            return Crash(fault, f"{OUT_OF_MEMORY}: {said}{_largest(costed)}")
        if fault is Fault.DEVICE:
            return Crash(fault, f"the GPU was lost: {said}")
        return Crash(Fault.NATIVE, f"a library broke the trainer: {said}")
    return _told_by_signal(run_dir, info, costed)


def _told_by_signal(run_dir: Path, info: RunInfo, costed: Costed | None) -> Crash:
    if info.memory_kills == MEMORY_RAN_OUT:
        return Crash(
            Fault.MEMORY, f"{OUT_OF_MEMORY}: the system ended the trainer (SIGKILL){_largest(costed)}"
        )
    if info.ended in _NATIVE:
        return Crash(Fault.NATIVE, f"a library broke the trainer ({info.ended})")
    if info.ended == "SIGKILL":
        return Crash(Fault.KILLED, "the trainer was killed (SIGKILL)")
    if info.ended.startswith("SIG"):
        return Crash(Fault.KILLED, f"the trainer was ended at once by {info.ended}")
    if info.ended:
        return Crash(Fault.KILLED, f"the trainer was ended at once by {info.ended}")
    if (kept := _kept_from_writing(run_dir)) is not None:
        return kept
    if info.memory_kills is not None and memory_kills() > info.memory_kills:
        return Crash(
            Fault.MEMORY,
            f"{OUT_OF_MEMORY}, most likely: the trainer ended without a word, and the system has ended "
            f"processes for lack of memory since{_largest(costed)}",
        )
    if stop_asked(run_dir):
        return Crash(Fault.KILLED, "the trainer was ended at once after it was asked to stop")
    return Crash(
        Fault.KILLED, "the trainer ended without a word, as when it is killed (SIGKILL) or memory runs out"
    )


def _kept_from_writing(run_dir: Path) -> Crash | None:
    """What keeps anybody from writing to the folder, and so kept the trainer from saying how it ended."""
    if not os.access(run_dir, os.W_OK):
        return Crash(
            Fault.FOLDER, "the run folder can only be read, so the trainer could not say how it ended"
        )
    try:
        is_full = room(run_dir).free < _BLOCK
    except OSError:
        return None
    if is_full:
        return Crash(Fault.DISK, "the disk is full, so the trainer could not say how it ended")
    return None


def _last_words(run_dir: Path, pid: int) -> str | None:
    """What a library said when it broke the process; None where none did."""
    try:
        with (run_dir / CONSOLE).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(size - _CONSOLE_END, 0))
            text = file.read(_CONSOLE_END).decode("utf-8", errors="replace")
    except OSError:
        return None
    text = text.rpartition(starts(pid))[2]
    broke = _BROKE.search(text)
    if broke is None:
        return None
    words = [_LOG_PREFIX.sub("", found[0].strip()) for found in _LAST_WORDS.finditer(text)]
    line = " ".join((words[0] if words else broke["what"]).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _largest(costed: Costed | None) -> str:
    """The layers that keep the most, for the end of a line."""
    if costed is None or not costed.largest:
        return ""
    layers = ", ".join(f"{layer.node} {layer.bytes / 1e6:,.0f} MB" for layer in costed.largest[:_LAYERS])
    return f"; of each batch its largest layers keep {layers}"
