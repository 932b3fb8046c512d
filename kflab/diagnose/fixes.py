"""Fixes: edits of an experiment as data, so that they can be shown, sent and applied on one key."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from kflab.values import Arguments, Value


class Assign(msgspec.Struct, frozen=True, tag="assign"):
    """A setting of the document gets a value; None takes it away, so that its default holds.

    Attributes:
        path: the way to it, as keys of the document: `("model", "nodes", "digit", "Dense", "units")`.
        value: the new value.
    """

    path: tuple[str, ...]
    value: Value


class InsertAfter(msgspec.Struct, frozen=True, tag="insert_after", omit_defaults=True):
    """A new layer between a node and all that uses it."""

    node: str
    layer: str
    arguments: Arguments = {}
    graph: str = ""


class Remove(msgspec.Struct, frozen=True, tag="remove", omit_defaults=True):
    """A node is taken out; what it was fed with feeds what used it."""

    node: str
    graph: str = ""


Step: TypeAlias = Assign | InsertAfter | Remove


class Fix(msgspec.Struct, frozen=True, omit_defaults=True):
    """What mends a finding.

    Attributes:
        title: what it does, as a person would say it: `use SparseCategoricalCrossentropy`.
        steps: the edits, in order.
        safe: it changes nothing but what is wrong; `kflab check --fix` applies only safe ones.
    """

    title: str
    steps: tuple[Step, ...]
    safe: bool = True
