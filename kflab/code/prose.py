"""What people wrote about an experiment, in a form that can never become code."""

from __future__ import annotations

import textwrap
import unicodedata

from kflab.code.layout import WIDTH

_ENDS = (".", "!", "?", ":", "…")


def cleaned(text: str) -> str:
    """Text without characters that are not seen; of those, only ends of lines and spaces are left."""
    unseen = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return "".join(
        character if character in "\n " or unicodedata.category(character) not in unseen else " "
        for character in text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    )


def paragraphs(text: str, width: int = WIDTH) -> list[str]:
    """The lines of a text; each paragraph is filled anew, lists and what is indented stay as they are."""
    lines: list[str] = []
    for part in cleaned(text).split("\n\n"):
        rows = [row.rstrip() for row in part.strip("\n").splitlines()]
        if any(row.startswith((" ", "-", "*", "#", "|", ">")) or not row for row in rows):
            wrapped = [piece for row in rows for piece in _wrapped(row, width)]
        else:
            wrapped = _wrapped(" ".join(" ".join(rows).split()), width)
        if wrapped:
            lines += ["", *wrapped] if lines else wrapped
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False, drop_whitespace=True)


def docstring(title: str, notes: str) -> list[str]:
    """A docstring of a title and notes; no lines where there is neither."""
    heading = " ".join(cleaned(title).split())
    if heading and not heading.endswith(_ENDS):
        heading += "."
    text = "\n\n".join(part for part in (heading, notes.strip()) if part)
    lines = [_escaped(line) for line in paragraphs(text, WIDTH - 3)]
    if not lines:
        return []
    if lines[0].startswith('"'):
        lines[0] = f"\\{lines[0]}"
    if len(lines) == 1 and len(lines[0]) <= WIDTH - 6:
        return [f'"""{lines[0]}"""']
    return [f'"""{lines[0]}', *lines[1:], '"""']


def comment(text: str) -> str:
    """A comment on one line."""
    return f"# {' '.join(cleaned(text).split())}"


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
