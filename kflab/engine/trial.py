"""Classes of Keras tried out with sample arguments, to learn what neither signature nor words tell."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence

import keras
import msgspec

from kflab.catalog.entries import Argument, ArgumentKind

_NO_CHOICE = "no such choice"
_QUOTED = re.compile(r"""["'](\w[\w.+-]*)["']""")
_SAMPLES = {
    ArgumentKind.FLOAT: 0.5,
    ArgumentKind.FLOATS: 0.5,
    ArgumentKind.SHAPE: (2,),
    ArgumentKind.ACTIVATION: "relu",
}
_NESTED = (keras.layers.Dense, keras.layers.SimpleRNN, keras.layers.SimpleRNNCell)


@contextlib.contextmanager
def refusal_counts_as_no() -> Iterator[None]:
    """What Keras or its backend raise on what does not fit depends on the class and the backend."""
    with contextlib.suppress(Exception):
        yield


def maker(target: Callable[..., object], arguments: Sequence[Argument]) -> Callable[..., object] | None:
    """What makes an object with samples for the arguments that it needs, if any do; others can be given."""
    required = [argument for argument in arguments if argument.required]
    for nested in _NESTED:

        def make(nested: type[keras.Layer] = nested, **given: object) -> object:
            return target(**{argument.name: sample(argument, nested) for argument in required} | given)

        with refusal_counts_as_no():
            make()
            return make
    return None


def sample(argument: Argument, nested: type[keras.Layer] = keras.layers.Dense) -> object:
    """Something that an argument of this kind may take."""
    if argument.kind is ArgumentKind.LAYER:
        return [nested(2)] if argument.name.endswith("s") else nested(2)
    if argument.choices:
        return argument.choices[0]
    return _SAMPLES.get(argument.kind, 2)


def taken(
    target: Callable[..., object], arguments: Sequence[Argument], others: Iterable[Argument]
) -> Iterator[Argument]:
    """Those of the other arguments that an object can be made with, as far as one can be made at all."""
    make = maker(target, arguments)
    for argument in others:
        if make is None or accepts(make, argument.name, argument.default):
            yield argument


def accepts(make: Callable[..., object], name: str, value: object) -> bool:
    """Whether an object can be made with this value of an argument."""
    try:
        make(**{name: value})
    except Exception:  # noqa: BLE001 - what is raised on what does not fit depends on the class
        return False
    return True


def with_all_choices(target: Callable[..., object], arguments: Sequence[Argument]) -> list[Argument]:
    """The arguments, each choice with the strings that Keras names when it is given a wrong one."""
    make = maker(target, arguments) if any(argument.choices for argument in arguments) else None
    if make is None:
        return list(arguments)
    return [
        msgspec.structs.replace(argument, choices=(*argument.choices, *_further(make, argument)))
        if argument.kind is ArgumentKind.CHOICE
        else argument
        for argument in arguments
    ]


def _further(make: Callable[..., object], argument: Argument) -> Iterator[str]:
    """The strings that the words on an argument leave out though Keras names and takes them."""
    try:
        with warnings.catch_warnings(action="ignore"):
            make(**{argument.name: _NO_CHOICE})
    except Exception as error:  # noqa: BLE001 - whatever it raises, its text is what is wanted
        named = _QUOTED.findall(str(error))
    else:
        return
    for choice in sorted(set(named) - {*argument.choices, argument.name, "none", "None"}):
        with refusal_counts_as_no():
            make(**{argument.name: choice})
            yield choice
