"""Statements of a script, and what they need besides."""

from __future__ import annotations

import msgspec

from kflab.code.layout import Expression, lines


class Statements(msgspec.Struct):
    """Statements that follow each other.

    Attributes:
        lines: the statements.
        imports: the import statements that they need.
        recipes: the functions of `kflab.data.recipes` that they call.
    """

    lines: list[str] = []
    imports: set[str] = set()
    recipes: list[str] = []

    def assign(self, targets: str, expression: Expression) -> None:
        """Add an assignment."""
        self.lines += lines(expression, before=f"{targets} = ")
