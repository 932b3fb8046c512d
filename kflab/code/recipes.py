"""The functions of `kflab.data.recipes` as a script takes them over: the very lines that kflab runs."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Mapping
from importlib import resources

import msgspec

from kflab.code.blocks import Block

_CALLED = re.compile(r"\b(\w+)\(")


class Recipe(msgspec.Struct, frozen=True):
    """One function.

    Attributes:
        block: its lines, without annotations.
        imports: the import statements that it needs.
        needs: the other functions that it calls.
    """

    block: Block
    imports: frozenset[str]
    needs: tuple[str, ...]


_IMPORTS = {
    "np.": "import numpy as np",
    "math.": "import math",
    "train_test_split(": "from sklearn.model_selection import train_test_split",
}


def with_needed(names: Iterable[str]) -> dict[str, Recipe]:
    """The functions that are named, and before each those that it calls."""
    found: dict[str, Recipe] = {}
    for name in names:
        recipe = _recipes()[name]
        found |= with_needed(recipe.needs)
        found[name] = recipe
    return found


@functools.cache
def _recipes() -> Mapping[str, Recipe]:
    source = resources.files("kflab.data").joinpath("recipes.py").read_text(encoding="utf-8")
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    names = {function.name for function in functions}
    lines = source.splitlines()
    return {function.name: _recipe(function, lines, names) for function in functions}


def _recipe(function: ast.FunctionDef, lines: list[str], names: set[str]) -> Recipe:
    body = lines[function.body[0].lineno - 1 : function.end_lineno]
    first = len(function.args.args) - len(function.args.defaults)
    arguments = [
        argument.arg
        if index < first
        else f"{argument.arg}={ast.unparse(function.args.defaults[index - first])}"
        for index, argument in enumerate(function.args.args)
    ]
    text = "\n".join(body)
    return Recipe(
        Block((f"def {function.name}({', '.join(arguments)}):", *body)),
        frozenset(statement for used, statement in _IMPORTS.items() if used in text),
        tuple(dict.fromkeys(name for name in _CALLED.findall(text) if name in names - {function.name})),
    )
