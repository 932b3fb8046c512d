"""What a run writes down as it happens: one event a line in `events.jsonl`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

Logs: TypeAlias = Mapping[str, float | None]
"""Values by name (`loss`, `val_accuracy`); NaN and infinity are written as null."""


class Started(msgspec.Struct, frozen=True, tag="started", tag_field="event"):
    """The trainer is up and has taken the folder; nothing is loaded yet."""

    time: float
    pid: int


class Loading(msgspec.Struct, frozen=True, tag="loading", tag_field="event"):
    """A dataset is being read or downloaded; `done` of `total` bytes, 0 where it is not known."""

    time: float
    source: str
    done: int = 0
    total: int = 0


class Prepared(msgspec.Struct, frozen=True, tag="prepared", tag_field="event"):
    """Data and model are ready; the first step follows. `outputs` are the names of the model's outputs."""

    time: float
    epochs: int
    steps: int
    batch_size: int
    train_samples: int
    validation_samples: int
    test_samples: int
    params: int
    outputs: tuple[str, ...] = ()


class Batch(msgspec.Struct, frozen=True, tag="batch", tag_field="event"):
    """A step is done: epoch and step counted from 1; `logs` as Keras gives them, means over the epoch so far.

    Sampled by time: at most 10 a second are written.
    """

    time: float
    epoch: int
    step: int
    steps: int
    logs: Logs
    learning_rate: float | None = None


class Epoch(msgspec.Struct, frozen=True, tag="epoch", tag_field="event"):
    """An epoch is done, validation included; always written."""

    time: float
    epoch: int
    seconds: float
    logs: Logs
    learning_rate: float | None = None


class Noted(msgspec.Struct, frozen=True, tag="noted", tag_field="event"):
    """Something a person wants to know: early stopping, a lower learning rate, a request that came."""

    time: float
    text: str


class Evaluated(msgspec.Struct, frozen=True, tag="evaluated", tag_field="event"):
    """The model was held against the test split."""

    time: float
    logs: Logs


class End(enum.StrEnum):
    """How a run ended, in its own words. A run that died without a word is told from outside."""

    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class Finished(msgspec.Struct, frozen=True, tag="finished", tag_field="event"):
    """The last event of a run.

    Attributes:
        status: how it ended.
        test: loss and metrics on the test split, where it came to that.
        seconds: from start to end.
        cause: why it failed or stopped, in one line.
        epochs: how many epochs were completed.
    """

    time: float
    status: End
    test: Logs = {}
    seconds: float = 0
    cause: str = ""
    epochs: int = 0


Event: TypeAlias = Started | Loading | Prepared | Batch | Epoch | Noted | Evaluated | Finished
