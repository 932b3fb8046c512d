"""What a run writes down as it happens: one event a line in `events.jsonl`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from kflab.runs.plan import Plan

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
    """An epoch is done, validation included; always written.

    `waited` are the seconds of it in which no batch was ready, where samples are read while it trains.
    """

    time: float
    epoch: int
    seconds: float
    logs: Logs
    learning_rate: float | None = None
    waited: float = 0.0


class Noted(msgspec.Struct, frozen=True, tag="noted", tag_field="event"):
    """Something a person wants to know: early stopping, a lower learning rate, a request that came."""

    time: float
    text: str


class TargetFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the training targets of one output are like, so that a result can be held against guessing.

    Attributes:
        counts: how many samples each class has; empty for values.
        deviation: the standard deviation of values.
        absolute: how far values are from their median on average.
        samples: how many samples were looked at.
        exclusive: whether a sample has one class; of several labels each is 0 or 1.
    """

    counts: tuple[int, ...] = ()
    deviation: float = 0.0
    absolute: float = 0.0
    samples: int = 0
    exclusive: bool = True


class Targets(msgspec.Struct, frozen=True, tag="targets", tag_field="event"):
    """The training targets were looked at, by the output that is held against them."""

    time: float
    outputs: Mapping[str, TargetFacts] = {}


class LargestLayer(msgspec.Struct, frozen=True):
    """A layer that takes much memory: the bytes that are kept of one batch."""

    node: str
    bytes: int


class Costed(msgspec.Struct, frozen=True, tag="costed", tag_field="event"):
    """What training was expected to take: bytes at its peak, those of the device, the largest layers."""

    time: float
    memory: int = 0
    available: int = 0
    largest: tuple[LargestLayer, ...] = ()


class NotFinite(msgspec.Struct, frozen=True, tag="not_finite", tag_field="event", omit_defaults=True):
    """The loss was no number for the first time.

    Attributes:
        time: when.
        epoch: in which epoch, counted from 1.
        step: in which batch of it, counted from 1.
        before: the mean loss of the epoch until the batch before; None where there was none.
        highest: the highest mean loss of an earlier batch; None where there was none.
        unusable: training samples, of those looked at, with a NaN or an infinity in them.
        looked_at: how many were looked at.
        low: the least value of the inputs that were looked at.
        high: the greatest.
    """

    time: float
    epoch: int
    step: int
    before: float | None = None
    highest: float | None = None
    unusable: int = 0
    looked_at: int = 0
    low: float | None = None
    high: float | None = None


class ClassCounts(msgspec.Struct, frozen=True):
    """How many samples were predicted to be of each class, and how many are."""

    predicted: tuple[int, ...]
    true: tuple[int, ...]


class Predicted(msgspec.Struct, frozen=True, tag="predicted", tag_field="event"):
    """What the trained model said of samples that it was not trained on, by its outputs with classes."""

    time: float
    samples: int
    outputs: Mapping[str, ClassCounts] = {}


class Evaluated(msgspec.Struct, frozen=True, tag="evaluated", tag_field="event"):
    """The model was held against the test split."""

    time: float
    logs: Logs


class Planned(msgspec.Struct, frozen=True, tag="planned", tag_field="event", omit_defaults=True):
    """How the steps are made, as it was measured or as the document says.

    Attributes:
        time: when.
        plan: what was chosen.
        reasons: why, a line for each part of it.
        seconds: how long the measuring took.
        step_seconds: how long a step took, by what was tried.
    """

    time: float
    plan: Plan
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    step_seconds: Mapping[str, float] = {}


class Resumed(msgspec.Struct, frozen=True, tag="resumed", tag_field="event", omit_defaults=True):
    """A trainer goes on where a snapshot was taken; what was written of later steps is void.

    Attributes:
        time: when.
        epoch: the epochs that are done.
        step: the steps of the next one that are done.
        snapshot: the name of the snapshot; "" where there was none and training starts anew.
        refused: snapshots that could not be used, each with the reason.
        epochs: the epochs that are trained in all.
        logs: the values of the last epoch that is done.
        seconds: how long trainers were at work before this one.
    """

    time: float
    epoch: int = 0
    step: int = 0
    snapshot: str = ""
    refused: tuple[str, ...] = ()
    epochs: int = 0
    logs: Logs = {}
    seconds: float = 0.0


