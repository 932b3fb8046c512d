"""Samples of a source that a model was not trained on, brought to the form of those that it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from kflab.catalog import datasets
from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, TargetInfo
from kflab.catalog.matching import Matching
from kflab.data import sources
from kflab.data.arrays import Array, Progress, Samples
from kflab.data.load import load_raw
from kflab.data.parts import Part
from kflab.data.pipelines import Fitted
from kflab.data.prepare import checked
from kflab.data.rows import Rows, changed
from kflab.errors import KflabError
from kflab.experiment import Data, Experiment
from kflab.values import Arguments

_OF_THE_TEXT = ("separator", "decimal", "encoding", "missing_values")
"""The arguments of a table that say how its text is read."""


def of_source(experiment: Experiment, fitted: Fitted, source: Path, progress: Progress | None = None) -> Part:
    """The samples of a source as a fitted model takes them; its targets where it has them.

    Raises:
        KflabError: the source can not be used, or does not have what the model is fed with.
    """
    data = msgspec.structs.replace(experiment.data, source=str(source.absolute()), limit=None, order_by="")
    if datasets.find(experiment.data.source) is not None:
        # The arguments are those of the dataset that it was trained on.
        data = msgspec.structs.replace(data, arguments={}, inputs={}, targets={})
    else:
        data = _with_columns(data, fitted)
    sources.study(data, None, progress)
    info = datasets.describe_raw(data)
    inputs = {name: _input(name, array, info, data, fitted) for name, array in fitted.feeds.items()}
    targets = {
        name: found
        for name, target in fitted.held.items()
        if isinstance(target, TargetInfo) and (found := _target(name, target, info, fitted)) is not None
    }
    raw = load_raw(data, info, Matching(inputs, targets), None, progress)
    samples = checked(raw.test or raw.train, "given", raw.gaps)
    renamed = Samples(
        {
            fitted.feeds[name].name: _in_order(samples.inputs[array.name], array, fitted.feeds[name])
            for name, array in inputs.items()
        },
        {
            own.name: _renumbered(samples.targets[target.name], target, own)
            for name, target in targets.items()
            if isinstance(own := fitted.held[name], TargetInfo)
        },
    )
    held = {name: one for name, one in fitted.held.items() if isinstance(one, ArrayInfo) or name in targets}
    return replace(fitted, held=held).part(renamed)


def _with_columns(data: Data, fitted: Fitted) -> Data:
    """The data section of another table: its columns are read as those that the model was trained on.

    Left to itself, a table takes its last column for the target, and tells types from its own first rows.
    """
    features = [feature for array in fitted.feeds.values() for feature in array.features]
    if not features:
        return data
    plain = {key: value for key, value in data.arguments.items() if key in _OF_THE_TEXT}
    there = datasets.describe_raw(msgspec.structs.replace(data, arguments=plain))
    names = {array.name for array in there.columns} | {target.name for target in there.targets}
    columns = list(dict.fromkeys(feature.partition("=")[0] for feature in features))
    categories = {feature.partition("=")[0]: "category" for feature in features if "=" in feature}
    targets = [target.name for target in fitted.held.values() if target.name in names]
    given = data.arguments.get("types")
    types = {**categories, **(given if isinstance(given, Mapping) else {})}
    arguments: Arguments = {
        **{key: value for key, value in data.arguments.items() if key != "drop"},
        "columns": columns,
        "target": targets,
        "types": {name: kind for name, kind in types.items() if name in names},
    }
    return msgspec.structs.replace(data, arguments=arguments)


def _input(name: str, wanted: ArrayInfo, info: DatasetInfo, data: Data, fitted: Fitted) -> ArrayInfo:
    if wanted.columns:
        missing = [column for column in wanted.columns if info.input(column) is None]
        if not missing:
            return msgspec.structs.replace(wanted, features=())
        raise KflabError(
            f"{data.source} has no column {', '.join(map(repr, missing))}, which Input {name!r} needs"
        )
    found = info.input(wanted.name) or info.input(name)
    if found is None and len(fitted.feeds) == len(info.inputs) == 1:
        found = info.inputs[0]
    if found is None:
        has = ", ".join(array.name for array in info.inputs)
        raise KflabError(f"nothing feeds Input {name!r}: expected {wanted.name!r}, {data.source} has {has}")
    return found


def _target(name: str, wanted: TargetInfo, info: DatasetInfo, fitted: Fitted) -> TargetInfo | None:
    found = info.target(wanted.name) or info.target(name)
    if found is None and len(fitted.held) == len(info.targets) == 1:
        found = info.targets[0]
    return found


def _in_order(rows: Rows, found: ArrayInfo, wanted: ArrayInfo) -> Rows:
    """The entries along the last axis as they were when the model was trained.

    Raises:
        KflabError: a column is missing.
    """
    if not wanted.features or not found.features or found.features == wanted.features:
        return rows
    places = {feature: place for place, feature in enumerate(found.features)}
    columns = {feature.partition("=")[0] for feature in found.features}
    missing = [feature for feature in wanted.features if feature.partition("=")[0] not in columns]
    if missing:
        raise KflabError(
            f"the source has no column {missing[0].partition('=')[0]!r}, which the model was trained on"
        )
    # A category that is not in this source is 0 in all samples.
    index = np.array([places.get(feature, -1) for feature in wanted.features])

    def reorder(array: Array) -> Array:
        return np.where(index < 0, 0, array[..., index]).astype(array.dtype)

    return changed(rows, reorder)


def _renumbered(rows: Rows, found: TargetInfo, wanted: TargetInfo) -> Rows:
    """The numbers of classes as they were when the model was trained.

    Raises:
        KflabError: the source has a class that the model does not know.
    """
    if not found.labels or not wanted.labels or found.labels == wanted.labels or found.dtype == "string":
        return rows
    unknown = [label for label in found.labels if label not in wanted.labels]
    if unknown:
        raise KflabError(
            f"the source has the class {unknown[0]!r}, which the model was not trained on; it knows "
            f"{', '.join(wanted.labels[:10])}"
        )
    numbers = np.array([wanted.labels.index(label) for label in found.labels], dtype="int32")
    return changed(rows, lambda array: numbers[array])
