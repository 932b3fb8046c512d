"""How the statements of a loop are left before their end."""

from __future__ import annotations

from kflab.imports.python.things import Unknown


class BreakSignal(Exception):  # noqa: N818 - how a `break` leaves the statements around it
    """A `break` of the file."""


class ContinueSignal(Exception):  # noqa: N818 - how a `continue` leaves the statements around it
    """A `continue` of the file."""


class UnknownBreakSignal(Exception):  # noqa: N818 - how a loop ends of which nobody knows when it does
    """A `break` under a condition that is not known."""

    def __init__(self, test: Unknown) -> None:
        super().__init__()
        self.test = test
