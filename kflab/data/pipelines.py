"""How the arrays of a dataset become what a model takes: steps in order, fitted on the training samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, TargetInfo
from kflab.catalog.datasets import scale_after
from kflab.catalog.matching import Shape, fitted, input_shape, shape_text
from kflab.catalog.preparation import TEXT
from kflab.data.arrays import Array, Samples
from kflab.data.augment import Augmentation
from kflab.data.gaps import Gaps
from kflab.data.layer_steps import State
from kflab.data.parts import Batch, Part
from kflab.data.rows import Mapped, Rows, changed, take
from kflab.data.steps import FillGaps, Labels, Step, make_scale, make_step
from kflab.errors import KflabError
from kflab.experiment import Data
from kflab.graph.nodes import Graph


@dataclass
class Pipeline:
    """The steps of one array.

    Attributes:
        steps: what is done to its samples, in order, before they may be augmented.
        finish: what is done to them after that.
        states: what each of all the steps has learned.
    """

    steps: Sequence[Step] = ()
    finish: Sequence[Step] = ()
    states: list[State] = field(default_factory=list)

    def fit(self, train: Rows) -> None:
        """Let each step learn of the training samples, as they are after the steps before it."""
        self.states = []
        for step in (*self.steps, *self.finish):
            if not len(train):
                raise KflabError("there are no training samples to learn the preparation of")
            self.states.append(step.fit(train))
            train = changed(train, step)

    def take(self, states: Sequence[State]) -> None:
        """Take over what the steps learned before."""
        self.states = list(states)
        for step, state in zip((*self.steps, *self.finish), states, strict=True):
            step.take(state)

    def prepare(self, array: Array) -> Array:
        """Samples after the steps that come before augmentation."""
        for step in self.steps:
            array = step(array)
        return array

    def complete(self, array: Array) -> Array:
        """Prepared samples after the steps that come last."""
        for step in self.finish:
            array = step(array)
        return array

    def __call__(self, array: Array) -> Array:
        """Samples after all steps."""
        return self.complete(self.prepare(array))


@dataclass(frozen=True)
class Fitted:
    """How samples are prepared for a model, with all that was learned of the training samples.

    Attributes:
        feeds: the dataset's array that feeds each input of the model.
        shapes: the shape that the samples of each input are brought to; None where the model takes any.
        held: the dataset's array that each output is held against.
        inputs: the steps of each array that feeds the model.
        targets: the steps of each target.
        dataset: the dataset as its source has it.
        samples: how many samples each split has.
    """

    feeds: Mapping[str, ArrayInfo]
    shapes: Mapping[str, Shape | None]
    held: Mapping[str, ArrayInfo | TargetInfo]
    inputs: Mapping[str, Pipeline]
    targets: Mapping[str, Pipeline]
    dataset: DatasetInfo
    samples: Mapping[str, int] = field(default_factory=dict)

    def part(self, samples: Samples, augmentations: Mapping[str, Augmentation] | None = None) -> Part:
        """Samples of the dataset as the model takes them."""
        names = [array.name for array in self.feeds.values()]
        names += [array.name for array in self.held.values() if isinstance(array, ArrayInfo)]
        whole = {name: _apply(samples.inputs[name], self.inputs[name]) for name in dict.fromkeys(names)}
        inputs = {name: self._shaped(name, whole[array.name]) for name, array in self.feeds.items()}
        # An autoencoder is held against what it was fed with, in the shape it was fed.
        own = whole | {array.name: inputs[name] for name, array in self.feeds.items()}
        targets = {
            name: own[array.name]
            if isinstance(array, ArrayInfo)
            else _apply(samples.targets[array.name], self.targets[array.name])
            for name, array in self.held.items()
            if isinstance(array, ArrayInfo) or array.name in samples.targets
        }
        if not augmentations:
            return Part(inputs, targets)
        prepared = {
            name: _prepared(array, self.inputs[name])
            for name, array in samples.inputs.items()
            if name in self.inputs
        }
        held = {
            array.name: _prepared(samples.targets[array.name], self.targets[array.name])
            for array in self.held.values()
            if isinstance(array, TargetInfo)
        }
        return Part(inputs, targets, Augmented(self, augmentations, prepared, held))

    def _shaped(self, name: str, rows: Rows) -> Rows:
        wanted = self.shapes[name]
        if isinstance(rows, np.ndarray):
            return fit_shape(rows, wanted, name)
        return rows if wanted is None else changed(rows, lambda array: fit_shape(array, wanted, name))


@dataclass(frozen=True)
class Augmented:
    """Makes training samples of prepared ones, with some arrays changed at random.

    Attributes:
        fitted: how samples are prepared.
        augmentations: what changes arrays, by the name of the dataset's array.
        inputs: the arrays that feed the model, as they are before augmentation.
        targets: the targets likewise.
    """

    fitted: Fitted
    augmentations: Mapping[str, Augmentation]
    inputs: Mapping[str, Rows]
    targets: Mapping[str, Rows]

    def __call__(self, rows: Array, key: tuple[int, ...], /) -> Batch:
        """The samples at some rows after augmentation; the numbers tell which of all possible ones."""
        fitted = self.fitted
        whole = {
            name: self._made(name, array[rows], fitted.inputs[name], key)
            for name, array in self.inputs.items()
        }
        inputs = {
            name: fit_shape(whole[array.name], fitted.shapes[name], name)
            for name, array in fitted.feeds.items()
        }
        # An autoencoder is held against what it was fed with, in the shape it was fed.
        own = whole | {array.name: inputs[name] for name, array in fitted.feeds.items()}
        targets = {
            name: own[array.name]
            if isinstance(array, ArrayInfo)
            else self._made(array.name, self.targets[array.name][rows], fitted.targets[array.name], key)
            for name, array in fitted.held.items()
        }
        return inputs, targets

    def _made(self, name: str, prepared: Array, pipeline: Pipeline, key: tuple[int, ...]) -> Array:
        augmentation = self.augmentations.get(name)
        return pipeline.complete(augmentation(prepared, key) if augmentation else prepared)

    def sources(self) -> tuple[Rows, ...]:
        """The samples that it reads, as they are before augmentation."""
        return (*self.inputs.values(), *self.targets.values())

    def take(self, rows: Array) -> Augmented:
        """What does the same to the samples at `rows` alone."""
        return self.each(lambda source: take(source, rows))

    def each(self, change: Callable[[Rows], Rows]) -> Augmented:
        """What does the same to its sources after a change."""
        inputs = {name: change(array) for name, array in self.inputs.items()}
        targets = {name: change(array) for name, array in self.targets.items()}
        return replace(self, inputs=inputs, targets=targets)


def _prepared(rows: Rows, pipeline: Pipeline) -> Rows:
    # Made when it is read: an array in memory may be many times as large once it is prepared.
    return Mapped(rows, pipeline.prepare) if pipeline.steps and len(rows) else rows


def _apply(rows: Rows, pipeline: Pipeline) -> Rows:
    return changed(rows, pipeline) if pipeline.steps or pipeline.finish else rows


def plan(
    graph: Graph,
    data: Data,
    info: DatasetInfo,
    feeds: Mapping[str, ArrayInfo],
    held: Mapping[str, ArrayInfo | TargetInfo],
    gaps: Mapping[str, Gaps],
) -> Fitted:
    """The steps of an experiment, which have learned nothing yet.

    Args:
        graph: the model.
        data: the experiment's data section.
        info: the dataset as its source has it.
        feeds: what feeds each input of the model.
        held: what each output is held against.
        gaps: how the missing values of an input are filled in.

    Raises:
        KflabError: there is no such step, or Keras does not accept its arguments.
    """
    arrays = [*feeds.values(), *(one for one in held.values() if isinstance(one, ArrayInfo))]
    inputs = {}
    for one in arrays:
        source = info.input(one.name) or one
        filled: list[Step] = [FillGaps(gaps[one.name])] if one.name in gaps else []
        steps = [make_step(spec, one.name) for spec in data.prepare.get(one.name, ())]
        inputs[one.name] = Pipeline((*filled, *steps), (make_scale(scale_after(data, source)),))
    targets = {}
    for target in held.values():
        if isinstance(target, TargetInfo):
            targets[target.name] = _target(info.target(target.name) or target, data)
    shapes = {name: input_shape(graph, name) for name in feeds}
    return Fitted(feeds, shapes, held, inputs, targets, info)


def _target(target: TargetInfo, data: Data) -> Pipeline:
    named: list[Step] = [Labels(target.labels, target.name)] if target.dtype == TEXT and target.labels else []
    specs = data.prepare.get(target.name, ())
    steps = [make_step(spec, target.name, target.classes) for spec in specs]
    return Pipeline((*named, *steps), (make_scale(None),) if specs else ())


def fit_shape(array: Array, wanted: Shape | None, name: str) -> Array:
    """Reshape samples for the Input `name`.

    Raises:
        KflabError: they cannot be, with both shapes.
    """
    if wanted is None:
        return array
    shape = fitted(array.shape[1:], wanted)
    if shape is None:
        raise KflabError(
            f"Input {name!r} expects samples of shape {shape_text(wanted)}, the data has "
            f"{shape_text(array.shape[1:])}"
        )
    return array.reshape(len(array), *[axis or 0 for axis in shape])
