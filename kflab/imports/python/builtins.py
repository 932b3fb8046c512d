"""Functions that need no Keras: Python's own, and those of `math`, `numpy` and others on plain numbers."""

from __future__ import annotations

import builtins
import copy
import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from kflab.imports.python.arithmetic import PLAIN, Plain, python_errors_raise
from kflab.imports.python.budget import Budget
from kflab.imports.python.things import Builtin, Partial, Place, Raised, Ref, Unknown, causes_in

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

_MATH = frozenset(
    "sqrt ceil floor log log2 log10 exp pow fabs isclose gcd prod trunc sin cos tan tanh hypot degrees radians".split()
)
_NUMPY: Mapping[str, Callable[..., object]] = {
    "prod": lambda items: math.prod(_flat(items)),
    "sum": lambda items: sum(_flat(items)),
    "max": lambda items: max(_flat(items)),
    "min": lambda items: min(_flat(items)),
    "mean": lambda items: sum(_flat(items)) / len(_flat(items)),
    "ceil": lambda number: float(math.ceil(number)),
    "floor": lambda number: float(math.floor(number)),
    "round": round,
    "sqrt": math.sqrt,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "exp": math.exp,
    "abs": abs,
    "power": pow,
    "int32": int,
    "int64": int,
    "float32": float,
    "float64": float,
}
_NO_RESULT = frozenset({"print"})


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


def _flat(items: object) -> list[Plain]:
    if isinstance(items, list | tuple):
        return [number for item in items for number in _flat(item)]
    return [items]


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
        return special(positional, named, reader, place)
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


