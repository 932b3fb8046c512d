"""Python expressions as lines of at most 88 columns, broken where formatters break them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from kflab.values import Value

WIDTH = 88
"""The columns of a line."""

_INDENT = "    "
_EXPONENT = re.compile(r"e([+-]?)0*(\d+)")
_SMALL = 0.002
"""Below this, `1e-3` is read more easily than `0.001`."""

_LONG = 14
"""The characters from which on a number is one that no person wrote down."""


Pair: TypeAlias = Literal["()", "[]", "{}"]
"""An opening bracket and its closing one."""


class Brackets(msgspec.Struct, frozen=True):
    """A bracket pair behind something: the arguments of a call, a list, a tuple or a dictionary.

    Attributes:
        before: what stands in front of the opening bracket: the function, `callbacks=`, or another pair.
        opening: the brackets.
        items: what is inside.
    """

    before: Expression
    opening: Pair
    items: tuple[Expression, ...] = ()


class Joined(msgspec.Struct, frozen=True):
    """Text in front of an expression: `name=` or `"key": `."""

    text: str
    value: Expression


Expression: TypeAlias = str | Joined | Brackets
"""A piece of code: text that is never broken, or brackets that may be."""


def call(function: Expression, *positional: Expression, **named: Expression) -> Brackets:
    """A call."""
    return called(function, positional, named)


def called(
    function: Expression, positional: Iterable[Expression] = (), named: Mapping[str, Expression] | None = None
) -> Brackets:
    """A call whose named arguments come as a mapping."""
    keywords = (Joined(f"{name}=", value) for name, value in (named or {}).items())
    return Brackets(function, "()", (*positional, *keywords))


def listed(items: Iterable[Expression]) -> Brackets:
    """A list."""
    return Brackets("", "[]", tuple(items))


def tupled(items: Iterable[str]) -> str:
    """A tuple, on one line."""
    written = tuple(items)
    return f"({written[0]},)" if len(written) == 1 else f"({', '.join(written)})"


def mapped(items: Mapping[str, Expression]) -> Brackets:
    """A dictionary with strings for keys."""
    return Brackets("", "{}", tuple(Joined(f"{quoted(key)}: ", value) for key, value in items.items()))


def one_or_list(items: Sequence[Expression]) -> Expression:
    """A single expression as itself, several as a list."""
    return items[0] if len(items) == 1 else listed(items)


def literal(value: Value, *, tuples: bool = False) -> Expression:
    """A plain value as Python writes it; with `tuples`, lists become tuples."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, int | float):
        return _reciprocal(value) or number(value)
    if isinstance(value, Mapping):
        return mapped({str(key): literal(item, tuples=tuples) for key, item in value.items()})
    items = tuple(literal(item, tuples=tuples) for item in value)
    if not tuples:
        return listed(items)
    return Brackets("", "()", items if len(items) != 1 else (Joined("", items[0]), ""))


def number(value: float) -> str:
    """A number as people write it: `0.5`, `1e-3`, `32`."""
    if isinstance(value, int):
        return repr(value)
    if not math.isfinite(value):
        return f'float("{value}")'
    text = _EXPONENT.sub(r"e\1\2", repr(value)).replace("e+", "e")
    if 0 < abs(value) < _SMALL and "e" not in text:
        digits = f"{value:.17e}".partition("e")
        short = repr(float(digits[0])).removesuffix(".0")
        candidate = _EXPONENT.sub(r"e\1\2", f"{short}e{digits[2]}")
        if float(candidate) == value and len(candidate) < len(text):
            return candidate
    return text


def _reciprocal(value: float) -> str:
    """A number without a short end as one divided by a number that has one, `1 / 255`; "" for others."""
    if isinstance(value, int) or not math.isfinite(value) or len(number(value)) < _LONG:
        return ""
    below = float(f"{1 / abs(value):.6g}")
    if 1 / below != abs(value):
        return ""
    return f"{'-' if value < 0 else ''}1 / {number(int(below) if below.is_integer() else below)}"


def quoted(text: str) -> str:
    """A string as a literal in double quotes, on one line, whatever it holds."""
    # A quote of each kind makes repr take single quotes, and escape those alone.
    inside = repr(text + "'\"")[1:-1].removesuffix("\\'\"").replace("\\'", "'")
    if '"' not in inside:
        return f'"{inside}"'
    if "'" not in text:
        return f"'{inside}'"
    doubles, singles = text.count('"'), text.count("'")
    if doubles > singles:
        return "'" + inside.replace("'", "\\'") + "'"
    return '"' + inside.replace('"', '\\"') + '"'


def flat(expression: Expression) -> str:
    """An expression on one line."""
    match expression:
        case str():
            return expression
        case Joined(text=text, value=value):
            return text + flat(value)
    inside = ", ".join(flat(item) for item in expression.items)
    if expression.opening == "()" and expression.items and expression.items[-1] == "":
        inside = f"{flat(expression.items[0])},"
    return f"{flat(expression.before)}{expression.opening[0]}{inside}{expression.opening[1]}"


def lines(expression: Expression, indent: int = 0, before: str = "", after: str = "") -> list[str]:
    """An expression as lines.

    Args:
        expression: the expression.
        indent: the steps of four columns to indent it.
        before: what stands in front of it on its first line: `x = `.
        after: what follows it on its last line: `,`.
    """
    margin = _INDENT * indent
    whole = f"{margin}{before}{flat(expression)}{after}"
    if len(whole) <= WIDTH or isinstance(expression, str):
        return [whole]
    if isinstance(expression, Joined):
        return lines(expression.value, indent, before + expression.text, after)
    if not expression.items:
        return lines(expression.before, indent, before, f"{expression.opening}{after}")
    opening, closing = expression.opening[0], expression.opening[1]
    head = f"{margin}{before}{flat(expression.before)}{opening}"
    if isinstance(expression.before, Brackets) and expression.before.items and len(head) > WIDTH:
        return _first_broken(expression, indent, before, after)
    return [head, *_body(expression, indent + 1), f"{margin}{closing}{after}"]


def _first_broken(expression: Brackets, indent: int, before: str, after: str) -> list[str]:
    """A call of what a call returned, the first pair of brackets broken and the second where it must be."""
    first = expression.before
    assert isinstance(first, Brackets)
    margin = _INDENT * indent
    opening, closing = expression.opening[0], expression.opening[1]
    head = [f"{margin}{before}{flat(first.before)}{first.opening[0]}", *_body(first, indent + 1)]
    last = f"{margin}{first.opening[1]}{flat(Brackets('', expression.opening, expression.items))}{after}"
    if len(last) <= WIDTH:
        return [*head, last]
    joint = f"{margin}{first.opening[1]}{opening}"
    return [*head, joint, *_body(expression, indent + 1), f"{margin}{closing}{after}"]


def _body(expression: Brackets, indent: int) -> list[str]:
    """What is inside of broken brackets: on one line where it fits and is a call's, or an item a line."""
    items = tuple(item for item in expression.items if item != "")
    is_call = expression.before != "" and expression.opening == "()"
    row = f"{_INDENT * indent}{', '.join(flat(item) for item in items)}"
    if is_call and len(row) <= WIDTH:
        return [row]
    return [line for item in items for line in lines(item, indent, after=",")]
