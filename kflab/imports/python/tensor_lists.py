"""Tensors among the arguments of a call, alone and in lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kflab.imports.python.recorded import Tensor
from kflab.imports.python.things import Cause, Raised, Unreadable, causes_in


def all_known(positional: Sequence[object], named: Mapping[str, object]) -> None:
    """Ask that nothing a call is given is unknown.

    Raises:
        Unreadable: something is, with all causes.
    """
    causes: list[Cause] = causes_in([*positional, *named.values()])
    if causes:
        raise Unreadable(causes)


def holds_tensors(value: object) -> bool:
    """Whether a value is a tensor, or a list with one in it."""
    if isinstance(value, list | tuple | dict):
        return any(holds_tensors(item) for item in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, Tensor)


def flat(value: object) -> list[Tensor]:
    """The tensors in a tensor or a list of them.

    Raises:
        Raised: there is something else among them.
    """
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, list | tuple | dict):
        return [one for item in (value.values() if isinstance(value, dict) else value) for one in flat(item)]
    raise Raised("TypeError", "expected a list of tensors")


def tensors_in(values: Sequence[object]) -> list[object]:
    """All tensors among values, lists and mappings looked through."""
    found: list[object] = []
    waiting, seen = list(reversed(values)), set[int]()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple | dict) and id(value) not in seen:
            seen.add(id(value))
            waiting += reversed(list(value.values() if isinstance(value, dict) else value))
    return found
