"""What a model says of the samples of a part: predicted in batches, summed up, a few kept to be looked at."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import msgspec
import numpy as np

from kflab.catalog.dataset_types import ArrayInfo, TargetInfo
from kflab.catalog.looks import Shown
from kflab.data.arrays import Array
from kflab.data.parts import Part
from kflab.data.showing import Way
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.predict.collecting import Arrays, Classes, Collector, Labels, Tokens, Values
from kflab.predict.meaning import Meaning, classes_of, meaning_of, probabilities
from kflab.predict.results import IN_A_CELL, Kind, OutputResult, Predictions, Said, SampleResult

_MOST_ROWS = 600
_MOST_OTHERS = 60
_MOST_UNKNOWN = 200
_MOST_NUMBERS = 4_000_000  # of the inputs of one batch
_MOST_BATCH = 512
_EAGER = 4  # batches for which it is not worth to compile
_SIDE = 32  # pixels of a side of what is kept of an image


class Held(NamedTuple):
    """What is known of a model's data.

    Attributes:
        feeds: the array that feeds each Input.
        held: what each output is held against.
    """

    feeds: Mapping[str, ArrayInfo] = {}
    held: Mapping[str, ArrayInfo | TargetInfo] = {}


def predict(
    model: keras.Model,
    experiment: Experiment,
    known: Held,
    part: Part,
    base: Predictions,
    *,
    most: int,
    in_a_cell: int = IN_A_CELL,
    until: float = math.inf,
    names: Sequence[str] = (),
) -> Predictions:
    """What a model says of the samples of a part.

    Args:
        model: the model.
        experiment: what it was built from.
        known: what is known of its data.
        part: the samples.
        base: the predictions to be filled in.
        most: how many samples at most; of more, the first ones.
        in_a_cell: how many samples of each cell of a confusion matrix are kept to be looked at.
        until: when to stop, by the monotonic clock; one batch is predicted in any case.
        names: what the samples are called; nothing given: they have no names.
    """
    graph = experiment.model
    outputs = graph.output_names()
    shapes = [tuple(output.shape[1:]) for output in model.outputs]
    meanings = [
        meaning_of(experiment, name, shape, known.held.get(name))
        for name, shape in zip(outputs, shapes, strict=True)
    ]
    collectors = [
        _collector(name, meaning, shape)
        for name, meaning, shape in zip(outputs, meanings, shapes, strict=True)
    ]
    count = min(len(part), most)
    size = _batch_size(part, model)
    compiled = count > _EAGER * size
    done = 0
    while done < count and (not done or time.monotonic() < until):
        inputs, targets = part.read(slice(done, min(done + size, count)))
        said = [_checked(own) for own in _say(model, graph.input_names(), inputs, compiled=compiled)]
        for name, meaning, collector, own in zip(outputs, meanings, collectors, said, strict=True):
            _take(collector, meaning, own, targets.get(name))
        done += len(said[0])
    results = [collector.result() for collector in collectors]
    chosen = _chosen(results, collectors, done, in_a_cell) if done else []
    rows = _rows(model, experiment, known, part, meanings, collectors, chosen) if chosen else ()
    if names:
        rows = tuple(msgspec.structs.replace(row, name=names[row.index]) for row in rows)
    return Predictions(
        run=base.run,
        model=base.model,
        split=base.split,
        source=base.source,
        samples=done,
        of=len(part),
        outputs=tuple(results),
        rows=rows,
        stamp=base.stamp,
    )


def _collector(name: str, meaning: Meaning, shape: Sequence[int]) -> Collector:
    match meaning.kind:
        case Kind.CLASSES:
            return Classes(name, meaning.labels, shape)
        case Kind.TOKENS:
            return Tokens(name, meaning.labels, shape)
        case Kind.LABELS:
            return Labels(name, meaning.labels, shape)
        case Kind.VALUES:
            return Values(name, shape)
        case Kind.ARRAYS:
            return Arrays(name, shape)


def _take(collector: Collector, meaning: Meaning, said: Array, true: Array | None) -> None:
    if meaning.kind in {Kind.CLASSES, Kind.TOKENS}:
        held = None if true is None else classes_of(true, meaning)
        collector.take(probabilities(said, meaning), held)
    elif meaning.kind is Kind.LABELS:
        collector.take(probabilities(said, meaning), true)
    else:
        collector.take(said, true)


def _batch_size(part: Part, model: keras.Model) -> int:
    """How many samples are predicted at once: as many as keep the numbers in and out within bounds."""
    fed = sum(math.prod(rows.shape[1:]) for rows in part.inputs.values())
    given = sum(math.prod(size or 1 for size in output.shape[1:]) for output in model.outputs)
    return max(1, min(_MOST_BATCH, _MOST_NUMBERS // max(fed, given, 1)))


def _say(
    model: keras.Model, names: Sequence[str], inputs: Mapping[str, Array], *, compiled: bool
) -> list[Array]:
    fed = [inputs[name] for name in names]
    fixed = next((one.shape[0] for one in model.inputs if one.shape[0] is not None), None)
    if fixed is None:
        return _call(model, fed, compiled=compiled)
    # A model whose batches have one size: the last one is filled up with what is cut off afterwards.
    count = len(fed[0])
    said = []
    for start in range(0, count, fixed):
        rows = np.minimum(np.arange(start, start + fixed), count - 1)
        said.append(_call(model, [array[rows] for array in fed], compiled=compiled))
    return [np.concatenate(parts)[:count] for parts in zip(*said, strict=True)]


def _call(model: keras.Model, fed: list[Array], *, compiled: bool) -> list[Array]:
    given = fed[0] if len(fed) == 1 else fed
    said = model.predict_on_batch(given) if compiled else model(_tensors(given), training=False)
    outputs = said if isinstance(said, list | tuple) else [said]
    return [_numbers(output) for output in outputs]


def _checked(said: Array) -> Array:
    """What was said without what is no number.

    Raises:
        KflabError: there is nothing else.
    """
    good = np.isfinite(said)
    if good.all():
        return said
    if not good.any():
        raise KflabError("all that the model says is NaN: its weights were lost when the loss became NaN")
    return np.nan_to_num(said, nan=0.0, posinf=1e30, neginf=-1e30)


def _tensors(given: Array | list[Array]) -> object:
    return keras.tree.map_structure(
        lambda array: array if array.dtype.kind in "OUS" else keras.ops.convert_to_tensor(array), given
    )


def _numbers(said: object) -> Array:
    numbers = np.asarray(keras.ops.convert_to_numpy(said))
    return numbers if numbers.dtype.name in {"float32", "float64"} else numbers.astype("float32")


def _chosen(
    results: Sequence[OutputResult], collectors: Sequence[Collector], count: int, in_a_cell: int
) -> list[int]:
    """The samples that are kept to be looked at: of each cell some, or those that are off the most."""
    leading = next(
        (at for at, result in enumerate(results) if result.kind is Kind.CLASSES and result.matrix), 0
    )
    collector = collectors[leading]
    order = np.argsort(-collector.worst()[:count], kind="stable")
    if isinstance(collector, Classes) and collector.true is not None:
        return _of_cells(collector.true, collector.predicted, order, in_a_cell)
    is_held = any(
        result.accuracy is not None or result.values or result.error is not None for result in results
    )
    if not is_held:
        return list(range(min(count, _MOST_UNKNOWN)))
    evenly = np.linspace(0, count - 1, min(count, _MOST_OTHERS)).astype(int)
    return sorted({*(int(row) for row in order[:_MOST_OTHERS]), *(int(row) for row in evenly)})


def _of_cells(true: Array, predicted: Array, order: Array, in_a_cell: int) -> list[int]:
    taken: dict[tuple[int, int], int] = {}
    chosen: list[int] = []
    most = max(_MOST_ROWS, in_a_cell)
    for row in order:
        cell = (int(true[row]), int(predicted[row]))
        if taken.get(cell, 0) < in_a_cell and len(chosen) < most:
            taken[cell] = taken.get(cell, 0) + 1
            chosen.append(int(row))
    return sorted(chosen)


def _rows(
    model: keras.Model,
    experiment: Experiment,
    known: Held,
    part: Part,
    meanings: Sequence[Meaning],
    collectors: Sequence[Collector],
    chosen: Sequence[int],
) -> tuple[SampleResult, ...]:
    inputs, _ = part.read(np.asarray(chosen))
    names = experiment.model.output_names()
    shown = {name: _shown(array, known.feeds.get(name)) for name, array in inputs.items()}
    drawn: dict[str, list[Shown]] = {}
    if any(meaning.kind is Kind.ARRAYS for meaning in meanings):
        said = _say(model, experiment.model.input_names(), inputs, compiled=False)
        for name, meaning, own in zip(names, meanings, said, strict=True):
            if meaning.kind is Kind.ARRAYS:
                drawn[name] = _shown(own, None)
    return tuple(
        SampleResult(
            index,
            {
                name: _with(collector.said(index), drawn[name][at] if name in drawn else None)
                for name, collector in zip(names, collectors, strict=True)
            },
            {name: values[at] for name, values in shown.items()},
        )
        for at, index in enumerate(chosen)
    )


def _with(said: Said, shown: Shown | None) -> Said:
    return said if shown is None else msgspec.structs.replace(said, shown=shown)


def _shown(array: Array, info: ArrayInfo | None) -> list[Shown]:
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    is_number = array.dtype.kind in "fiub" and bool(finite.size)
    way = Way(
        float(finite.min()) if is_number else None,
        float(finite.max()) if is_number else None,
        ids=bool(info and info.ids),
        side=_SIDE,
    )
    return [way.show(one) for one in array]
