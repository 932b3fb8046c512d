"""Values of arguments as a person sees and types them."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kflab.catalog import Argument, ArgumentKind, Kind, load
from kflab.catalog.literals import parse, write
from kflab.catalog.text import format_value, parse_value

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def argument(kind: ArgumentKind, *, nullable: bool = False, choices: tuple[str, ...] = ()) -> Argument:
    return Argument("thing", kind, nullable=nullable, choices=choices)


@given(VALUES)
def test_what_is_written_reads_as_the_same_value(value):
    assert parse(write(value)) == value
    assert type(parse(write(value))) is type(value)


@given(VALUES)
def test_a_value_takes_one_line(value):
    assert len(write(value).splitlines()) <= 1 or "\n" not in write(value)


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        (ArgumentKind.FLOAT, "1/255", 1 / 255),
        (ArgumentKind.FLOAT, "1./127.5", 1 / 127.5),
        (ArgumentKind.FLOATS, "1/4, -3 / 4", [0.25, -0.75]),
        (ArgumentKind.TEXT, "1/255", "1/255"),
    ],
)
def test_a_fraction_is_a_number_where_a_number_is_meant(kind, typed, value):
    assert parse_value(argument(kind), typed) == value


@pytest.mark.parametrize("typed", ["1/0", f"{'9' * 400}/2", "1/x", "1/2/3"])
def test_what_is_no_fraction_is_refused(typed):
    with pytest.raises(ValueError, match="expected a number"):
        parse_value(argument(ArgumentKind.FLOAT), typed)


@given(st.text(max_size=60))
def test_whatever_is_typed_gives_a_value_or_a_value_error(text):
    for kind in ArgumentKind:
        choices = ("valid", "same") if kind is ArgumentKind.CHOICE else ()
        with contextlib.suppress(ValueError):
            parse_value(argument(kind, choices=choices), text)


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        (ArgumentKind.INT, "32", 32),
        (ArgumentKind.FLOAT, "1e-3", 0.001),
        (ArgumentKind.FLOAT, " .5 ", 0.5),
        (ArgumentKind.BOOL, "True", True),
        (ArgumentKind.BOOL, "false", False),
        (ArgumentKind.INTS, "3", 3),
        (ArgumentKind.INTS, "3,3", [3, 3]),
        (ArgumentKind.INTS, "(3, 3)", [3, 3]),
        (ArgumentKind.INTS, "((1, 1), (2, 2))", [[1, 1], [2, 2]]),
        (ArgumentKind.SHAPE, "10", [10]),
        (ArgumentKind.SHAPE, "28, none, 1", [28, None, 1]),
        (ArgumentKind.SHAPE, "(10,)", [10]),
        (ArgumentKind.TEXT, "logs/run: 1, 2", "logs/run: 1, 2"),
        (ArgumentKind.TEXT, "12", "12"),
        (ArgumentKind.TEXT, '"none"', "none"),
        (ArgumentKind.INITIALIZER, "HeNormal", "HeNormal"),
        (ArgumentKind.INITIALIZER, "HeNormal(seed=1)", {"HeNormal": {"seed": 1}}),
        (ArgumentKind.INITIALIZER, "{HeNormal: {seed: 1}}", {"HeNormal": {"seed": 1}}),
        (ArgumentKind.SCHEDULE, "0.01", 0.01),
        (ArgumentKind.LAYER, "LSTM(units=8, activation=relu)", {"LSTM": {"units": 8, "activation": "relu"}}),
    ],
)  # fmt: skip
def test_people_type_values_in_many_ways(kind, typed, value):
    assert parse_value(argument(kind), typed) == value


def test_nothing_typed_is_none_where_none_is_a_value():
    assert parse_value(argument(ArgumentKind.INT, nullable=True), "") is None
    assert parse_value(argument(ArgumentKind.TEXT, nullable=True), "None") is None


def test_choices_are_found_in_any_case():
    assert parse_value(argument(ArgumentKind.CHOICE, choices=("valid", "same")), "SAME") == "same"


@pytest.mark.parametrize(
    ("kind", "typed", "message"),
    [
        (ArgumentKind.INT, "abc", "expected a whole number, got abc"),
        (ArgumentKind.INT, "3.5", "expected a whole number, got 3.5"),
        (ArgumentKind.INT, "true", "expected a whole number, got true"),
        (ArgumentKind.INT, "", "expected a whole number"),
        (ArgumentKind.INTS, "(3, 3", "expected a whole number or a list of them; ')' is missing"),
        (ArgumentKind.INITIALIZER, "HeNormall", "unknown initializer 'HeNormall'; did you mean HeNormal"),
        (ArgumentKind.INITIALIZER, "HeNormal(sed=1)", "has no argument 'sed'; did you mean seed"),
    ],
)
def test_what_does_not_fit_says_what_was_expected(kind, typed, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_value(argument(kind), typed)


def test_every_default_of_the_catalog_can_be_shown_and_typed_again():
    for kind in Kind:
        for entry in load().entries(kind):
            for known in entry.arguments:
                if known.default is not None and not entry.unsafe:
                    typed = parse_value(known, format_value(known.default))
                    assert typed == known.default, f"{entry.name}.{known.name}"
