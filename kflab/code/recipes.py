"""The functions that a script takes over: those that kflab itself runs, and a few that only scripts run."""

from __future__ import annotations

import ast
import copy
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


_SOURCES = ("recipes.py", "script_recipes.py")

_IMPORTS = {
    "np.": "import numpy as np",
    "math.": "import math",
    "train_test_split(": "from sklearn.model_selection import train_test_split",
    "ops.convert": "from keras import ops",
    "tf.data.": "import tensorflow as tf",
    "Image.": "from PIL import Image",
    "ImageOps.": "from PIL import ImageOps",
    "Path(": "from pathlib import Path",
}


def with_needed(names: Iterable[str]) -> dict[str, Recipe]:
    """The functions that are named, and before each those that it calls."""
    found: dict[str, Recipe] = {}
    for name in names:
        recipe = _recipes()[name]
        found |= with_needed(recipe.needs)
        found[name] = recipe
    return found


def recipe_names() -> frozenset[str]:
    """The names of all functions, which no variable beside them may have."""
    return frozenset(_recipes())


@functools.cache
def _recipes() -> Mapping[str, Recipe]:
    found: dict[str, tuple[ast.FunctionDef, list[str]]] = {}
    for file in _SOURCES:
        source = resources.files("kflab.data").joinpath(file).read_text(encoding="utf-8")
        lines = source.splitlines()
        functions = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
        found |= {function.name: (function, lines) for function in functions}
    return {name: _recipe(function, lines, set(found)) for name, (function, lines) in found.items()}


def _recipe(function: ast.FunctionDef, lines: list[str], names: set[str]) -> Recipe:
    body = lines[function.body[0].lineno - 1 : function.end_lineno]
    arguments = copy.deepcopy(function.args)
    for argument in (*arguments.args, *filter(None, (arguments.vararg,))):
        argument.annotation = None
    text = "\n".join(body)
    signature = ast.unparse(arguments).replace("'", '"')
    return Recipe(
        Block((f"def {function.name}({signature}):", *body)),
        frozenset(statement for used, statement in _IMPORTS.items() if used in text),
        tuple(dict.fromkeys(name for name in _CALLED.findall(text) if name in names - {function.name})),
    )
