"""What the training loop asks of a backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kflab.train.feeding import Fed


@dataclass(frozen=True)
class Made:
    """Steps that were made.

    Attributes:
        logs: the values of loss and metrics after the last of them, means over the epoch so far; tensors of
            the backend, which may not be computed yet: to convert them waits for the device.
        losses: the mean loss of the epoch after each of them, likewise a tensor.
    """

    logs: Mapping[str, object]
    losses: object


class Stepper(Protocol):
    """Makes steps on the device, several at once where that is asked for.

    All variables, those of optimizer and metrics too, are there when it is made. Those of the model may be
    out of date while steps are made (JAX keeps them apart): `settle` puts them right before anybody looks.
    """

    def begin_epoch(self, epoch: int, *, fresh: bool = True) -> None:
        """Goes to an epoch, counted from 0; unless `fresh`, the metrics go on from where they are."""

    def train(self, step: int, count: int) -> Made:
        """Makes `count` steps of the epoch at hand, from the one with index `step` on."""

    def evaluate(self, fed: Fed, *, begin: int, count: int) -> Made:
        """Makes steps of an evaluation; with `begin` 0 the metrics start anew."""

    def settle(self) -> None:
        """Brings the variables of the model up to date."""

    def take_up(self) -> None:
        """Takes up what was changed in the variables of the model since `settle`."""

    def wait(self, made: Made) -> None:
        """Waits until the device has made these steps."""