class Snapshotted(msgspec.Struct, frozen=True, tag="snapshotted", tag_field="event", omit_defaults=True):
    """A snapshot is on disk.

    Attributes:
        time: when.
        epoch: the epochs that it has done.
        step: the steps of the next one that it has done.
        bytes: its size.
        seconds: how long training waited for it.
        name: its name.
    """

    time: float
    epoch: int
    step: int
    bytes: int = 0
    seconds: float = 0.0
    name: str = ""


class Steered(msgspec.Struct, frozen=True, tag="steered", tag_field="event", omit_defaults=True):
    """A request was answered.

    Attributes:
        time: when.
        request: its kind, as in `control.jsonl`: `pause`, `go_on`, `stop`, `snapshot`, `rate`, `epochs`,
            `evaluate`.
        epoch: the epochs that were done then.
        step: the steps of the next one that were done.
        text: what was done, in one line.
        value: the learning rate or the number of epochs from then on.
        before: what that was before.
        logs: what an evaluation found.
        refused: why it was not done; "" where it was.
        id: the request's own.
    """

    time: float
    request: str
    epoch: int = 0
    step: int = 0
    text: str = ""
    value: float | None = None
    logs: Logs = {}
    refused: str = ""
    id: str = ""
    before: float | None = None


class DeviceUsage(msgspec.Struct, frozen=True, omit_defaults=True):
    """How busy one accelerator is; None for what its driver does not tell.

    Attributes:
        name: as in `gpu:0`.
        utilisation: percent.
        memory: bytes that are taken.
        memory_total: bytes that it has.
        temperature: degrees Celsius.
        power: watts.
    """

    name: str
    utilisation: float | None = None
    memory: int | None = None
    memory_total: int | None = None
    temperature: float | None = None
    power: float | None = None


class Usage(msgspec.Struct, frozen=True, tag="usage", tag_field="event", omit_defaults=True):
    """How busy the machine is, every few seconds.

    Attributes:
        time: when.
        cpu: percent of one core that the trainer takes; 200 is two cores.
        memory: bytes that the trainer has in memory.
        memory_free: bytes that the machine has left.
        devices: the accelerators that the run uses.
    """

    time: float
    cpu: float = 0.0
    memory: int = 0
    memory_free: int = 0
    devices: tuple[DeviceUsage, ...] = ()


class End(enum.StrEnum):
    """How a run ended, in its own words. A run that died without a word is told from outside."""

    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class Fault(enum.StrEnum):
    """What kind of thing went wrong: what to do about it depends on that."""

    NONE = ""
    MEMORY = "memory"  # there was not enough, on the machine or on the device
    DISK = "disk"  # it is full, or nearly so
    FOLDER = "folder"  # the run folder cannot be written any more
    DATA = "data"  # a sample cannot be used
    DEVICE = "device"  # the GPU does not answer any more
    NOT_FINITE = "not_finite"  # the loss became NaN
    EXPERIMENT = "experiment"  # it says something that cannot be done
    KILLED = "killed"  # from outside
    RESTARTED = "restarted"  # the machine was, under it
    NATIVE = "native"  # the process broke in a library
    SILENT = "silent"  # on another machine, and not heard of any more


class Finished(msgspec.Struct, frozen=True, tag="finished", tag_field="event"):
    """The last event of a run.

    Attributes:
        status: how it ended.
        test: loss and metrics on the test split, where it came to that.
        seconds: from start to end.
        cause: why it failed or stopped, in one line.
        epochs: how many epochs were completed.
        fault: what kind of thing went wrong.
    """

    time: float
    status: End
    test: Logs = {}
    seconds: float = 0
    cause: str = ""
    epochs: int = 0
    fault: Fault = Fault.NONE


Event: TypeAlias = (
    Started
    | Loading
    | Costed
    | Targets
    | Prepared
    | Batch
    | Epoch
    | NotFinite
    | Noted
    | Evaluated
    | Predicted
    | Planned
    | Resumed
    | Snapshotted
    | Steered
    | Usage
    | Finished
)
