"""The architectures of `keras.applications` by name: `applications:ResNet50(classes=10)`."""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from typing import cast

import keras

from kflab.engine.objects import complaint
from kflab.engine.stateless import without_weights
from kflab.errors import did_you_mean
from kflab.imports import ImportRefusedError
from kflab.imports.sources import APPLICATIONS
from kflab.values import Value

WEIGHTS = "weights"
_NO_NETWORK = "URL fetch failure"


def names() -> tuple[str, ...]:
    """Every architecture that the installed Keras offers."""
    return tuple(name for name, found in sorted(vars(keras.applications).items()) if _is_architecture(found))


def _is_architecture(found: object) -> bool:
    return inspect.isfunction(found) and WEIGHTS in inspect.signature(found).parameters


def describe(text: str) -> Mapping[str, Value]:
    """What Keras' `to_json` says of an architecture; nothing is allocated and no weights are fetched.

    Args:
        text: its name, and its arguments in brackets if it has any.

    Raises:
        ImportRefusedError: there is none of that name, or it does not take the arguments.
    """
    function, arguments = _asked_for(text)
    arguments[WEIGHTS] = None
    described: str = without_weights(lambda: _called(function, arguments, text).to_json())
    return cast(Mapping[str, Value], json.loads(described))


def load(text: str) -> keras.Model:
    """An architecture with its weights, fetched where they are not in Keras' cache.

    Raises:
        ImportRefusedError: there is none of that name, it does not take the arguments, or its weights can not
            be had.
    """
    function, arguments = _asked_for(text)
    return _called(function, arguments, text)


def _called(function: Callable[..., object], arguments: Mapping[str, object], text: str) -> keras.Model:
    try:
        with contextlib.redirect_stdout(sys.stderr):  # it prints how far the download is
            return function(**arguments)
    except Exception as error:
        why = complaint(function.__name__, error)
        if (
            arguments.get(WEIGHTS) and isinstance(error, OSError | ConnectionError)
        ) or "URL fetch failure" in why:
            why = f"its weights cannot be fetched: {why}; without --weights none are needed"
        raise ImportRefusedError(why, file=f"{APPLICATIONS}{text}") from error


def _asked_for(text: str) -> tuple[Callable[..., object], dict[str, object]]:
    """The function and the arguments in a text such as `ResNet50(classes=10)`; only literals are read."""
    file = f"{APPLICATIONS}{text}"
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ImportRefusedError(
            "expected a name such as ResNet50, or ResNet50(classes=10)", file=file
        ) from None
    called, given = (tree.func, tree) if isinstance(tree, ast.Call) else (tree, None)
    name = called.id if isinstance(called, ast.Name) else ""
    if name not in names():
        hint = did_you_mean(name, names()) or f"; `kflab import {APPLICATIONS}` lists all"
        raise ImportRefusedError(f"keras.applications has no {name or text!r}{hint}", file=file)
    function = cast(Callable[..., object], getattr(keras.applications, name))
    return function, _arguments(function, given, file)


def _arguments(function: Callable[..., object], call: ast.Call | None, file: str) -> dict[str, object]:
    if call is None:
        return {}
    signature = inspect.signature(function)
    try:
        positional = [ast.literal_eval(argument) for argument in call.args]
        named = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (ValueError, TypeError, MemoryError, RecursionError):
        raise ImportRefusedError(
            "its arguments must be plain values: numbers, texts, tuples", file=file
        ) from None
    for name in named:
        if name not in signature.parameters:
            hint = did_you_mean(name, signature.parameters) or f"; it takes {', '.join(signature.parameters)}"
            raise ImportRefusedError(f"{function.__name__} has no argument {name!r}{hint}", file=file)
    try:
        return dict(signature.bind_partial(*positional, **named).arguments)
    except TypeError as error:
        raise ImportRefusedError(f"{function.__name__}: {error}", file=file) from None
