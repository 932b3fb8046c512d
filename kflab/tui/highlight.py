"""Python code in the few shades that it is drawn in: keywords, values, comments."""

from __future__ import annotations

import enum
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pygments.lexer import Lexer

_QUOTES = '"""'


class Shade(enum.StrEnum):
    """How a piece of code is drawn."""

    PLAIN = "plain"
    KEYWORD = "keyword"
    VALUE = "value"
    COMMENT = "comment"


Shaded: TypeAlias = tuple[tuple[str, Shade], ...]
"""A line in pieces."""


def shade(lines: Sequence[str]) -> list[Shaded]:
    """Lines of code in shades; docstrings are drawn as comments."""
    shaded: list[Shaded] = []
    inside = False
    for line in lines:
        marks = line.count(_QUOTES)
        if inside or line.lstrip().startswith(_QUOTES):
            shaded.append(((line, Shade.COMMENT),))
        else:
            shaded.append(_shaded(line))
        inside ^= marks % 2 == 1
    return shaded


@functools.cache
def _lexer() -> Lexer:
    # Only a pane that shows code needs it, so the first frame of the lab does not wait for it.
    from pygments.lexers.python import PythonLexer

    return PythonLexer(stripnl=False, ensurenl=False)


@functools.lru_cache(maxsize=8192)
def _shaded(line: str) -> Shaded:
    from pygments.token import Comment, Keyword, Literal, Operator

    pieces: list[tuple[str, Shade]] = []
    for kind, text in _lexer().get_tokens(line):
        if kind in Keyword or kind in Operator.Word:
            shade = Shade.KEYWORD
        elif kind in Literal:
            shade = Shade.VALUE
        elif kind in Comment:
            shade = Shade.COMMENT
        else:
            shade = Shade.PLAIN
        if pieces and pieces[-1][1] is shade:
            pieces[-1] = (pieces[-1][0] + text, shade)
        else:
            pieces.append((text, shade))
    return tuple(pieces)
