"""Asks a terminal what graphics it has; whoever does not answer gets half blocks."""

from __future__ import annotations

import contextlib
import os
import re
import select
import struct
import sys
import time
from collections.abc import Iterator, Mapping

from kflab.pictures.graphics import CellSize, Graphics

_ANSWER_WITHIN = 0.3
"""Seconds that an answer may take; over a slow line, images are drawn as blocks."""

_KITTY = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_ATTRIBUTES = "\x1b[c"
_SIXEL = 4

_SILENT = ("linux", "dumb", "screen", "tmux", "vt", "cons", "ansi")
"""How TERM begins of terminals that are not asked: they have no graphics, or would show the question."""


def may_ask(environment: Mapping[str, str]) -> bool:
    """Whether a question about graphics can be asked of the terminal at all.

    What is inside tmux or screen talks to them and not to the terminal, and they would pass garbage on.
    """
    term = environment.get("TERM", "")
    inside = any(environment.get(name) for name in ("TMUX", "STY", "ZELLIJ"))
    return bool(term) and not inside and not term.startswith(_SILENT)


def graphics_of_terminal(environment: Mapping[str, str]) -> Graphics:
    """What graphics the terminal at stdin and stdout has, by its own answer."""
    if not may_ask(environment) or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return Graphics.BLOCKS
    return told(_answer(_KITTY + _ATTRIBUTES))


def told(answer: str) -> Graphics:
    """What graphics a terminal has that gave this answer."""
    if re.search(r"\x1b_Gi=31;OK\x1b\\", answer):
        return Graphics.KITTY
    attributes = re.search(r"\x1b\[\?([\d;]+)c", answer)
    if attributes and _SIXEL in [int(part) for part in attributes[1].split(";") if part]:
        return Graphics.SIXEL
    return Graphics.BLOCKS


def _answer(question: str) -> str:
    """What a terminal answers, up to its attributes, which every one tells at last; "" where nothing came."""
    try:
        with _unbuffered(sys.stdin.fileno()) as source:
            os.write(sys.stdout.fileno(), question.encode())
            found, until = b"", time.monotonic() + _ANSWER_WITHIN
            while not re.search(rb"\x1b\[\?[\d;]*c", found):
                ready, _, _ = select.select([source], [], [], max(0.0, until - time.monotonic()))
                if not ready:
                    break
                found += os.read(source, 1024)
            return found.decode("latin-1")
    except (OSError, ValueError, ImportError):
        return ""


@contextlib.contextmanager
def _unbuffered(source: int) -> Iterator[int]:
    """The terminal without echo and without lines, while it lasts."""
    import termios
    import tty

    before = termios.tcgetattr(source)
    try:
        tty.setcbreak(source, termios.TCSAFLUSH)
        yield source
    finally:
        termios.tcsetattr(source, termios.TCSAFLUSH, before)


def cell_size() -> CellSize:
    """The pixels of a cell of the terminal at stdout, by what the system knows of it."""
    try:
        import fcntl
        import termios

        told = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
    except (OSError, ValueError, ImportError):
        return CellSize()
    rows, columns, width, height = struct.unpack("HHHH", told)
    if not (rows and columns and width and height):
        return CellSize()
    return CellSize(max(1, width // columns), max(1, height // rows))
