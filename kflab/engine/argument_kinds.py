"""What values an argument of Keras takes, told from its name, its default and Keras' words on it.

Keras does not annotate its arguments. Where these three leave a doubt, the wider kind is taken, so that nothing
that Keras accepts is refused: a number that is not surely whole is a float, and what nothing tells is `any`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence

from kflab.catalog.entries import Argument, ArgumentKind
from kflab.values import Value

_ROLES = (
    (re.compile(r"(^|_)initializer$"), ArgumentKind.INITIALIZER),
    (re.compile(r"(^|_)regularizer$"), ArgumentKind.REGULARIZER),
    (re.compile(r"(^|_)constraint$"), ArgumentKind.CONSTRAINT),
    (re.compile(r"(^|_)activation$"), ArgumentKind.ACTIVATION),
    (re.compile(r"(^|_)optimizer$"), ArgumentKind.OPTIMIZER),
    (re.compile(r"(^|_)(layers?|cells?)$"), ArgumentKind.LAYER),
    (re.compile(r"^(learning_rate|schedule)$"), ArgumentKind.SCHEDULE),
    (re.compile(r"(^|_)dtype$"), ArgumentKind.TEXT),
    (re.compile(r"(^|_)shape$"), ArgumentKind.SHAPE),
)
_OBJECTS = {
    ArgumentKind.INITIALIZER,
    ArgumentKind.REGULARIZER,
    ArgumentKind.CONSTRAINT,
    ArgumentKind.ACTIVATION,
}
_LEVEL_OF_WORDS = 160
"""The kind of an argument stands at the beginning of the words on it; later ones are about other things."""

_BOOLEAN = re.compile(r"^\W*(optional\W*)?((a|python)\s+)*`?(bool(ean)?\b|whether\b|if\s+`?true\b)", re.IGNORECASE)
_WHOLE = re.compile(r"\b(int|ints|integers?|number of|axis|axes|index|size|seed|dimensionality|frequency)\b", re.IGNORECASE)
_REAL = re.compile(r"\b(floats?|floating|scalars?|numbers?(?! of)|fraction|probability|ratio)\b", re.IGNORECASE)
_TEXT = re.compile(r"\b(strings?|str|path|filename|name)\b", re.IGNORECASE)
_SEVERAL = re.compile(r"\b(tuples?|lists?|sequence|arrays?|vector|axes|value\(s\)|for each|each)\b|\[\d|\(\(", re.IGNORECASE)
_MAPPING = re.compile(r"\b(dict|dictionary|mapping)\b", re.IGNORECASE)
_CODE = re.compile(r"\b(callable|function)\b", re.IGNORECASE)
_WHOLE_NAMES = re.compile(
    r"^(num|max_number|batch|units|filters|height|width|seed|patience|verbose|axis|n|k|rank)(_|\d|$)"
    r"|_(size|steps|dim|length|freq|epoch|tokens|rank|padding|cropping|indices|id)$"
)
_REAL_NAMES = re.compile(r"(^|_)(rate|momentum|decay|epsilon|clipnorm|clipvalue|factor|threshold|alpha|beta|gamma)(_|\d|$)")

_QUOTED = r"""(?:`"|"`|`'|'`|["'`])([\w.+-]+)(?:`"|"`|`'|'`|["'`])"""
_BETWEEN = r"(?:\s*\((?:the )?default\))?\s*(?:,|/|\||\bor\b|\band\b|,\s*or\b|,\s*and\b)\s*(?:`?None`?\s*(?:,|\bor\b|\band\b)\s*)?"
_ENUMERATION = re.compile(rf"{_QUOTED}(?:{_BETWEEN}{_QUOTED})+")
_ONE_QUOTED = re.compile(_QUOTED)
_BULLET = re.compile(rf"^\s*[-*] {_QUOTED}\s*(?:\([^)]*\))?:", re.MULTILINE)


def argument(name: str, default: object, words: str) -> Argument:
    """An argument as the catalog has it.

    Args:
        name: its keyword.
        default: its default in the signature, `inspect.Parameter.empty` where it is required.
        words: Keras' words on it.
    """
    required = default is inspect.Parameter.empty
    value = None if required else plain_value(default)
    kind, choices = _kind(name, value, words)
    nullable = (not required and value is None) or bool(re.search(r"\bNone\b", words)) or kind in _OBJECTS
    return Argument(
        name=name, kind=kind, required=required, default=value, nullable=nullable, choices=choices, help=words
    )


def plain_value(value: object) -> Value:
    """A default as a value of a document; what is not plain data becomes `None`."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [plain_value(item) for item in value]
    return None


def _kind(name: str, default: Value, words: str) -> tuple[ArgumentKind, tuple[str, ...]]:
    for pattern, role in _ROLES:
        if pattern.search(name):
            return role, ()
    opening = words[:_LEVEL_OF_WORDS]
    if isinstance(default, bool):
        return ArgumentKind.BOOL, ()
    if isinstance(default, str):
        return _text_kind(default, words)
    if isinstance(default, Sequence):
        return _number_kind(float if _holds_float(default) or _REAL.search(opening) else int, several=True), ()
    if default is None and _BOOLEAN.match(words):
        return ArgumentKind.BOOL, ()
    choices = choices_in(words, None) if default is None else ()
    if choices:
        return (ArgumentKind.ANY if _mixed(opening) else ArgumentKind.CHOICE), choices
    several = bool(_SEVERAL.search(opening))
    if isinstance(default, float):
        return _number_kind(float, several), ()
    if isinstance(default, int):
        whole = not _REAL.search(opening) and (_WHOLE.search(opening) or _WHOLE_NAMES.search(name))
        return _number_kind(int if whole else float, several), ()
    return _kind_of_words(name, opening, several), ()


def _text_kind(default: str, words: str) -> tuple[ArgumentKind, tuple[str, ...]]:
    """The kind of an argument whose default is a string."""
    choices = choices_in(words, default)
    if _mixed(words[:_LEVEL_OF_WORDS]) or _CODE.search(words) or _BOOLEAN.match(words):
        return ArgumentKind.ANY, choices or (default,)
    return (ArgumentKind.CHOICE, choices) if choices else (ArgumentKind.TEXT, ())


def _kind_of_words(name: str, opening: str, several: bool) -> ArgumentKind:
    """The kind of an argument that has no default to tell it."""
    if _MAPPING.search(opening):
        return ArgumentKind.MAPPING
    whole = bool(_WHOLE.search(opening))
    real = bool(_REAL.search(opening))
    if _TEXT.search(opening):
        return ArgumentKind.ANY if whole or real or several else ArgumentKind.TEXT
    if real or (not whole and _REAL_NAMES.search(name)):
        return _number_kind(float, several)
    if whole or _WHOLE_NAMES.search(name):
        return _number_kind(int, several)
    return ArgumentKind.ANY


def _number_kind(number: type, several: bool) -> ArgumentKind:
    if number is float:
        return ArgumentKind.FLOATS if several else ArgumentKind.FLOAT
    return ArgumentKind.INTS if several else ArgumentKind.INT


def _holds_float(value: Value) -> bool:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(_holds_float(item) for item in value)
    return isinstance(value, float)


def _mixed(opening: str) -> bool:
    """Whether the words speak of numbers or lists beside strings."""
    return bool(re.search(r"\b(or|and) (an? )?`?(int|integer|float|list|tuple)\b", opening, re.IGNORECASE))


def choices_in(words: str, default: str | None) -> tuple[str, ...]:
    """The strings that the words enumerate, the default among them; nothing where no such list stands there."""
    for found in _enumerations(words):
        if default is None or default in found:
            return tuple(dict.fromkeys(found))
    return ()


def _enumerations(words: str) -> Iterator[list[str]]:
    for match in _ENUMERATION.finditer(words):
        # Names of other arguments stand in bare backticks, choices in quotation marks.
        if '"' in match[0] or "'" in match[0] or "ither" in words[: match.start()]:
            yield _ONE_QUOTED.findall(match[0])
    bullets = _BULLET.findall(words)
    if len(bullets) > 1:
        yield bullets
