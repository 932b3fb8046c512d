"""Functions that Python has without an import."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from kflab.imports.python.arithmetic import PLAIN, Plain, python_errors_raise
from kflab.imports.python.budget import Budget
from kflab.imports.python.things import Builtin, Place, Raised, Ref, Unknown, causes_in

_ON_ITEMS = frozenset({"list", "tuple", "set", "frozenset", "sum", "any", "all", "sorted", "min", "max"})
_ON_NUMBERS = frozenset(
    {"abs", "bool", "complex", "divmod", "float", "int", "pow", "round", "bin", "hex", "chr", "ord"}
)
_LAZY = frozenset({"enumerate", "zip", "reversed", "map", "filter", "iter", "next", "range", "dict"})
_LOOKING = frozenset(
    {
        "isinstance",
        "hasattr",
        "getattr",
        "setattr",
        "callable",
        "type",
        "len",
        "str",
        "repr",
        "print",
        "id",
        "issubclass",
    }
)
_MARKS = frozenset({"super", "object", "property", "staticmethod", "classmethod"})
_ERRORS = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
)
NAMES = _ON_ITEMS | _ON_NUMBERS | _LAZY | _LOOKING | _MARKS | _ERRORS
"""The builtins that are read."""

_NO_RESULT = frozenset({"print"})

_SAME = frozenset({"builtins", "six.moves", "future.builtins"})
"""Modules that have what every file has, for Python 2 and 3 alike."""


def same_as_builtin(module: str, name: str) -> Builtin | None:
    """The builtin that a file imports from a module, as `from six.moves import range` does."""
    return Builtin(name) if module in _SAME and name in NAMES else None


class Reader(Protocol):
    """What these functions ask of whoever reads the file."""

    budget: Budget

    def call(
        self, function: object, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What a call gives."""

    def iterate(self, value: object, place: Place) -> list[object]:
        """The items of a value."""

    def attribute(self, value: object, name: str, place: Place) -> object:
        """An attribute of a value."""

    def is_instance(self, value: object, kinds: object) -> bool | None:
        """Whether a value is of a kind; None where that can not be told."""


class Asked(NamedTuple):
    """A call of a function, as the functions here are handed it."""

    positional: Sequence[object]
    named: Mapping[str, object]
    reader: Reader
    place: Place

    @property
    def first(self) -> object:
        """The first argument.

        Raises:
            Raised: there is none.
        """
        if not self.positional:
            raise Raised("TypeError", "an argument is missing")
        return self.positional[0]

    def nth(self, index: int) -> object:
        """The argument at a position, or nothing."""
        return self.positional[index] if index < len(self.positional) else None


def call(
    name: str, positional: Sequence[object], named: Mapping[str, object], reader: Reader, place: Place
) -> object:
    """What a builtin gives.

    Raises:
        Raised: Python refuses it.
        OverBudgetError: the result would be too large.
    """
    if name in _ERRORS:
        return Ref(name)
    if name in _NO_RESULT:
        return None
    special = _SPECIAL.get(name)
    if special is not None:
        return special(Asked(positional, named, reader, place))
    if name in _ON_ITEMS:
        return _on_items(name, positional, named, reader, place)
    if causes_in([*positional, *named.values()]):
        return Unknown.of(*positional, *named.values())
    if not all(isinstance(one, PLAIN) for one in [*positional, *named.values()]):
        return place.unknown(f"is not a number that {name} takes", definable=True)
    if name == "pow" and len(positional) == 2 and all(isinstance(one, int) for one in positional):
        base, exponent = positional
        assert isinstance(base, int)
        assert isinstance(exponent, int)
        reader.budget.number(base.bit_length() * max(exponent, 0))
    if name in {"int", "float"} and positional and isinstance(positional[0], str):
        reader.budget.items(len(positional[0]))
    if name == "round" and any(isinstance(one, int) and abs(one) > 400 for one in positional[1:]):
        raise Raised("ValueError", "round takes a few digits")
    function: Callable[..., object] = getattr(builtins, name)
    return reader.budget.keep(python_errors_raise(lambda: function(*positional, **named)))


def _on_items(
    name: str, positional: Sequence[object], named: Mapping[str, object], reader: Reader, place: Place
) -> object:
    rest = dict(named)
    key = rest.pop("key", None)
    if name in {"min", "max"} and len(positional) > 1:
        items = list(positional)
        positional = []
    else:
        if not positional:
            return {"tuple": (), "set": set(), "frozenset": frozenset()}.get(name, [])
        items = reader.iterate(positional[0], place)
    if name in {"list", "tuple"}:
        return list(items) if name == "list" else tuple(items)
    if causes_in(items):
        return Unknown.of(items)
    if name in {"any", "all", "sum"} and not all(isinstance(one, PLAIN) for one in items):
        return _add_up(items, positional[1:], reader, place) if name == "sum" else bool(items)
    reader.budget.weigh(items)
    if key is not None:
        keys = [reader.call(key, [item], {}, place) for item in items]
        if causes_in(keys):
            return Unknown.of(keys)
        order = {id(item): one for item, one in zip(items, keys, strict=True)}
        rest["key"] = lambda item: order[id(item)]
    function: Callable[..., object] = getattr(builtins, name)
    return reader.budget.keep(python_errors_raise(lambda: function(items, *positional[1:], **rest)))


