"""Remembering the last results of a pure function of values that have no hash."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Result = TypeVar("Result")


class Recent(Generic[Key, Result]):
    """The last few results of a function, by the identity of what it was given.

    Values of the document are never changed in place, so that the same object means the same result.
    """

    def __init__(self, function: Callable[[Key], Result], keep: int = 8) -> None:
        self._function = function
        self._known: deque[tuple[Key, Result]] = deque(maxlen=keep)

    def __call__(self, value: Key) -> Result:
        """The function's result, worked out now or before."""
        # A copy is made in one step: another thread may be adding to it.
        for known, result in tuple(self._known):
            if known is value:
                return result
        result = self._function(value)
        self._known.append((value, result))
        return result


class ByIdentity(Generic[Key, Result]):
    """The results of a function for many small values, by their identity.

    An edit replaces the few nodes that it changes, and keeps the others as they are.
    """

    def __init__(self, function: Callable[[Key], Result], most: int = 50_000) -> None:
        self._function = function
        self._most = most
        self._known: dict[int, tuple[Key, Result]] = {}

    def __call__(self, value: Key) -> Result:
        """The function's result, worked out now or before."""
        known = self._known.get(id(value))
        if known is None:
            if len(self._known) >= self._most:
                self._known.clear()
            # The value is kept with its result, so that no other one can have its identity.
            known = self._known[id(value)] = (value, self._function(value))
        return known[1]
