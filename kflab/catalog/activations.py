"""Activations that have arguments, and the layers that do the same."""

from __future__ import annotations

from collections.abc import Iterable

import kflab.catalog
from kflab.catalog.entries import Entry, Kind


def same_layer(activation: str, arguments: Iterable[str]) -> Entry | None:
    """The layer that does what an activation does and takes the same arguments, if there is one.

    Args:
        activation: the name of the activation: `leaky_relu`.
        arguments: the names of the arguments that it is given.
    """
    names = tuple(arguments)
    for entry in kflab.catalog.load().groups(Kind.LAYER).get("activation", ()):
        if entry.name.lower() == activation.replace("_", "") and all(map(entry.argument, names)):
            return entry
    return None
