"""How much work reading one file may be, so that no file hangs or fills the memory."""

from __future__ import annotations

from collections.abc import Sized

from kflab.imports import ImportRefusedError

STEPS = 600_000
"""Steps of work at most, each of some microseconds. A model of 1,000 layers takes 60,000."""

CALL = 30
"""The steps that making or calling something of Keras costs."""

ROUND = 4
"""The steps that a round of a comprehension costs."""

CALLS_DEEP = 40
"""So deep functions of the file may call each other."""

ITEMS = 200_000
"""Items of a list or characters of a text at most."""

BITS = 4_096
"""Binary digits of a whole number at most."""


class OverBudgetError(ImportRefusedError):
    """The file does more than reading a model takes."""


class Budget:
    """What is left of the work that one file may be."""

    def __init__(self, steps: int = STEPS) -> None:
        self._left = steps
        self.line = 0
        self.depth = 0

    def spend(self, steps: int = 1) -> None:
        """Take steps of what is left.

        Raises:
            OverBudgetError: nothing is left.
        """
        self._left -= steps
        if self._left < 0:
            self.refuse(
                "it does more work than reading a model takes; take the part out that builds the model"
            )

    def half(self) -> int:
        """What is to be left after a loop, so that one without an end leaves something for what follows."""
        return self._left // 2

    def is_below(self, steps: int) -> bool:
        """Whether less than so much is left."""
        return self._left < steps

    def items(self, count: int) -> None:
        """Ask whether a list or text may have so many items, which are paid for.

        Raises:
            OverBudgetError: it is too long.
        """
        if count > ITEMS:
            self.refuse(f"a list or text of {count:,} items is too long to be read (at most {ITEMS:,})")
        self.spend(count // 20)

    def number(self, bits: int) -> None:
        """Ask whether a whole number may have so many binary digits.

        Raises:
            OverBudgetError: it is too large.
        """
        if bits > BITS:
            self.refuse(f"a number of about {bits:,} binary digits is too large to be read")

    def weigh(self, value: object) -> None:
        """Pay for all that a value holds, before it is compared or written out.

        Raises:
            OverBudgetError: it holds too much, or itself.
        """
        waiting = [value]
        while waiting:
            one = waiting.pop()
            self.spend()
            if isinstance(one, dict):
                waiting += one.keys()
                waiting += one.values()
            elif isinstance(one, list | tuple | set | frozenset):
                waiting += one
            elif isinstance(one, str | bytes):
                self.spend(len(one) // 100)
            elif isinstance(one, range):
                self.items(len(one))

    def keep(self, value: object) -> object:
        """The value, if it is not too large to go on with.

        Raises:
            OverBudgetError: it is.
        """
        if isinstance(value, int):
            self.number(value.bit_length())
        elif isinstance(value, list | tuple | dict | set | str | bytes) and isinstance(value, Sized):
            self.items(len(value))
        return value

    def refuse(self, message: str) -> None:
        """Refuse the file.

        Raises:
            OverBudgetError: always.
        """
        raise OverBudgetError(message, line=self.line)