def _len(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    value = positional[0] if positional else None
    if isinstance(value, str | list | tuple | dict | set | range | bytes):
        return len(value)
    if isinstance(value, Unknown):
        return place.unknown("depends on data that is not read", definable=True)
    return reader.attribute(value, "__len__", place)


def _range(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    if causes_in(positional):
        return Unknown.of(*positional)
    bounds = [int(one) if isinstance(one, float) and one.is_integer() else one for one in positional]
    return python_errors_raise(lambda: range(*bounds))  # type: ignore[arg-type]  # Python says what is wrong


def _enumerate(
    positional: Sequence[object], named: Mapping[str, object], reader: Reader, place: Place
) -> object:
    start = named.get("start", positional[1] if len(positional) > 1 else 0)
    items = reader.iterate(positional[0] if positional else None, place)
    return [(index, item) for index, item in enumerate(items, start if isinstance(start, int) else 0)]


def _zip(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    return list(zip(*(reader.iterate(one, place) for one in positional), strict=False))


def _reversed(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    return reader.iterate(positional[0] if positional else None, place)[::-1]


def _iter(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    return reader.iterate(positional[0] if positional else None, place)


def _next(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    items = positional[0] if positional else None
    if isinstance(items, list) and items:
        return items.pop(0)
    if isinstance(items, list) and len(positional) > 1:
        return positional[1]
    return place.unknown("depends on data that is not read", definable=True)


def _map(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    rows = zip(*(reader.iterate(one, place) for one in positional[1:]), strict=False)
    return [reader.call(positional[0], row, {}, place) for row in rows]


def _filter(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    items = reader.iterate(positional[1] if len(positional) > 1 else None, place)
    if positional[0] is None:
        return [item for item in items if item]
    kept = [(item, reader.call(positional[0], [item], {}, place)) for item in items]
    unknown = [keep for _, keep in kept]
    return Unknown.of(*unknown) if causes_in(unknown) else [item for item, keep in kept if keep]


def _dict(positional: Sequence[object], named: Mapping[str, object], reader: Reader, place: Place) -> object:
    pairs: list[object] = []
    if positional and isinstance(positional[0], dict):
        pairs = list(positional[0].items())
    elif positional:
        pairs = reader.iterate(positional[0], place)
    made: dict[Plain, object] = {}
    for pair in pairs:
        key, value = reader.iterate(pair, place)
        python_errors_raise(lambda key=key, value=value: made.update({key: value}))
    return {**made, **named}


def _str(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    if causes_in(positional):
        return Unknown.of(*positional)
    if positional and not isinstance(positional[0], PLAIN):
        return place.unknown("is the text of an object", definable=True)
    reader.budget.weigh(positional)
    return reader.budget.keep(python_errors_raise(lambda: str(*positional)))


def _isinstance(
    positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place
) -> object:
    if len(positional) != 2:
        raise Raised("TypeError", "isinstance takes a value and a class")
    answer = reader.is_instance(positional[0], positional[1])
    return place.unknown("can not be told", definable=True) if answer is None else answer


def _getattr(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    if len(positional) < 2 or not isinstance(positional[1], str):
        return Unknown.of(*positional) if causes_in(positional) else place.unknown("names no attribute")
    try:
        return reader.attribute(positional[0], positional[1], place)
    except Raised:
        if len(positional) > 2:
            return positional[2]
        raise


def _hasattr(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    try:
        return not isinstance(_getattr(positional, {}, reader, place), Unknown)
    except Raised:
        return False


def _callable(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    return not isinstance(positional[0] if positional else None, PLAIN)


def _type(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    value = positional[0] if positional else None
    return Builtin(type(value).__name__) if isinstance(value, PLAIN) else place.unknown("is a class")


_Special = Callable[[Sequence[object], Mapping[str, object], Reader, Place], object]
_SPECIAL: Mapping[str, _Special] = {
    "len": _len,
    "range": _range,
    "enumerate": _enumerate,
    "zip": _zip,
    "reversed": _reversed,
    "iter": _iter,
    "next": _next,
    "map": _map,
    "filter": _filter,
    "dict": _dict,
    "str": _str,
    "repr": _str,
    "isinstance": _isinstance,
    "getattr": _getattr,
    "hasattr": _hasattr,
    "callable": _callable,
    "type": _type,
}


def constant(path: str) -> object | None:
    """The value of a constant of `math` or `numpy`, if the path names one."""
    module, _, name = path.partition(".")
    if module in {"math", "numpy"} and name in {"pi", "e", "inf", "nan", "tau"}:
        number: float = getattr(math, name)
        return number
    return None


def of_module(
    path: str, positional: Sequence[object], named: Mapping[str, object], reader: Reader, place: Place
) -> object:
    """What a function of the standard library or of NumPy gives on plain values; None where it is not read.

    Raises:
        Raised: Python refuses it.
    """
    module, _, name = path.rpartition(".")
    if path in _OF_MODULES:
        return _OF_MODULES[path](positional, named, reader, place)
    numbers = all(isinstance(one, int | float | list | tuple) for one in positional) and not named
    if not positional or not numbers or causes_in(positional):
        return None
    if module == "math" and name in _MATH or module == "numpy" and name in _NUMPY:
        function: Callable[..., object] = getattr(math, name) if module == "math" else _NUMPY[name]
        if name in {"pow", "power", "prod"}:
            reader.budget.number(64 * len(_flat(list(positional))) if name == "prod" else 64)
        if name in {"pow", "power"}:
            return python_errors_raise(lambda: function(*(float(one) for one in _flat(list(positional)))))
        return reader.budget.keep(python_errors_raise(lambda: function(*positional)))
    return None


def _partial(positional: Sequence[object], named: Mapping[str, object], _: Reader, place: Place) -> object:
    return (
        Partial(positional[0], tuple(positional[1:]), dict(named))
        if positional
        else place.unknown("is empty")
    )


def _reduce(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    items = reader.iterate(positional[1] if len(positional) > 1 else None, place)
    items = [*positional[2:3], *items]
    if not items:
        raise Raised("TypeError", "reduce() of empty iterable with no initial value")
    return functools.reduce(lambda left, right: reader.call(positional[0], [left, right], {}, place), items)


def _copy(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    value = positional[0] if positional else None
    reader.budget.weigh(value)
    return copy.copy(value) if isinstance(value, list | dict | set) else value


def _chain(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    return [item for one in positional for item in reader.iterate(one, place)]


def _product(positional: Sequence[object], _: Mapping[str, object], reader: Reader, place: Place) -> object:
    rows = [reader.iterate(one, place) for one in positional]
    reader.budget.items(math.prod(len(row) for row in rows))
    return list(itertools.product(*rows))


def _linspace(positional: Sequence[object], named: Mapping[str, object], reader: Reader, _: Place) -> object:
    values = dict(zip(("start", "stop", "num"), positional, strict=False)) | dict(named)
    start, stop, count = values.get("start"), values.get("stop"), values.get("num", 50)
    if not isinstance(start, int | float) or not isinstance(stop, int | float) or not isinstance(count, int):
        return None
    reader.budget.items(count)
    return [start + (stop - start) * index / max(count - 1, 1) for index in range(count)]


def _arange(
    positional: Sequence[object], named: Mapping[str, object], reader: Reader, place: Place
) -> object:
    if named or not all(isinstance(one, int) for one in positional):
        return None
    bounds = _range(positional, {}, reader, place)
    assert isinstance(bounds, Iterable)
    assert isinstance(bounds, range)
    reader.budget.items(len(bounds))
    return list(bounds)


_OF_MODULES: Mapping[str, _Special] = {
    "functools.partial": _partial,
    "functools.reduce": _reduce,
    "copy.copy": _copy,
    "copy.deepcopy": _copy,
    "itertools.chain": _chain,
    "itertools.product": _product,
    "collections.OrderedDict": _dict,
    "numpy.linspace": _linspace,
    "numpy.arange": _arange,
}
