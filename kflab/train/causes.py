"""Why a run failed, in one line that a person understands; the traceback is for the console log."""

from __future__ import annotations

import re

from kflab.errors import KflabError

_LONGEST = 300
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_CALLED = re.compile(r"Exception encountered when calling (?P<what>.+?)\.?\s*$")
_OUT_OF_MEMORY = re.compile(r"RESOURCE_EXHAUSTED|out of memory|\bOOM\b", re.IGNORECASE)
# What Keras and TensorFlow wrap around the line that says what happened.
_WRAPPING = re.compile(
    r"^(Graph execution error|Detected at node|Arguments received by|Call arguments received"
    r"|Stack trace for op|\s*File \"|\s*•|\s*\[\[|\t)"
)
_AFTERWORD = re.compile(r"\s*(\[Op:\w+\].*|\[\[\{\{node .*)$")


def cause_of(error: BaseException) -> str:
    """What happened, in one line of at most 300 characters."""
    if isinstance(error, KflabError):
        return _shorten(str(error))
    text = _ESCAPES.sub("", str(error))
    line = _telling_line(text)
    if isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(text):
        detail = f" ({line})" if line else ""
        return _shorten(f"out of memory: use a smaller batch size or a smaller model{detail}")
    if isinstance(error, ModuleNotFoundError):
        return _shorten(f"the Python package {error.name!r} is needed and not installed")
    if not line:
        return type(error).__name__
    # A key or a file name says nothing without the kind of the error.
    if isinstance(error, LookupError | OSError | AttributeError | ArithmeticError):
        line = f"{type(error).__name__}: {line}"
    return _shorten(line)


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
