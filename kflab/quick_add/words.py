"""A line split into segments at `|`, and segments into words; quotation marks and brackets hold together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_OPENING = "([{"
_CLOSING = ")]}"
_CALLED = re.compile(r"([A-Za-z_][\w.]*)\(")
_QUOTES = "\"'"
_BEFORE_QUOTE = frozenset("=,:([{ \t")


class Word(NamedTuple):
    """A word and its columns in the line."""

    text: str
    start: int
    end: int

    def after(self, mark: str) -> Word:
        """What stands behind the first `mark`, without blanks."""
        _, _, rest = self.text.partition(mark)
        kept = rest.strip()
        start = self.end - len(rest.lstrip())
        return Word(kept, start, start + len(kept))


def segments(line: str) -> list[Word]:
    """The parts of a line between its `|`, blanks at their ends included."""
    return list(_split(line, 0, "|"))


def pieces(word: Word) -> list[Word]:
    """The parts of a word between its commas, without blanks at their ends; empty ones are left out."""
    found = []
    for part in _split(word.text, word.start, ","):
        text = part.text.strip()
        start = part.start + len(part.text) - len(part.text.lstrip())
        if text:
            found.append(Word(text, start, start + len(text)))
    return found


def words(segment: Word) -> list[Word]:
    """The words of a segment. Blanks around `=`, at a comma and behind a `+` separate nothing."""
    text = segment.text
    found: list[Word] = []
    start = -1
    for index, character in _outside(text):
        if not character.isspace():
            start = index if start < 0 else start
        elif start >= 0 and not _goes_on(text, start, index):
            found.append(Word(text[start:index], segment.start + start, segment.start + index))
            start = -1
    if start >= 0:
        last = text[start:].rstrip()
        found.append(Word(last, segment.start + start, segment.start + start + len(last)))
    return found


def call(word: Word) -> tuple[Word, list[Word]] | None:
    """The name and the arguments of a word written as a call, `Conv2D(32, 3)`; what follows it comes last."""
    found = _CALLED.match(word.text)
    if found is None or unclosed(word):
        return None
    opening = found.end() - 1
    places = (index for index, character in _outside(word.text) if index > opening and character == ")")
    closing = next(places)
    inside = Word(word.text[opening + 1 : closing], word.start + opening + 1, word.start + closing)
    rest = Word(word.text[closing + 1 :], word.start + closing + 1, word.end)
    arguments = pieces(inside) + ([rest] if rest.text else [])
    return Word(found[1], word.start, word.start + opening), arguments


def unclosed(word: Word) -> str:
    """What is missing at the end of a word in which something was opened and not closed, or ""."""
    missing: list[str] = []
    text = word.text
    index = 0
    while index < len(text):
        if _begins_quote(text, index):
            end = _end_of_quote(text, index)
            if end - index < 2 or text[end - 1] != text[index]:
                return f"a quotation mark is missing behind {text}"
            index = end
            continue
        if text[index] in _OPENING:
            missing.append(_CLOSING[_OPENING.index(text[index])])
        elif missing and text[index] == missing[-1]:
            missing.pop()
        index += 1
    return f"{missing[-1]!r} is missing behind {text}" if missing else ""


def unquoted(word: Word) -> Word:
    """A word without quotation marks around it."""
    text = word.text
    if len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        return Word(text[1:-1], word.start, word.end)
    return word


def _goes_on(text: str, start: int, blank: int) -> bool:
    """Whether the word goes on behind a blank; something has to come."""
    before = text[start:blank].rstrip()
    rest = text[blank:].lstrip()
    return bool(rest) and (before[-1] in "=," or rest[0] in "=," or before == "+")


def _split(text: str, offset: int, mark: str) -> Iterator[Word]:
    start = 0
    for index, character in _outside(text):
        if character == mark:
            yield Word(text[start:index], offset + start, offset + index)
            start = index + 1
    yield Word(text[start:], offset + start, offset + len(text))


def _outside(text: str) -> Iterator[tuple[int, str]]:
    """The characters outside quotation marks and brackets; of what is inside, only the first and last."""
    depth = 0
    index = 0
    while index < len(text):
        character = text[index]
        if _begins_quote(text, index):
            if not depth:
                yield index, character
            index = _end_of_quote(text, index)
            continue
        if character in _CLOSING:
            depth = max(depth - 1, 0)
        if not depth:
            yield index, character
        if character in _OPENING:
            depth += 1
        index += 1


def _begins_quote(text: str, index: int) -> bool:
    return text[index] in _QUOTES and (index == 0 or text[index - 1] in _BEFORE_QUOTE)


def _end_of_quote(text: str, start: int) -> int:
    """The place behind the quotation mark that ends what begins at `start`; the end where none does."""
    mark = text[start]
    index = start + 1
    while index < len(text):
        if mark == '"' and text[index] == "\\":
            index += 2
            continue
        if text[index] == mark:
            if mark == "'" and text[index + 1 : index + 2] == "'":
                index += 2
                continue
            return index + 1
        index += 1
    return len(text)
