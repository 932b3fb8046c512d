"""What evaluating a file asks about modules and about what is made of them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Protocol

from kflab.imports.python.things import Place, Unknown


class Library(Protocol):
    """What modules hold: names of Keras and others, and the objects that are made of them."""

    def knows(self, path: str) -> bool:
        """Whether a dotted name is there to be imported by a star."""

    def attribute(self, value: object, name: str, place: Place) -> object:
        """An attribute of a name of a module or of something of Keras."""

    def set_attribute(self, value: object, name: str, new: object, place: Place) -> None:
        """What setting an attribute of something of Keras does."""

    def call(
        self, value: object, positional: Sequence[object], named: Mapping[str, object], place: Place
    ) -> object:
        """What calling a name of a module or something of Keras gives."""

    def binary(self, operation: ast.AST, left: object, right: object, place: Place) -> object:
        """An operator or comparison where a side is something of Keras."""

    def unary(self, operation: ast.unaryop, value: object, place: Place) -> object:
        """A sign before something of Keras."""

    def item(self, value: object, key: object, place: Place) -> object:
        """`value[key]` of something of Keras."""

    def iterate(self, value: object, place: Place) -> list[object]:
        """The items of something of Keras."""

    def owns(self, value: object) -> bool:
        """Whether something is a tensor, a layer or model, or a name of Keras."""

    def called(self, value: object, name: str) -> None:
        """Take note of the variable that something was first given to."""

    def spoil(self, value: object, causes: Unknown) -> bool:
        """Take note that something may have been changed in a way that is unknown; false where it can not."""

    def is_instance(self, value: object, kind: object) -> bool | None:
        """Whether something is of a kind; None where that can not be told."""
