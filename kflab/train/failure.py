"""A failure that nothing raised."""

from __future__ import annotations

from kflab.runs.events import Fault


class TrainingFailedError(Exception):
    """Training came to an end that is a failure; the text is the cause in one line.

    Args:
        cause: why.
        epochs: how many epochs were completed.
        fault: what kind of thing went wrong.
    """

    def __init__(self, cause: str, epochs: int, fault: Fault = Fault.NONE) -> None:
        super().__init__(cause)
        self.epochs, self.fault = epochs, fault
