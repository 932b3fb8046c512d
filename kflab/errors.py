"""The errors that a person reads: what was expected, what came, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class KflabError(Exception):
    """An error meant for the person at the terminal; shown as its text, never as a traceback.

    `exit_code` is what a command ends with: 1 for a run or a check that failed, 2 for unusable input.
    """

    exit_code = 1


_LONGEST = 400  # a person's input is quoted in errors, and may be a megabyte of anything


class UnusableInputError(KflabError):
    """A file, name or option that cannot be used.

    Args:
        message: what is wrong and what was expected, in one sentence.
        file: the file that it came from, where there is one.
        line: the line in the file, counted from 1.
        path: the place in the document, such as `model.nodes.left.filters`.
        code: the rule that says so, such as `KF031`, where there is one.
    """

    exit_code = 2

    def __init__(
        self, message: str, *, file: str = "", line: int = 0, path: str = "", code: str = ""
    ) -> None:
        if len(message) > _LONGEST:
            message = f"{message[: _LONGEST - 1]}…"
        super().__init__(message)
        self.message, self.file, self.line, self.path, self.code = message, file, line, path, code

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return ": ".join(part for part in (place, self.path, self.message) if part)


def nearest(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """The names most like `name`, the nearest first; letter case does not count."""
    by_lower = {candidate.lower(): candidate for candidate in names}
    close = difflib.get_close_matches(name.lower(), by_lower, n=most, cutoff=0.55)
    return [by_lower[key] for key in close]


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The end of an error about an unknown name: `; did you mean A, B?`, or nothing."""
    close = nearest(name, names)
    return f"; did you mean {' or '.join(close)}?" if close else ""
