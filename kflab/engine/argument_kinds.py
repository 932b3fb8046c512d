"""What values an argument of Keras takes, told from its name, its default and Keras' words on it.

Keras does not annotate its arguments. Where these three leave a doubt, the wider kind is taken, so that
nothing that Keras accepts is refused: a number that is not surely whole is a float, and what nothing tells is
`any`.
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
    (re.compile(r"^(backward_)?(layers?|cells?)$"), ArgumentKind.LAYER),
    (re.compile(r"^(learning_rate|schedule)$"), ArgumentKind.SCHEDULE),
    (re.compile(r"(^|_)dtype$"), ArgumentKind.TEXT),
    (re.compile(r"(^|_)seed$"), ArgumentKind.INT),
    (re.compile(r"(^|_|new)shape$"), ArgumentKind.SHAPE),
)
_OBJECTS = {
    ArgumentKind.INITIALIZER,
    ArgumentKind.REGULARIZER,
    ArgumentKind.CONSTRAINT,
    ArgumentKind.ACTIVATION,
}
_OPENING = 160
"""The kind of an argument stands at the beginning of the words on it; later ones are about other things."""

_BOOLEAN = re.compile(
    r"^\W*(optional\W*)?((a|python)\s+)*`?(bool(ean)?\b|whether\b|if\s+`?true\b)", re.IGNORECASE
)
_WHOLE = re.compile(
    r"\b(int|ints|integers?|number of|dimensionality|frequency)\b|^(the )?(maximum )?size\b", re.IGNORECASE
)
_REAL = re.compile(
    r"\b(floats?|floating|(?<!integer )scalars?|numbers?(?! of)|fraction|probability|ratio)\b", re.IGNORECASE
)
_TEXT = re.compile(r"\b(strings?|str|path|filename|name)\b", re.IGNORECASE)
_SEVERAL = re.compile(
    r"\b(tuples?|lists?|sequence|arrays?|vector|matrix of|axes|each axis|value\(s\))\b|\(\(|\(\w+, \w+",
    re.IGNORECASE,
)
_LIST_OF = re.compile(r"\b(tuple|list)s?(/(tuple|list))? of\b", re.IGNORECASE)
_MAPPING = re.compile(r"\b(dict|dictionary|mapping)\b", re.IGNORECASE)
_CALLABLE = re.compile(r"\bcallable\b", re.IGNORECASE)
_BESIDE = re.compile(
    r"(\bor|\band|[,`])\s*(an? )?`?(int|integer|float|list|tuple|array(_like)?)\b", re.IGNORECASE
)
_PURE_TEXT = re.compile(r"^\W*(optional\W*)?(an? )?string\b", re.IGNORECASE)
_UNFILLED = re.compile(r"\s*\{\{\w+\}\}")
_WHOLE_NAMES = re.compile(
    r"^(num|max_number|batch|units|filters|height|width|patience|verbose|n|k|rank)(_|\d|$)"
    r"|_(size|steps|dim|length|freq|epoch|tokens|rank|padding|cropping|indices|id|height|width|class)$"
)
_REAL_NAMES = re.compile(
    r"(^|_)(rate|momentum|decay|epsilon|clipnorm|clipvalue|factor|threshold|alpha|beta|gamma)(_|\d|$)"
)

_QUOTED = r"""(?:[`"']{1,2})(\w[\w.+-]*)(?:[`"']{1,2})"""
_NONE = r"(?:`?None`?\s*(?:,|\bor\b|\band\b)\s*)?"
_BETWEEN = rf"(?:\s*\((?:the )?default\))?\s*(?:,\s*or\b|,\s*and\b|,|/|\||\bor\b|\band\b)\s*{_NONE}"
_ENUMERATION = re.compile(rf"{_QUOTED}(?:{_BETWEEN}{_QUOTED})+")
_INTRODUCTION = re.compile(
    r"\b(one of|either|include|supports|(values|methods|options|modes)( are)?)\W*"
    r"(`?None`?\W*(\([^)]*\)\W*)?)?$",
    re.IGNORECASE,
)
"""What stands before a list of strings of which one is to be chosen."""

_AT_ONCE = re.compile(r"^\W*((an? )?string)?\W*$", re.IGNORECASE)

_ONE_QUOTED = re.compile(_QUOTED)
_BULLET = re.compile(rf"^\s*[-*] {_QUOTED}\s*(?:\([^)]*\))?:", re.MULTILINE)


def argument(name: str, default: object, words: str) -> Argument:
    """An argument as the catalog has it.

    Args:
        name: its keyword.
        default: its default in the signature, `inspect.Parameter.empty` where it is required.
        words: Keras' words on it.
    """
    words = _UNFILLED.sub("", words)
    required = default is inspect.Parameter.empty
    value = None if required else plain_value(default)
    kind, choices = _kind(name, value, words)
    nullable = kind in _OBJECTS or (not required and value is None) or bool(re.search(r"\bNone\b", words))
    return Argument(
        name=name,
        kind=kind,
        required=required,
        default=value,
        nullable=nullable and not isinstance(value, bool),
        choices=tuple(choice for choice in choices if choice != "None"),
        help=words,
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
    if isinstance(default, bool):
        return ArgumentKind.BOOL, ()
    if re.search(r"(^|_)ax[ie]s", name) and not _TEXT.search(words[:_OPENING]):
        return ArgumentKind.INTS, ()
    opening = _opening(words)
    if isinstance(default, str):
        return _text_kind(default, words)
    if default is None:
        return _kind_of_words(name, words)
    if isinstance(default, Sequence):
        real = name.endswith("range") or _holds_float(default) or _REAL.search(opening)
        return _number_kind(float if real else int, several=True), ()
    several = _several(words)
    whole = isinstance(default, int) and not _REAL.search(opening)
    whole = whole and bool(_WHOLE.search(opening) or _WHOLE_NAMES.search(name))
    return _number_kind(int if whole else float, several), ()


def _text_kind(default: str, words: str) -> tuple[ArgumentKind, tuple[str, ...]]:
    """The kind of an argument whose default is a string."""
    choices = choices_in(words, default)
    if _mixed(_opening(words)) or _CALLABLE.search(words) or _BOOLEAN.match(words):
        return ArgumentKind.ANY, choices or (default,)
    return (ArgumentKind.CHOICE, choices) if choices else (ArgumentKind.TEXT, ())


def _kind_of_words(name: str, words: str) -> tuple[ArgumentKind, tuple[str, ...]]:
    """The kind of an argument that has no default to tell it."""
    opening = _opening(words)
    if _BOOLEAN.match(words):
        return ArgumentKind.BOOL, ()
    if _MAPPING.search(opening):
        return ArgumentKind.MAPPING, ()
    choices = choices_in(words, None)
    if choices:
        return (ArgumentKind.ANY if _mixed(opening) else ArgumentKind.CHOICE), choices
    return _plain_kind(name, opening, _several(words)), ()


def _opening(words: str) -> str:
    """The beginning of the words without the strings in it: `"int"` is a choice and tells of no number."""
    return re.sub(r"""["']\w+["']""", "", words[:_OPENING])


def _several(words: str) -> bool:
    """Whether the words speak of several values: at the beginning, or as a list of something anywhere."""
    return bool(_SEVERAL.search(_opening(words)) or _LIST_OF.search(words))


def _plain_kind(name: str, opening: str, several: bool) -> ArgumentKind:
    """Text, a number or several numbers, by the words or else by the name."""
    whole = bool(_WHOLE.search(opening))
    real = bool(_REAL.search(opening))
    if _TEXT.search(opening):
        pure = _PURE_TEXT.match(opening) and not _mixed(opening)
        return ArgumentKind.TEXT if pure or not (whole or real or several) else ArgumentKind.ANY
    if real or (not whole and _REAL_NAMES.search(name)):
        return _number_kind(float, several or not opening)
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
    return bool(_BESIDE.search(opening))


def choices_in(words: str, default: str | None) -> tuple[str, ...]:
    """The strings that the words enumerate, the default among them; nothing where they hold no such list."""
    for found, early, chosen in _enumerations(words):
        if default in found or (default is None and early and chosen):
            return tuple(dict.fromkeys(found))
    return ()


def _enumerations(words: str) -> Iterator[tuple[list[str], bool, bool]]:
    """The strings listed in a row, with whether it stands early and whether one is said to be chosen."""
    for match in _ENUMERATION.finditer(words):
        before = words[: match.start()]
        early = len(before) < _OPENING
        # Names of other arguments stand in bare backticks, choices in quotation marks.
        quoted = '"' in match[0] or "'" in match[0]
        introduced = bool(_INTRODUCTION.search(before))
        if introduced or (quoted and early):
            yield _ONE_QUOTED.findall(match[0]), early, introduced or bool(_AT_ONCE.match(before))
    bullets = _BULLET.findall(words)
    if len(bullets) > 1:
        yield bullets, False, False
