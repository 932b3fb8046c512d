"""Values as one line of text and back: `0.5`, `[3, 3]`, `relu`, `HeNormal(seed=1)`, `{a: 1}`.

`parse` reads all that `write` writes, and what people type besides: `3,3`, `(3, 3)`, `None`, `True`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from kflab.values import Value

_NONE = frozenset({"none", "null", "~"})
_TRUTH = {"true": True, "false": False}
_INT = re.compile(r"[-+]?\d[\d_]*")
_FLOAT = re.compile(r"[-+]?(\d[\d_]*(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_WORD = re.compile(r"[\w./$%@~*+<>|-]+(?: +[\w./$%@~*+<>|-]+)*")
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_TOKEN = re.compile(
    rf"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')|(?P<mark>[\[\](){{}},:=])|(?P<word>{_WORD.pattern}))"""
)
_CLOSING = {"[": "]", "(": ")"}
_DEEPEST = 50


def write(value: Value) -> str:
    """A value in one line; a mapping of one name to arguments as a call: `HeNormal(seed=1)`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return value if _reads_as_itself(value) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return _write_mapping(value)
    return f"[{', '.join(write(item) for item in value)}]"


def _write_mapping(mapping: Mapping[str, Value]) -> str:
    if len(mapping) == 1:
        name, arguments = next(iter(mapping.items()))
        if isinstance(arguments, Mapping) and _NAME.fullmatch(name) and all(map(_NAME.fullmatch, arguments)):
            inside = ", ".join(f"{key}={write(value)}" for key, value in arguments.items())
            return f"{name}({inside})"
    return f"{{{', '.join(f'{write(key)}: {write(value)}' for key, value in mapping.items())}}}"


def _reads_as_itself(text: str) -> bool:
    return bool(_WORD.fullmatch(text)) and scalar(text) == text


def scalar(word: str) -> bool | int | float | str | None:
    """What a bare word stands for: nothing, a boolean, a number or itself."""
    lower = word.lower()
    if lower in _NONE:
        return None
    if lower in _TRUTH:
        return _TRUTH[lower]
    if _INT.fullmatch(word):
        try:
            return int(word)
        except ValueError:  # more digits than Python turns into a number
            return word
    if _FLOAT.fullmatch(word):
        number = float(word)
        return number if math.isfinite(number) else word
    return word


def parse(text: str) -> Value:
    """The value that a line of text stands for.

    Raises:
        ValueError: it does not read as one value; the text says where it ends to make sense.
    """
    reader = _Reader(text)
    value = reader.value()
    if reader.sees(","):
        items = [value]
        while reader.takes(","):
            if reader.at_end():
                break
            items.append(reader.value())
        value = items
    if not reader.at_end():
        raise ValueError(f"{reader.rest()!r} was not expected")
    return value


class _Reader:
    """Reads values from the left to the right of a line."""

    def __init__(self, text: str) -> None:
        self._text, self._position, self._depth = text, 0, 0

    def at_end(self) -> bool:
        return not self.rest()

    def rest(self) -> str:
        return self._text[self._position :].strip()

    def sees(self, mark: str) -> bool:
        return self.rest().startswith(mark)

    def takes(self, mark: str) -> bool:
        if not self.sees(mark):
            return False
        self._position = self._text.index(mark, self._position) + len(mark)
        return True

    def value(self) -> Value:
        if self._depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        self._depth += 1
        try:
            return self._value()
        finally:
            self._depth -= 1

    def _value(self) -> Value:
        for opening, closing in _CLOSING.items():
            if self.takes(opening):
                return self._items(closing)
        if self.takes("{"):
            return self._pairs("}", ":")
        word, quoted = self._word()
        if not quoted and _NAME.fullmatch(word) and self.takes("("):
            return {word: self._pairs(")", "=")}
        return word if quoted else scalar(word)

    def _word(self) -> tuple[str, bool]:
        """The next word and whether it stands in quotation marks."""
        token = _TOKEN.match(self._text, self._position)
        if token is None or token["mark"]:
            raise ValueError(
                f"{self.rest()!r} was not expected" if self.rest() else "something is missing at the end"
            )
        self._position = token.end()
        if token["word"]:
            return token["word"], False
        quoted: str = token["text"]
        if quoted.startswith("'"):
            return quoted[1:-1].replace("''", "'"), True
        return str(json.loads(quoted, strict=False)), True

    def _items(self, closing: str) -> list[Value]:
        items: list[Value] = []
        while not self.takes(closing):
            items.append(self.value())
            if not self.takes(",") and not self.sees(closing):
                raise ValueError(f"{closing!r} is missing")
        return items

    def _pairs(self, closing: str, between: str) -> dict[str, Value]:
        pairs: dict[str, Value] = {}
        while not self.takes(closing):
            key, _ = self._word()
            if not self.takes(between):
                raise ValueError(f"{between!r} is missing after {key!r}")
            pairs[key] = None if self.sees(",") or self.sees(closing) else self.value()
            if not self.takes(",") and not self.sees(closing):
                raise ValueError(f"{closing!r} is missing")
        return pairs
