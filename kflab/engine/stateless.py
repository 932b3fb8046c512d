"""Work on Keras layers of any size without allocating a weight."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import keras

from kflab.engine.private import states_without_values

Result = TypeVar("Result")


class _Work(threading.Thread, Generic[Result]):
    """One piece of work inside a stateless scope, in a thread of its own."""

    def __init__(self, work: Callable[[], Result]) -> None:
        super().__init__(name="stateless", daemon=True)
        self._work = work
        self._result: list[Result] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            with keras.StatelessScope(initialize_variables=False), states_without_values():
                self._result.append(self._work())
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever asked, and is raised there
            self._error = error

    def outcome(self) -> Result:
        """What the work returned; waits for it, and raises what it raised."""
        self.start()
        self.join()
        if self._error is not None:
            raise self._error
        return self._result[0]


def without_weights(work: Callable[[], Result]) -> Result:
    """What `work` returns when it runs where Keras makes variables without values.

    Keras keeps the variables made in a stateless scope on a list of the thread, to give them values when it
    leaves the last such scope. The thread of this work ends with it, so the list ends, too: nothing that was
    built here is ever allocated, however large, and nothing piles up.
    """
    return _Work(work).outcome()
