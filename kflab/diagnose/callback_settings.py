"""The callbacks of an experiment with the places that their arguments have in the document."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kflab.diagnose.fixes import Assign
from kflab.diagnose.logged import canonical_callback
from kflab.experiment import Training
from kflab.values import Arguments, Value


class Callback(msgspec.Struct, frozen=True):
    """One callback.

    Attributes:
        name: the canonical name of its class.
        arguments: its arguments.
        keys: the way to it in the document.
    """

    name: str
    arguments: Arguments
    keys: tuple[str, ...]

    @property
    def place(self) -> str:
        """The setting that it is, such as `training.callbacks.EarlyStopping`."""
        return ".".join(("training", "callbacks", self.keys[-1]))

    def set(self, argument: str, value: Value) -> Assign:
        """The step of a fix that gives it an argument."""
        return Assign((*self.keys, argument), value)

    def remove(self) -> Assign:
        """The step of a fix that takes it away."""
        return Assign(self.keys[:-1] if self.keys[-2].isdecimal() else self.keys, None)


def callbacks(training: Training) -> Iterator[Callback]:
    """Every callback of an experiment, in order."""
    names = [spec.name for spec in training.callbacks]
    for index, spec in enumerate(training.callbacks):
        # A document that has two of the same class writes all of them as a list.
        keys = (spec.name,) if len(set(names)) == len(names) else (str(index), spec.name)
        yield Callback(canonical_callback(spec), spec.arguments, ("training", "callbacks", *keys))
