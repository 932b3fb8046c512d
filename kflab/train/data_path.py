"""Where the batches of a run come from: chosen by the room that there is, and laid so."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kflab.data.caching import bytes_to_keep, kept
from kflab.data.class_weights import Weights
from kflab.data.parts import Part, Splits
from kflab.engine.devices import training_device
from kflab.experiment import Experiment
from kflab.runs.devices import CPU
from kflab.runs.disk import size_text
from kflab.runs.events import Planned
from kflab.runs.plan import DataPath
from kflab.spare_memory import spare_memory
from kflab.train.feeding import Fed, fed_with

_OF_DEVICE = 0.4
"""The share of a device's free memory that samples may take; the model needs some, too."""

_OF_MEMORY = 0.4
"""The share of the free memory that samples may be kept in; others live on the machine, too."""


class Room(NamedTuple):
    """The bytes that are free.

    Attributes:
        memory: in the memory of the machine.
        device: on the device that trains; None where that works in the memory of the machine.
    """

    memory: int
    device: int | None = None


def room() -> Room:
    """The bytes that are free now, for a trainer that uses the device that is chosen."""
    device = training_device()
    return Room(spare_memory(), None if device.name == CPU else device.available)


class Chosen(NamedTuple):
    """Where batches come from, and why."""

    data: DataPath
    reason: str


class Feeding(NamedTuple):
    """The samples of training and validation as steps take them."""

    train: Fed
    validation: Fed | None


def choose_data(
    splits: Splits, room: Room, fixed: DataPath | None = None, known: Planned | None = None
) -> Chosen:
    """Where the batches of training and validation come from.

    Args:
        splits: the samples.
        room: the bytes that are free.
        fixed: what the document says.
        known: the plan that the run has, if it is gone on with.
    """
    if known is not None:
        return Chosen(known.plan.data, f"data {known.plan.data}: as before")
    parts = [part for part in (splits.train, splits.validation) if part is not None]
    if fixed is not None:
        return Chosen(fixed, f"data {fixed}: the document says so")
    if splits.train.in_memory:
        return _of_arrays(sum(map(_bytes_in_memory, parts)), room)
    size = sum(map(bytes_to_keep, parts))
    if size == 0:
        return Chosen("streamed", "data streamed: samples are changed as they come, from memory")
    text, free = size_text(size), size_text(room.memory)
    if size <= _OF_MEMORY * room.memory:
        return Chosen("cached", f"data cached: {text} of samples are read once and kept; {free} are free")
    return Chosen("streamed", f"data streamed: {text} of samples are too much for {free} of free memory")


def _of_arrays(size: int, room: Room) -> Chosen:
    text = size_text(size)
    if room.device is None:
        return Chosen("device", f"data device: {text} of samples are in the memory that it works in")
    free = size_text(room.device)
    if size <= _OF_DEVICE * room.device:
        return Chosen("device", f"data device: {text} of samples fit on it beside the model; {free} are free")
    return Chosen("memory", f"data memory: {text} of samples are too much for a device with {free} free")


def _bytes_in_memory(part: Part) -> int:
    arrays = {id(rows): rows for rows in part.sources()}
    # Steps take numbers of 32 bits.
    return sum(math.prod(rows.shape) * min(rows.dtype.itemsize, 4) for rows in arrays.values())


def feed(
    experiment: Experiment, splits: Splits, data: DataPath, *, seed: int, weights: Weights | None
) -> Feeding:
    """The samples as the steps take them, on a path.

    The path changes how fast they come and not which ones come when. Samples that are augmented or not in
    memory can be on no device before they are read: `device` and `memory` then read all that is not augmented
    before the first step.

    Args:
        experiment: the experiment.
        splits: the samples.
        data: where batches come from.
        seed: what order and augmentation follow.
        weights: how much the training samples count, by their class.
    """
    graph, size = experiment.model, experiment.training.batch_size
    train, validation = splits.train, splits.validation
    fed = fed_with(
        _laid(train, data),
        graph,
        batch_size=size,
        seed=seed,
        shuffle=experiment.data.shuffle,
        weights=weights,
        as_batches=data != "device",
        in_read_order=not train.in_memory,
    )
    # Beside training samples that are read, those of the validation may well be in memory.
    held = validation and fed_with(
        _laid(validation, data), graph, batch_size=size, as_batches=data == "memory"
    )
    return Feeding(fed, held or None)


def _laid(part: Part, data: DataPath) -> Part:
    if part.in_memory or data == "streamed":
        return part
    if data == "cached" or part.augment is not None:
        return kept(part)
    return part.each(lambda rows: rows if isinstance(rows, np.ndarray) else rows[:])