def _add_up(items: list[object], start: Sequence[object], reader: Reader, place: Place) -> object:
    """The sum of what is not all numbers, as of tensors: Python begins at 0."""
    total: object = start[0] if start else 0
    for item in items:
        total = reader.call(Ref("operator.add"), [total, item], {}, place)
    return total


def _len(asked: Asked) -> object:
    value = asked.first
    if isinstance(value, str | list | tuple | dict | set | range | bytes):
        return len(value)
    if isinstance(value, Unknown):
        return asked.place.unknown("depends on data that is not read", definable=True)
    return asked.reader.attribute(value, "__len__", asked.place)


def make_range(asked: Asked) -> object:
    """A range of whole numbers."""
    if causes_in(asked.positional):
        return Unknown.of(*asked.positional)
    bounds = [int(one) if isinstance(one, float) and one.is_integer() else one for one in asked.positional]
    whole = [one for one in bounds if isinstance(one, int) and one.bit_length() < 60]
    if len(whole) < len(bounds) or not 1 <= len(whole) <= 3:
        raise Raised("TypeError", "range takes one to three whole numbers")
    return python_errors_raise(lambda: range(*whole))


def _enumerate(asked: Asked) -> object:
    start = asked.named.get("start", asked.positional[1] if len(asked.positional) > 1 else 0)
    items = asked.reader.iterate(asked.first, asked.place)
    return [(index, item) for index, item in enumerate(items, start if isinstance(start, int) else 0)]


def _zip(asked: Asked) -> object:
    return list(zip(*(asked.reader.iterate(one, asked.place) for one in asked.positional), strict=False))


def _reversed(asked: Asked) -> object:
    return asked.reader.iterate(asked.first, asked.place)[::-1]


def _iter(asked: Asked) -> object:
    return asked.reader.iterate(asked.first, asked.place)


def _next(asked: Asked) -> object:
    items = asked.first
    if isinstance(items, list) and items:
        return items.pop(0)
    if isinstance(items, list) and len(asked.positional) > 1:
        return asked.positional[1]
    return asked.place.unknown("depends on data that is not read", definable=True)


def _map(asked: Asked) -> object:
    rows = zip(*(asked.reader.iterate(one, asked.place) for one in asked.positional[1:]), strict=False)
    return [asked.reader.call(asked.first, row, {}, asked.place) for row in rows]


def _filter(asked: Asked) -> object:
    items = asked.reader.iterate(asked.nth(1), asked.place)
    if asked.first is None:
        return [item for item in items if item]
    kept = [(item, asked.reader.call(asked.first, [item], {}, asked.place)) for item in items]
    unknown = [keep for _, keep in kept]
    return Unknown.of(*unknown) if causes_in(unknown) else [item for item, keep in kept if keep]


def make_dict(asked: Asked) -> object:
    """A mapping of pairs and of arguments by name."""
    pairs: list[object] = []
    if asked.positional and isinstance(asked.first, dict):
        pairs = list(asked.first.items())
    elif asked.positional:
        pairs = asked.reader.iterate(asked.first, asked.place)
    made: dict[Plain, object] = {}
    for pair in pairs:
        items = asked.reader.iterate(pair, asked.place)
        if len(items) != 2:
            raise Raised("ValueError", "dict takes pairs")
        asked.reader.budget.weigh(items[0])
        python_errors_raise(functools.partial(made.__setitem__, items[0], items[1]))
    return {**made, **asked.named}


def _str(asked: Asked) -> object:
    if causes_in(asked.positional):
        return Unknown.of(*asked.positional)
    if asked.positional and not isinstance(asked.first, PLAIN):
        return asked.place.unknown("is the text of an object", definable=True)
    asked.reader.budget.weigh(asked.positional)
    return asked.reader.budget.keep(python_errors_raise(lambda: str(*asked.positional)))


def _isinstance(asked: Asked) -> object:
    if len(asked.positional) != 2:
        raise Raised("TypeError", "isinstance takes a value and a class")
    answer = asked.reader.is_instance(asked.first, asked.positional[1])
    return asked.place.unknown("can not be told", definable=True) if answer is None else answer


def _getattr(asked: Asked) -> object:
    if len(asked.positional) < 2 or not isinstance(asked.positional[1], str):
        return (
            Unknown.of(*asked.positional)
            if causes_in(asked.positional)
            else asked.place.unknown("names no attribute")
        )
    try:
        return asked.reader.attribute(asked.first, asked.positional[1], asked.place)
    except Raised:
        if len(asked.positional) > 2:
            return asked.positional[2]
        raise


def _hasattr(asked: Asked) -> object:
    try:
        return not isinstance(_getattr(asked), Unknown)
    except Raised:
        return False


def _callable(asked: Asked) -> object:
    return not isinstance(asked.first, PLAIN)


def _type(asked: Asked) -> object:
    value = asked.first
    return Builtin(type(value).__name__) if isinstance(value, PLAIN) else asked.place.unknown("is a class")


Special = Callable[[Asked], object]
"""A function that is handed a call."""

_SPECIAL: Mapping[str, Special] = {
    "len": _len,
    "range": make_range,
    "enumerate": _enumerate,
    "zip": _zip,
    "reversed": _reversed,
    "iter": _iter,
    "next": _next,
    "map": _map,
    "filter": _filter,
    "dict": make_dict,
    "str": _str,
    "repr": _str,
    "isinstance": _isinstance,
    "getattr": _getattr,
    "hasattr": _hasattr,
    "callable": _callable,
    "type": _type,
}
