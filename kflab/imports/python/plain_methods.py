"""Methods of plain values: those of text, lists, mappings and sets that reading a model may need."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence

from kflab.imports.python.arithmetic import Plain, ask_format, python_errors_raise
from kflab.imports.python.budget import Budget
from kflab.imports.python.recorded import ShapeTuple
from kflab.imports.python.things import Raised

_TEXT = frozenset(
    [
        "capitalize",
        "casefold",
        "count",
        "endswith",
        "find",
        "format",
        "index",
        "isalnum",
        "isalpha",
        "isdecimal",
        "isdigit",
        "isidentifier",
        "islower",
        "isnumeric",
        "isspace",
        "istitle",
        "isupper",
        "join",
        "lower",
        "lstrip",
        "partition",
        "removeprefix",
        "removesuffix",
        "replace",
        "rfind",
        "rindex",
        "rpartition",
        "rsplit",
        "rstrip",
        "split",
        "splitlines",
        "startswith",
        "strip",
        "swapcase",
        "title",
        "upper",
        "zfill",
        "ljust",
        "rjust",
        "center",
    ]
)
_SEQUENCE = frozenset({"count", "index"})
_LIST = _SEQUENCE | {"append", "extend", "insert", "pop", "remove", "reverse", "copy", "clear"}
_DICT = frozenset(
    {"get", "items", "keys", "values", "pop", "setdefault", "update", "copy", "popitem", "clear"}
)
_SET = frozenset(
    {"add", "discard", "remove", "union", "intersection", "difference", "update", "copy", "issubset"}
)
METHODS: Mapping[type, frozenset[str]] = {
    str: _TEXT,
    list: _LIST | {"sort"},
    tuple: _SEQUENCE,
    ShapeTuple: _SEQUENCE | {"as_list"},
    dict: _DICT,
    set: _SET,
    frozenset: _SET - {"add", "discard", "remove", "update"},
    int: frozenset({"bit_length"}),
    float: frozenset({"is_integer"}),
}
"""Which methods of which type are read. None of them calls anything of the file but the key of `sort`."""

CHANGES = frozenset({"append", "extend", "insert", "add", "update", "pop", "remove", "clear", "setdefault"})
"""The methods that change what they are called on."""

_WIDE = frozenset({"zfill", "ljust", "rjust", "center"})


def has(value: object, name: str) -> bool:
    """Whether `name` is a method of a plain value that is read."""
    return name in METHODS.get(type(value), ())


def call(
    value: Plain, name: str, positional: Sequence[object], named: Mapping[str, object], budget: Budget
) -> object:
    """What a method of a plain value gives.

    Raises:
        Raised: Python refuses it.
        OverBudgetError: the result would be too large.
    """
    if isinstance(value, str):
        _ask_text(value, name, positional, named, budget)
    else:
        for one in positional:
            if isinstance(one, list | tuple | dict | set):
                budget.items(len(one))
        budget.spend(len(value) // 100 if hasattr(value, "__len__") else 1)
        if name in {"count", "index", "remove"}:
            budget.weigh(value)
        budget.weigh([one for one in positional if isinstance(one, tuple)])
    method: Callable[..., object] = getattr(value, name)
    result = python_errors_raise(lambda: method(*positional, **named))
    if (
        type(result) not in METHODS
        and not isinstance(result, bool | type(None))
        and name
        in {
            "items",
            "keys",
            "values",
        }
    ):
        result = list(result)  # type: ignore[call-overload]  # a view of a mapping
    budget.keep(value)
    return budget.keep(result) if isinstance(result, int | str | list | dict | tuple) else result


def _ask_text(
    value: str, name: str, positional: Sequence[object], named: Mapping[str, object], budget: Budget
) -> None:
    """Ask whether a method of a text is harmless, before it is called.

    Raises:
        Raised: it is not one that is read.
        OverBudgetError: the result would be too long.
    """
    budget.spend(len(value) // 100)
    if name in _WIDE and positional and isinstance(positional[0], int):
        budget.items(positional[0])
    elif name == "replace" and len(positional) > 1 and isinstance(positional[1], str):
        budget.items((len(value) + 1) * max(len(positional[1]), 1) if len(value) > 1000 else 0)
        budget.items(len(value) + (value.count(str(positional[0])) + 1) * len(positional[1]))
    elif name == "join" and positional and isinstance(positional[0], list | tuple):
        budget.items(sum(len(one) + len(value) for one in positional[0] if isinstance(one, str)))
    elif name == "format":
        budget.weigh([*positional, *named.values()])
        try:
            fields = [(field, spec) for _, field, spec, _ in string.Formatter().parse(value)]
        except ValueError as error:
            raise Raised("ValueError", str(error)) from None
        for _, spec in fields:
            ask_format(spec or "", budget)
        if any(mark in (field or "") for field, _ in fields for mark in ".[") or any(
            "{" in (spec or "") for _, spec in fields
        ):
            raise Raised("ValueError", "only plain fields of a format are read")
