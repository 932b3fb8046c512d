"""The values of arguments as a person sees and types them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import kflab.catalog
from kflab.catalog.check import check_value, expected
from kflab.catalog.entries import Argument, ArgumentKind
from kflab.catalog.literals import parse, write
from kflab.values import Value

_NUMBERS = {ArgumentKind.FLOAT, ArgumentKind.FLOATS, ArgumentKind.SCHEDULE}
_FRACTION = re.compile(r"([-+]?\d+\.?\d*) ?/ ?(\d+\.?\d*)")


def format_value(value: Value) -> str:
    """A value in one line: `none`, `true`, `0.5`, `[3, 3]`, `relu`, `HeNormal(seed=1)`."""
    return write(value)


def parse_value(argument: Argument, text: str) -> Value:
    """The value that a person typed for an argument.

    Numbers and fractions (`1/255`), lists with or without brackets (`3,3`), `none`, `true` and `false`,
    choices in any case. Other objects come as `HeNormal`, `HeNormal(seed=1)` or `{HeNormal: {seed: 1}}`. A
    single number is a shape of one axis.

    Raises:
        ValueError: it does not fit; the text says what was expected.
    """
    text = text.strip()
    if argument.kind is ArgumentKind.TEXT:
        return _parse_text(argument, text)
    value = _read(argument, text)
    if value is None and argument.nullable:
        return None
    if argument.kind is ArgumentKind.CHOICE:
        return _choice(argument, value)
    value = _bent(argument.kind, value)
    if argument.kind in _NUMBERS:
        value = _divided(value)
    problem = next(iter(check_value(argument, value, kflab.catalog.load())), None)
    if problem is not None:
        raise ValueError(": ".join((*problem.path[:1], problem.message)))
    return value


def _read(argument: Argument, text: str) -> Value:
    if not text:
        if argument.nullable:
            return None
        raise ValueError(f"expected {expected(argument)}")
    try:
        return parse(text)
    except ValueError as error:
        hint = "; put text in quotation marks" if argument.kind is ArgumentKind.ANY else ""
        raise ValueError(f"expected {expected(argument)}; {error}{hint}") from None


def _parse_text(argument: Argument, text: str) -> str | None:
    """Text is taken as it was typed, but for quotation marks around it."""
    try:
        value = parse(text)
    except ValueError:
        return text
    if value is None and argument.nullable:
        return None
    return value if isinstance(value, str) else text


def _choice(argument: Argument, value: Value) -> str:
    by_lower = {choice.lower(): choice for choice in argument.choices}
    choice = by_lower.get(str(value).lower())
    if choice is None:
        raise ValueError(f"expected {expected(argument)}, got {write(value)}")
    return choice


def _divided(value: Value) -> Value:
    """The value with fractions worked out, as people write the scale of an image: `1/255`."""
    if isinstance(value, str) and (fraction := _FRACTION.fullmatch(value)):
        above, below = float(fraction[1]), float(fraction[2])
        return above / below if below and math.isfinite(above) else value
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_divided(item) for item in value]
    return value


def _bent(kind: ArgumentKind, value: Value) -> Value:
    """A single value as the list of one where a list is meant."""
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    if kind in {ArgumentKind.SHAPE, ArgumentKind.LIST} and not is_list and value is not None:
        return [value]
    return value
