"""What kflab takes from inside Keras because no public name gives it. Nothing else may import `keras.src`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping


def identifiers(module: str) -> Mapping[str, object]:
    """The strings that `keras.<module>.get` accepts, each with the class or function it stands for.

    The public `get` answers for one string at a time and nothing public lists them, so short forms such as
    `mse`, `he_normal` or `l2` can only be known from the table that `get` looks them up in.
    """
    table = vars(importlib.import_module(f"keras.src.{module}")).get("ALL_OBJECTS_DICT", {})
    return {name: found for name, found in table.items() if isinstance(name, str)}


def dtypes() -> tuple[str, ...]:
    """The names of the dtypes that Keras knows.

    The public `standardize_dtype` takes or refuses one at a time, and nothing public lists them.
    """
    allowed = vars(importlib.import_module("keras.src.backend.common.dtypes")).get("ALLOWED_DTYPES", ())
    return tuple(name for name in allowed if isinstance(name, str))
