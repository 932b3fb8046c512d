"""Arguments held against the catalog: what surely cannot work, and why.

Keras has the last word on what passes here, so nothing that it accepts is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from kflab.catalog import Catalog
from kflab.catalog.entries import Argument, ArgumentKind, Entry, Kind
from kflab.catalog.literals import write
from kflab.errors import did_you_mean
from kflab.values import Arguments, Value

OBJECT_KINDS: Mapping[ArgumentKind, Kind] = {
    ArgumentKind.LAYER: Kind.LAYER,
    ArgumentKind.SCHEDULE: Kind.SCHEDULE,
    ArgumentKind.INITIALIZER: Kind.INITIALIZER,
    ArgumentKind.REGULARIZER: Kind.REGULARIZER,
    ArgumentKind.CONSTRAINT: Kind.CONSTRAINT,
    ArgumentKind.ACTIVATION: Kind.ACTIVATION,
    ArgumentKind.LOSS: Kind.LOSS,
    ArgumentKind.METRIC: Kind.METRIC,
    ArgumentKind.OPTIMIZER: Kind.OPTIMIZER,
}
"""The kinds of arguments that name another object of Keras, and the kind of that object."""

TABLE_ARGUMENT = "schedule"
"""The argument that also takes a table of epochs and learning rates: that of `LearningRateScheduler`."""

_LONGEST = 60
_EXPECTED = {
    ArgumentKind.INT: "a whole number",
    ArgumentKind.FLOAT: "a number",
    ArgumentKind.BOOL: "true or false",
    ArgumentKind.TEXT: "text",
    ArgumentKind.INTS: "a whole number or a list of them",
    ArgumentKind.FLOATS: "a number or a list of them",
    ArgumentKind.SHAPE: "a shape such as [28, 28, 1] (null where a size varies)",
    ArgumentKind.LIST: "a list",
    ArgumentKind.MAPPING: "a mapping of names to values",
    ArgumentKind.ANY: "a value",
    ArgumentKind.SCHEDULE: "a number or a learning-rate schedule",
    ArgumentKind.LAYER: "a layer such as Dense(units=8)",
}


class Problem(msgspec.Struct, frozen=True):
    """Something that is wrong with arguments.

    Attributes:
        path: where, from the argument's name inwards; empty when it is about the entry itself.
        message: what was expected and what came.
        missing: a required argument is not there, as in an experiment that is not finished yet.
    """

    path: tuple[str, ...]
    message: str
    missing: bool = False


def check_arguments(entry: Entry, arguments: Arguments, catalog: Catalog) -> Iterator[Problem]:
    """What is wrong with the arguments of an entry: unknown, missing or of the wrong kind."""
    if entry.unsafe:
        yield Problem(
            (),
            f"{entry.name} holds code, which a document cannot carry; use a layer or an operation of "
            "keras.ops",
        )
        return
    known = [argument.name for argument in entry.arguments]
    for name, value in arguments.items():
        argument = entry.argument(name)
        if argument is None:
            takes = "" if known else "; it takes none"
            yield Problem(
                (name,), f"{entry.name} has no argument {name!r}{did_you_mean(name, known) or takes}"
            )
        else:
            yield from check_value(argument, value, catalog, (name,))
    for argument in entry.arguments:
        if argument.required and argument.name not in arguments:
            yield Problem(
                (argument.name,), f"{entry.name} needs {argument.name!r}: {expected(argument)}", missing=True
            )


def check_value(
    argument: Argument, value: Value, catalog: Catalog, path: tuple[str, ...] = ()
) -> Iterator[Problem]:
    """What is wrong with the value of one argument; `path` is where it stands."""
    kind = argument.kind
    if value is None:
        fits = argument.nullable or kind is ArgumentKind.ANY
    elif kind in OBJECT_KINDS:
        yield from _check_object(argument, value, catalog, path)
        return
    else:
        fits = _fits(argument, value)
    if not fits:
        yield _mismatch(argument, value, path)


def expected(argument: Argument) -> str:
    """What an argument takes, in words."""
    if argument.kind is ArgumentKind.CHOICE:
        words = _one_of(argument.choices)
    elif argument.kind in _EXPECTED:
        words = _EXPECTED[argument.kind]
    else:
        words = f"the name of {_article(argument.kind)} {argument.kind}"
    return f"{words}, or none" if argument.nullable else words


def _one_of(choices: Sequence[str]) -> str:
    *first, last = choices
    return f"{', '.join(first)} or {last}" if first else last


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _mismatch(argument: Argument, value: Value, path: tuple[str, ...]) -> Problem:
    shown = write(value)
    if len(shown) > _LONGEST:
        shown = f"{shown[: _LONGEST - 1]}…"
    return Problem(path, f"expected {expected(argument)}, got {shown}")


def _fits(argument: Argument, value: Value) -> bool:
    """Whether a value that is neither null nor names an object is of the argument's kind."""
    match argument.kind:
        case ArgumentKind.INT:
            return _is_int(value)
        case ArgumentKind.FLOAT:
            return _is_number(value)
        case ArgumentKind.BOOL:
            return isinstance(value, bool) or (isinstance(value, int) and value in {0, 1})
        case ArgumentKind.TEXT:
            return isinstance(value, str)
        case ArgumentKind.CHOICE:
            return isinstance(value, str) and _is_choice(argument, value)
        case ArgumentKind.INTS | ArgumentKind.SHAPE:
            return _all(value, _is_int)
        case ArgumentKind.FLOATS:
            return _all(value, _is_number)
        case ArgumentKind.LIST:
            return isinstance(value, Sequence) and not isinstance(value, str)
        case ArgumentKind.MAPPING:
            return isinstance(value, Mapping)
    return True


