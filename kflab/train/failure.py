"""A failure that nothing raised."""

from __future__ import annotations


class TrainingFailedError(Exception):
    """Training came to an end that is a failure; the text is the cause in one line.

    Args:
        cause: why.
        epochs: how many epochs were completed.
    """

    def __init__(self, cause: str, epochs: int) -> None:
        super().__init__(cause)
        self.epochs = epochs
