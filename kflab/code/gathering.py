"""Inputs and targets of each split, gathered as a model takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kflab.code.layout import WIDTH, listed
from kflab.code.splitting import Values
from kflab.code.statements import Statements


def gather(
    name: str, places: Sequence[tuple[str, str] | None], values: Values, code: Statements
) -> dict[str, str]:
    """Write what stands for all inputs or targets of each part.

    Args:
        name: `x` or `y`.
        places: an array and what shapes it, for each input or output; nothing where there is no target.
        values: the code of each array in each part.
        code: what the statements are added to.

    Returns:
        The expression of each part.
    """
    if len(places) == 1 and places[0] is not None:
        (array, change) = places[0]
        return _gather_one(name, {part: f"{has[array]}{change}" for part, has in values.items()}, code)
    arrays = [place[0] for place in places if place is not None and not place[1]]
    indexed = [part for part, has in values.items() if all("[" in has[array] for array in arrays)]
    if len(arrays) == len(places) and len(indexed) > 1:
        whole = [variable_of(values["train"][array]) for array in arrays]
        code.assign(name, listed(whole))
        targets = ", ".join(f"{name}_{part}" for part in indexed)
        code.lines.append(
            f"{targets} = ([array[rows] for array in {name}] for rows in ({', '.join(indexed)}))"
        )
    else:
        indexed = []
    for part in (part for part in values if part not in indexed):
        items = ("None" if one is None else f"{values[part][one[0]]}{one[1]}" for one in places)
        code.assign(f"{name}_{part}", listed(items))
    return {part: f"{name}_{part}" for part in values}


def _gather_one(name: str, whole: Mapping[str, str], code: Statements) -> dict[str, str]:
    changed = {f"{name}_{part}": value for part, value in whole.items() if not value.isidentifier()}
    line = f"{', '.join(changed)} = {', '.join(changed.values())}"
    if changed and len(line) <= WIDTH:
        code.lines.append(line)
    else:
        # The training samples last: the others may be taken from the same variable.
        for target, value in reversed(changed.items()):
            code.assign(target, value)
    return {part: value if value.isidentifier() else f"{name}_{part}" for part, value in whole.items()}


def variable_of(expression: str) -> str:
    """The variable that an expression takes rows of."""
    return expression.partition("[")[0]
