"""Names of variables for the nodes, models and arrays of an experiment."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

RESERVED = frozenset(
    {
        *keyword.kwlist,
        *keyword.softkwlist,
        *dir(builtins),
        *("keras", "layers", "ops", "np", "named", "model", "callbacks"),
    }
)
"""What no variable of a node is called, because the script means something else by it."""

OWN = "own_"
"""What the functions begin with that the script itself defines for activations."""

_OTHER = re.compile(r"\W", re.ASCII)


class Names:
    """Gives out variables, each once in its scope.

    Args:
        taken: what the scope has besides.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*RESERVED, *taken}

    def take(self, name: str, fallback: str = "") -> str:
        """The variable for `name`: the name itself in lower case where that can be one.

        Args:
            name: what it stands for.
            fallback: what is added to the name where it is taken; nothing given: a number.
        """
        variable = _OTHER.sub("_", name).lower().strip("_") or "node"
        if variable[0].isdigit():
            variable = f"x_{variable}"
        if fallback and variable in self._taken:
            variable = f"{variable}_{fallback}"
        if variable in RESERVED or variable.startswith(OWN):
            variable += "_"
        unique, number = variable, 1
        while unique in self._taken:
            number += 1
            unique = f"{variable}_{number}"
        self._taken.add(unique)
        return unique
