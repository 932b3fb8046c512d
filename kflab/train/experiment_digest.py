"""Digests of what a training depends on, by which a snapshot is known to belong to it."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np

from kflab.data.parts import Part, Splits
from kflab.data.rows import Rows
from kflab.experiment import Experiment, PlanSettings

_WHOLE = 1 << 28
"""Bytes up to which all samples in memory are looked at: 256 MiB take about a fifth of a second."""

_SOME = 64
"""How many samples are looked at of those that are read from a disk, or are many."""


def digest_of(experiment: Experiment) -> str:
    """A digest of all in an experiment that its training depends on.

    How many epochs there are may change from one trainer to the next, as may what changes the speed alone.
    """
    training = msgspec.structs.replace(
        experiment.training, epochs=1, plan=PlanSettings(), snapshot_seconds=1.0, seed=None
    )
    parts = (experiment.data, experiment.model, experiment.models, training)
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def digest_of_samples(splits: Splits) -> str:
    """A digest of the samples as the model sees them: of all where they are in memory, else of some.

    Raises:
        KflabError: one can not be read.
    """
    digest = hashlib.sha256()
    for part in (splits.train, splits.validation):
        if part is not None:
            _take_in(digest, part)
    return digest.hexdigest()


def _take_in(digest: hashlib._Hash, part: Part) -> None:
    digest.update(str(len(part)).encode())
    arrays = {**{f"input {name}": rows for name, rows in part.inputs.items()}}
    arrays |= {f"target {name}": rows for name, rows in part.targets.items()}
    is_whole = all(isinstance(rows, np.ndarray) and rows.nbytes <= _WHOLE for rows in arrays.values())
    if is_whole:
        for name, rows in arrays.items():
            _take_in_array(digest, name, rows)
        return
    some = np.unique(np.linspace(0, len(part) - 1, min(_SOME, len(part))).astype("int64"))
    for batch in part.read(some):
        for name, rows in batch.items():
            _take_in_array(digest, name, rows)


def _take_in_array(digest: hashlib._Hash, name: str, rows: Rows) -> None:
    array = np.asarray(rows)
    digest.update(f"{name} {array.dtype} {array.shape}".encode())
    if array.dtype == object:
        digest.update(repr(array.tolist()).encode())
    else:
        digest.update(np.ascontiguousarray(array).view("uint8").data if array.size else b"")
