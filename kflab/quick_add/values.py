"""The value of an argument as it is typed in a line: what forms take, and `3x3`, `l2(1e-4)`, `lstm(64)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from kflab.catalog import Argument, ArgumentKind, Catalog, Entry, Kind
from kflab.catalog.check import OBJECT_KINDS, expected
from kflab.catalog.text import parse_value
from kflab.errors import did_you_mean
from kflab.quick_add.names import names_of, plain
from kflab.quick_add.words import Word, pieces
from kflab.values import Arguments, Value

Inside: TypeAlias = Callable[[Entry, Sequence[Word]], Arguments]
"""Turns what stands in the brackets behind the name of an object into its arguments, or raises ValueError."""

SIZES = re.compile(r"(?:\d+|none|\?)(?:[x×](?:\d+|none|\?))+", re.IGNORECASE)
"""Sizes as they are shown: `3x3`, `28×28×1`."""

_OBJECT = re.compile(r"(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)\s*(?:\((.*)\))?", re.DOTALL)
_LISTS = frozenset({ArgumentKind.INTS, ArgumentKind.FLOATS, ArgumentKind.SHAPE, ArgumentKind.LIST})


def read_value(argument: Argument, word: Word, catalog: Catalog, inside: Inside) -> Value:
    """The value of an argument.

    Raises:
        ValueError: it does not fit; the text says what was expected.
    """
    text = word.text
    if argument.kind in _LISTS and SIZES.fullmatch(text):
        text = re.sub("[x×]", ",", text.lower()).replace("?", "none")
    kind = OBJECT_KINDS.get(argument.kind)
    if kind is not None:
        value = _objects(kind, argument, word, catalog, inside)
        if value is not None:
            return value
    return parse_value(argument, text)


def _objects(kind: Kind, argument: Argument, word: Word, catalog: Catalog, inside: Inside) -> Value:
    """The object, or the list of layers, that a word names; nothing where it is written in another way."""
    text = word.text
    if kind is Kind.LAYER and text[:1] in "[(" and text[-1:] in "])" and len(text) > 1:
        inner = Word(text[1:-1], word.start + 1, word.end - 1)
        items = [_objects(kind, argument, piece, catalog, inside) for piece in pieces(inner)]
        if any(item is None for item in items):
            raise ValueError(f"expected {expected(argument)} in each place of {text}")
        return items
    found = _OBJECT.fullmatch(text)
    if found is None or (found[2] is None and text.lower() in {"none", "null", "true", "false"}):
        return None
    entry, name = find_object(kind, found[1], catalog)
    if entry is None:
        known = catalog.names(kind)
        raise ValueError(f"expected {expected(argument)}, got {found[1]!r}{did_you_mean(found[1], known)}")
    if found[2] is None and kind is not Kind.LAYER:
        return name
    start = word.start + found.start(2) if found[2] is not None else word.end
    arguments = inside(entry, pieces(Word(found[2] or "", start, start + len(found[2] or ""))))
    return {entry.name: arguments} if arguments or found[2] is not None else name


def find_object(kind: Kind, word: str, catalog: Catalog) -> tuple[Entry | None, str]:
    """The entry that a word names, and its name: as it was typed where Keras knows it so."""
    if kind is Kind.LAYER:
        meaning = names_of(catalog).look_up(word).meaning
        is_layer = meaning is not None and meaning.entry.kind is Kind.LAYER and not meaning.arguments
        return (meaning.entry, meaning.entry.name) if meaning and is_layer else (None, "")
    entry = catalog.find(kind, word)
    if entry is not None:
        return entry, word
    wanted = plain(word)
    for candidate in catalog.entries(kind):
        if any(plain(name) == wanted for name in (candidate.name, *candidate.aliases)):
            return candidate, candidate.name
    return None, ""
