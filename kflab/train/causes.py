"""Why a run failed, in one line that a person understands; the traceback is for the console log."""

from __future__ import annotations

import errno
import re
from pathlib import Path

from kflab.errors import KflabError, UnusableInputError
from kflab.runs.crash import OUT_OF_MEMORY
from kflab.runs.disk import FULL, full_disk_cause
from kflab.runs.events import Fault
from kflab.runs.fault_words import fault_in
from kflab.runs.info import EXPERIMENT

_LONGEST = 300
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_READ_ONLY = re.compile(r"Read-only file system", re.IGNORECASE)
_UNWRITABLE = frozenset(
    {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.EIO}
)
_CALLED = re.compile(r"Exception encountered when calling (?P<what>.+?)\.?\s*$")
# What Keras and TensorFlow wrap around the line that says what happened.
_WRAPPING = re.compile(
    r"^(Graph execution error|Detected at node|Arguments received by|Call arguments received"
    r"|Stack trace for op|\s*File \"|\s*•|\s*\[\[|\t)"
)
_AFTERWORD = re.compile(r"\s*(\[Op:\w+\].*|\[\[\{\{node .*)$")


def cause_of(error: BaseException) -> str:
    """What happened, in one line of at most 300 characters."""
    # Memory may run out while the model is built, and a disk be full while data is kept.
    if isinstance(error, KflabError) and _kind_beneath(error) is not Fault.NONE and error.__cause__:
        return cause_of(error.__cause__)
    if isinstance(error, KflabError):
        return _shorten(str(error))
    text = _ESCAPES.sub("", str(error))
    line = _telling_line(text)
    detail = f" ({line})" if line else ""
    match _kind_of(error, text):
        case Fault.MEMORY:
            return _shorten(f"{OUT_OF_MEMORY}: use a smaller batch size or a smaller model{detail}")
        case Fault.DISK:
            said = full_disk_cause(error) if isinstance(error, OSError) else ""
            return _shorten(said or f"the disk is full{detail}")
        case Fault.DEVICE:
            return _shorten(f"the GPU was lost{detail}")
    if isinstance(error, ModuleNotFoundError):
        return _shorten(f"the Python package {error.name!r} is needed and not installed")
    if not line:
        return type(error).__name__
    # A key or a file name says nothing without the kind of the error.
    if isinstance(error, LookupError | OSError | AttributeError | ArithmeticError):
        line = f"{type(error).__name__}: {line}"
    return _shorten(line)


def fault_of(error: BaseException, run_dir: Path) -> Fault:
    """What kind of thing went wrong.

    Args:
        error: what was raised.
        run_dir: the folder of the run.
    """
    if isinstance(error, KflabError):
        if (beneath := _kind_beneath(error)) is not Fault.NONE:
            return beneath
        file = error.file if isinstance(error, UnusableInputError) else ""
        return Fault.DATA if file and file != str(run_dir / EXPERIMENT) else Fault.EXPERIMENT
    kind = _kind_of(error, str(error))
    if kind is Fault.NONE and isinstance(error, OSError):
        inside = str(error.filename or "").startswith(str(run_dir))
        if _READ_ONLY.search(str(error)) or (inside and error.errno in _UNWRITABLE) or not run_dir.is_dir():
            return Fault.FOLDER
    return kind


def _kind_beneath(error: KflabError) -> Fault:
    """What kind of thing went wrong beneath an error that tells it in words of its own."""
    origin = error.__cause__
    return Fault.NONE if origin is None or isinstance(origin, KflabError) else _kind_of(origin, str(origin))


def _kind_of(error: BaseException, text: str) -> Fault:
    if isinstance(error, MemoryError):
        return Fault.MEMORY
    if isinstance(error, OSError) and error.errno in FULL:
        return Fault.DISK
    return fault_in(text)


def _telling_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not _WRAPPING.match(line)]
    if not lines:
        return ""
    if "Graph execution error" in text:
        # The node and the calls that led to it come first, what went wrong last.
        return _AFTERWORD.sub("", lines[-1]).strip()
    called = _CALLED.match(lines[0].strip())
    if called and len(lines) > 1:
        return f"in {called['what']}: {_AFTERWORD.sub('', lines[1]).strip()}"
    return _AFTERWORD.sub("", lines[0]).strip()


def _shorten(line: str) -> str:
    plain = " ".join(line.split())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"
