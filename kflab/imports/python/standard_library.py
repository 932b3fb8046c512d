"""Functions of the standard library and of NumPy that a file works numbers out with, on plain values."""

from __future__ import annotations

import copy
import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence

from kflab.imports.python.arithmetic import Plain, python_errors_raise
from kflab.imports.python.builtins import Asked, Reader, Special, make_dict, make_range
from kflab.imports.python.command_lines import Parser
from kflab.imports.python.things import Partial, Place, Raised, causes_in

_MATH = frozenset(
    [
        "sqrt",
        "ceil",
        "floor",
        "log",
        "log2",
        "log10",
        "exp",
        "pow",
        "fabs",
        "isclose",
        "gcd",
        "prod",
        "trunc",
        "sin",
        "cos",
        "tan",
        "tanh",
        "hypot",
        "degrees",
        "radians",
    ]
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


def _flat(items: object) -> list[Plain]:
    if isinstance(items, list | tuple):
        return [number for item in items for number in _flat(item)]
    return [items]


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
        return _OF_MODULES[path](Asked(positional, named, reader, place))
    numbers = all(isinstance(one, int | float | list | tuple) for one in positional) and not named
    if not positional or not numbers or causes_in(positional):
        return None
    if (module == "math" and name in _MATH) or (module == "numpy" and name in _NUMPY):
        function: Callable[..., object] = getattr(math, name) if module == "math" else _NUMPY[name]
        if name in {"pow", "power", "prod"}:
            reader.budget.number(64 * len(_flat(list(positional))) if name == "prod" else 64)
        if name in {"pow", "power"}:
            return python_errors_raise(lambda: function(*(float(one) for one in _flat(list(positional)))))
        return reader.budget.keep(python_errors_raise(lambda: function(*positional)))
    return None


def _partial(asked: Asked) -> object:
    return (
        Partial(asked.first, tuple(asked.positional[1:]), dict(asked.named))
        if asked.positional
        else asked.place.unknown("is empty")
    )


def _reduce(asked: Asked) -> object:
    items = asked.reader.iterate(asked.nth(1), asked.place)
    items = [*asked.positional[2:3], *items]
    if not items:
        raise Raised("TypeError", "reduce() of empty iterable with no initial value")
    return functools.reduce(
        lambda left, right: asked.reader.call(asked.first, [left, right], {}, asked.place), items
    )


def _copy(asked: Asked) -> object:
    value = asked.first
    asked.reader.budget.weigh(value)
    return copy.copy(value) if isinstance(value, list | dict | set) else value


def _chain(asked: Asked) -> object:
    return [item for one in asked.positional for item in asked.reader.iterate(one, asked.place)]


def _product(asked: Asked) -> object:
    rows = [asked.reader.iterate(one, asked.place) for one in asked.positional]
    asked.reader.budget.items(math.prod(len(row) for row in rows))
    return list(itertools.product(*rows))


def _linspace(asked: Asked) -> object:
    values = dict(zip(("start", "stop", "num"), asked.positional, strict=False)) | dict(asked.named)
    start, stop, count = values.get("start"), values.get("stop"), values.get("num", 50)
    if not isinstance(start, int | float) or not isinstance(stop, int | float) or not isinstance(count, int):
        return None
    asked.reader.budget.items(count)
    return [start + (stop - start) * index / max(count - 1, 1) for index in range(count)]


def _arange(asked: Asked) -> object:
    if asked.named or not all(isinstance(one, int) for one in asked.positional):
        return None
    bounds = make_range(asked)
    assert isinstance(bounds, range)
    asked.reader.budget.items(len(bounds))
    return list(bounds)


_OF_MODULES: Mapping[str, Special] = {
    "argparse.ArgumentParser": lambda _: Parser(),
    "functools.partial": _partial,
    "functools.reduce": _reduce,
    "copy.copy": _copy,
    "copy.deepcopy": _copy,
    "itertools.chain": _chain,
    "itertools.product": _product,
    "collections.OrderedDict": make_dict,
    "numpy.linspace": _linspace,
    "numpy.arange": _arange,
}