def _is_choice(argument: Argument, value: str) -> bool:
    """Whether a string is a choice. Keras lowers the case of most itself and takes "none" for None."""
    lower = value.lower()
    return lower in {choice.lower() for choice in argument.choices} or (lower == "none" and argument.nullable)


def _is_int(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _all(value: Value, fits: Callable[[Value], bool]) -> bool:
    """Whether a value fits, or is a list of what fits or is null, lists in lists among it."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(item is None or _all(item, fits) for item in value)
    return fits(value)


def _check_object(
    argument: Argument, value: Value, catalog: Catalog, path: tuple[str, ...]
) -> Iterator[Problem]:
    kind = OBJECT_KINDS[argument.kind]
    if kind is Kind.SCHEDULE and (_is_number(value) or (argument.name == TABLE_ARGUMENT and is_table(value))):
        return
    if kind is Kind.LAYER and isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            yield from check_value(argument, item, catalog, (*path, str(index)))
        return
    named = named_object(value)
    if named is None:
        yield _mismatch(argument, value, path)
        return
    name, arguments = named
    entry = catalog.find(kind, name)
    if entry is None:
        yield Problem(path, f"unknown {kind} {name!r}{did_you_mean(name, catalog.names(kind))}")
        return
    for problem in check_arguments(entry, arguments, catalog):
        yield Problem((*path, entry.name, *problem.path), problem.message, problem.missing)


def named_object(value: Value) -> tuple[str, Arguments] | None:
    """The name and the arguments of an object written as `"Name"` or `{Name: {arguments}}`, if it is one."""
    if isinstance(value, str):
        return value, {}
    if isinstance(value, Mapping) and len(value) == 1:
        name, arguments = next(iter(value.items()))
        if arguments is None or isinstance(arguments, Mapping):
            return name, arguments or {}
    return None


def is_table(value: Value) -> bool:
    """Whether a value is a table of epochs and learning rates: `{"0": 0.1, "10": 0.01}`."""
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(str(epoch).isdecimal() and _is_number(rate) for epoch, rate in value.items())
    )
