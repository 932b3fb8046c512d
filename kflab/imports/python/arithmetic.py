"""Operators on plain values, within what reading a file may cost."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from kflab.imports.python.budget import Budget
from kflab.imports.python.things import Raised

Plain: TypeAlias = Any
"""A number, a text, a list... of the file: only operators that all of them may refuse are used on it."""

PLAIN = (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, range, type(None))
"""The types of plain values."""

BINARY: Mapping[type[ast.operator], Callable[[Plain, Plain], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.BitAnd: operator.and_,
    ast.MatMult: operator.matmul,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Plain], object]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
COMPARE: Mapping[type[ast.cmpop], Callable[[Plain, Plain], object]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}
_PYTHON_ERRORS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
_WIDTH = re.compile(r"\d{4,}")
_OLD_WIDTH = re.compile(r"%[^a-zA-Z%]*(\d{4,}|\*)")


def python_errors_raise(work: Callable[[], object]) -> object:
    """What `work` gives; an error of Python's own is one that the file would raise.

    Raises:
        Raised: Python refuses it.
    """
    try:
        return work()
    except _PYTHON_ERRORS as error:
        raise Raised(type(error).__name__, str(error)[:200]) from None


def binary(operation: ast.operator, left: Plain, right: Plain, budget: Budget) -> object:
    """`left operation right` of plain values.

    Raises:
        Raised: Python refuses it.
        OverBudgetError: the result would be too large.
    """
    _ask(operation, left, right, budget)
    return budget.keep(python_errors_raise(lambda: BINARY[type(operation)](left, right)))


def _ask(operation: ast.operator, left: Plain, right: Plain, budget: Budget) -> None:
    """Ask whether the result may be as large as it would be, before it is made."""
    match operation:
        case ast.Mult():
            for items, times in ((left, right), (right, left)):
                if isinstance(items, str | bytes | list | tuple) and isinstance(times, int):
                    budget.items(len(items) * max(times, 0))
        case ast.Add() if isinstance(left, str | bytes | list | tuple) and isinstance(right, type(left)):
            budget.items(len(left) + len(right))
        case ast.Pow() if isinstance(left, int) and isinstance(right, int) and right > 0:
            budget.number(left.bit_length() * right)
        case ast.LShift() if isinstance(left, int) and isinstance(right, int):
            budget.number(left.bit_length() + max(right, 0))
        case ast.Mod() if isinstance(left, str | bytes):
            if _OLD_WIDTH.search(str(left)):
                budget.refuse("a text as wide as its format says is too long to be read")
            budget.weigh(right)


def ask_format(text: str, budget: Budget) -> None:
    """Ask whether a format specification is harmless: one with a width of four digits is not.

    Raises:
        OverBudgetError: it is not.
    """
    if _WIDTH.search(text):
        budget.refuse(f"a text as wide as {text[:40]!r} says is too long to be read")


def unary(operation: ast.unaryop, value: Plain) -> object:
    """`operation value` of a plain value.

    Raises:
        Raised: Python refuses it.
    """
    return python_errors_raise(lambda: _UNARY[type(operation)](value))


def compare(operation: ast.cmpop, left: Plain, right: Plain, budget: Budget) -> bool:
    """`left operation right` of plain values.

    Raises:
        Raised: Python refuses it.
        OverBudgetError: they hold too much to be compared.
    """
    if not isinstance(operation, ast.Is | ast.IsNot):
        budget.weigh(left)
        budget.weigh(right)
    return bool(python_errors_raise(lambda: COMPARE[type(operation)](left, right)))


def put(mapping: dict[Plain, object], key: Plain, value: object, budget: Budget) -> None:
    """Set a key of a mapping.

    Raises:
        Raised: it cannot be a key.
        OverBudgetError: it holds too much.
    """
    budget.weigh(key)
    python_errors_raise(lambda: mapping.__setitem__(key, value))
