"""What may be chosen where Keras takes a dtype or another layer: found by trying it out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import keras
import msgspec

from kflab.catalog.entries import Argument, ArgumentKind, Entry, Kind
from kflab.engine import objects, private, trial
from kflab.engine.trial import refusal_counts_as_no

_DTYPE = "dtype"


def added(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with the dtypes and the layers that can be chosen for their arguments as choices."""
    layers = {
        entry.name: make
        for entry in entries
        if entry.kind is Kind.LAYER
        and not entry.unsafe
        and (make := trial.maker(objects.find(Kind.LAYER, entry.name), entry.arguments))
    }
    return [
        msgspec.structs.replace(
            entry, arguments=tuple(_with_choices(entry, argument, layers) for argument in entry.arguments)
        )
        for entry in entries
    ]


def _with_choices(entry: Entry, argument: Argument, layers: dict[str, Callable[..., object]]) -> Argument:
    choices: tuple[str, ...] = ()
    if argument.kind is ArgumentKind.LAYER and not entry.unsafe:
        choices = _layers(entry, argument, layers)
    elif argument.kind is ArgumentKind.TEXT and argument.name.endswith(_DTYPE):
        choices = _dtypes(entry, argument)
    return msgspec.structs.replace(argument, choices=choices) if choices else argument


def _dtypes(entry: Entry, argument: Argument) -> tuple[str, ...]:
    """The names of the dtypes that an argument takes; those of policies where they are for computing."""
    is_called = entry.kind in {Kind.LOSS, Kind.METRIC} or bool(entry.tensors and entry.kind is Kind.LAYER)
    make = None
    if entry.kind is not Kind.OP and not entry.unsafe:
        make = trial.maker(objects.find(entry.kind, entry.name), entry.arguments)
    computes = is_called and argument.name == _DTYPE
    for names in (_policies() if computes else (), private.dtypes()):
        taken = tuple(name for name in names if make is None or trial.accepts(make, argument.name, name))
        if taken:
            return taken
    return ()


def _layers(entry: Entry, argument: Argument, layers: dict[str, Callable[..., object]]) -> tuple[str, ...]:
    """The layers that an argument takes; nothing where it takes every one."""
    target = objects.find(Kind.LAYER, entry.name)
    rest = {one.name: trial.sample(one) for one in entry.arguments if one.required and one != argument}
    taken = []
    for name, make in layers.items():
        with refusal_counts_as_no():
            made = make()
            target(**rest, **{argument.name: [made] if argument.name.endswith("s") else made})
            taken.append(name)
    return tuple(taken) if len(taken) < len(layers) else ()


@functools.cache
def _policies() -> tuple[str, ...]:
    """The names of dtype policies that a layer with weights computes with, the default of Keras first."""
    taken = []
    plain = sorted(private.dtypes(), key=lambda name: name != keras.config.floatx())
    for name in (*plain, *(f"mixed_{dtype}" for dtype in plain)):
        with refusal_counts_as_no():
            layer = keras.layers.Dense(2, dtype=name)
            if keras.backend.is_float_dtype(layer(keras.KerasTensor((2, 2))).dtype):
                taken.append(name)
    return tuple(taken)
