"""How the steps of a run are made: what changes its speed and not its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

DataPath: TypeAlias = Literal["device", "memory", "cached", "streamed"]
"""Where batches come from: arrays on the device, arrays in memory, samples that were read once and kept, or
samples that are read in each epoch, a few batches ahead."""


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the steps of a run are made.

    Attributes:
        steps_per_execution: so many steps are given to the device at once.
        data: where batches come from.
        jit_compile: whether XLA compiles the steps.
    """

    steps_per_execution: int = 1
    data: DataPath = "memory"
    jit_compile: bool = False

    def __str__(self) -> str:
        """The plan in a few words: `61 steps at once · data on the device · XLA`."""
        count = self.steps_per_execution
        parts = ["steps one by one" if count == 1 else f"{count} steps at once", _WORDS[self.data]]
        return " · ".join([*parts, *(["XLA"] if self.jit_compile else [])])


_WORDS: Mapping[DataPath, str] = {
    "device": "data on the device",
    "memory": "data in memory",
    "cached": "data read once",
    "streamed": "data streamed",
}
