"""Methods of models that a Python file calls: those that build, compile and train them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from kflab.imports.python.models import Models
from kflab.imports.python.recorded import Compiled, DataArray, ModelObject
from kflab.imports.python.things import Place

_NO_RESULT = frozenset({"summary", "save", "save_weights", "export", "reset_states"})
_COMPILE = ("optimizer", "loss", "loss_weights", "metrics")
_FIT = ("x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split")


class Asked(NamedTuple):
    """A call of a method of a model."""

    models: Models
    model: ModelObject
    positional: Sequence[object]
    named: Mapping[str, object]
    place: Place

    def given(self, *names: str) -> dict[str, object]:
        """The arguments by name, where the positional ones are called so."""
        return {**dict(zip(names, self.positional, strict=False)), **self.named}


def call(name: str, asked: Asked) -> object:
    """What a method of a model gives.

    Raises:
        Unreadable: it cannot be told.
        Raised: the file would raise an exception.
    """
    method = _METHODS.get(name)
    if method is not None:
        return method(asked)
    return None if name in _NO_RESULT else asked.place.unknown("is not read", definable=True)


def _add(asked: Asked) -> object:
    asked.models.add(asked.model, asked.given("layer").get("layer"), asked.place)
    return None


def _pop(asked: Asked) -> object:
    asked.model.realized = -1
    return asked.model.stack.pop() if asked.model.stack else None


def _get_layer(asked: Asked) -> object:
    given = asked.given("name", "index")
    return asked.models.find_layer(asked.model, given.get("name"), given.get("index"))


def _build(asked: Asked) -> object:
    asked.models.build(asked.model, asked.given("input_shape").get("input_shape"), asked.place)
    return None


def _compile(asked: Asked) -> object:
    asked.model.compiled = Compiled(asked.given(*_COMPILE), asked.place)
    return None


def _fit(asked: Asked) -> object:
    asked.model.fitted = asked.model.fitted or Compiled(asked.given(*_FIT), asked.place)
    samples = asked.given(*_FIT).get("x")
    if isinstance(samples, DataArray) and len(samples.shape) > 1:
        asked.models.feed(asked.model, samples.shape, asked.place)
    return asked.place.unknown("is the history of a training")


def _load_weights(asked: Asked) -> object:
    given = asked.given("filepath").get("filepath")
    asked.models.note(
        f"the weights of {given if isinstance(given, str) else 'a file'} are not brought along; "
        "training.initial_weights names a file to start from",
        asked.place.line,
    )
    return None


def _call(asked: Asked) -> object:
    return asked.models.call_model(asked.model, asked.positional, asked.named, asked.place)


_METHODS: Mapping[str, Callable[[Asked], object]] = {
    "add": _add,
    "pop": _pop,
    "get_layer": _get_layer,
    "build": _build,
    "compile": _compile,
    "fit": _fit,
    "fit_generator": _fit,
    "load_weights": _load_weights,
    "call": _call,
    "__call__": _call,
}
