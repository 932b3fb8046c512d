"""What was learned to prepare data, kept in the run folder and used again to evaluate and to predict."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import numpy as np

from kflab import document
from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, TargetInfo
from kflab.catalog.npz import ZIP_ERRORS
from kflab.data.arrays import Array, Progress
from kflab.data.gaps import Gaps
from kflab.data.layer_steps import State
from kflab.data.load import load_with
from kflab.data.other_sources import of_source
from kflab.data.parts import Part, Splits
from kflab.data.pipelines import Fitted, Pipeline, fit_shape, plan
from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import Experiment
from kflab.runs.info import EXPERIMENT, RunInfo, read_info
from kflab.whole_files import write_whole

FOLDER = "preparation"
"""The folder in a run's folder that holds what was learned."""

_WORDS, _NUMBERS = "fitted.json", "numbers.npz"
_GAP_VALUES = "values"

SplitName: TypeAlias = Literal["train", "validation", "test"]


class _Learned(msgspec.Struct, frozen=True):
    """What one step learned: words, and the keys of numbers in the other file."""

    words: Mapping[str, list[str]] = {}
    numbers: Mapping[str, str] = {}


class _Stored(msgspec.Struct, frozen=True):
    """The file of words."""

    kflab: int
    dataset: DatasetInfo
    feeds: Mapping[str, ArrayInfo]
    held_inputs: Mapping[str, ArrayInfo]
    held_targets: Mapping[str, TargetInfo]
    samples: Mapping[str, int]
    inputs: Mapping[str, list[_Learned]]
    targets: Mapping[str, list[_Learned]]


def save_fitted(run_dir: Path, fitted: Fitted) -> None:
    """Keep what was learned in the run's folder: each file whole or not at all."""
    numbers: dict[str, Array] = {}

    def learned(part: str, number: int, pipeline: Pipeline) -> list[_Learned]:
        stored = []
        for step, state in enumerate(pipeline.states):
            keys = {}
            for name, value in state.items():
                if not isinstance(value, list):
                    keys[name] = f"{part}{number}.{step}.{name}"
                    numbers[keys[name]] = np.asarray(value)
            words = {name: value for name, value in state.items() if isinstance(value, list)}
            stored.append(_Learned(words, keys))
        return stored

    def every(part: str, pipelines: Mapping[str, Pipeline]) -> dict[str, list[_Learned]]:
        return {
            name: learned(part, number, pipeline) for number, (name, pipeline) in enumerate(pipelines.items())
        }

    stored = _Stored(
        1,
        fitted.dataset,
        fitted.feeds,
        {name: one for name, one in fitted.held.items() if isinstance(one, ArrayInfo)},
        {name: one for name, one in fitted.held.items() if isinstance(one, TargetInfo)},
        fitted.samples,
        every("input", fitted.inputs),
        every("target", fitted.targets),
    )
    folder = run_dir / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **numbers)
    write_whole(folder / _NUMBERS, file.getvalue(), mode=0o600)
    write_whole(folder / _WORDS, msgspec.json.format(msgspec.json.encode(stored)), mode=0o600)


def load_fitted(run_dir: Path) -> Fitted:
    """How the samples of a run were prepared, with all that was learned.

    Raises:
        UnusableInputError: the run kept nothing of that, or its files are damaged.
    """
    experiment = _experiment(run_dir)
    stored, numbers = _read(run_dir)
    held = {
        name: one
        for name in experiment.model.output_names()
        if (one := stored.held_inputs.get(name) or stored.held_targets.get(name)) is not None
    }
    # What fills gaps is the first that an input learns.
    gaps = {
        name: Gaps("zero", ())
        for name, learned in stored.inputs.items()
        if learned and _GAP_VALUES in learned[0].numbers
    }
    planned = plan(experiment.model, experiment.data, stored.dataset, stored.feeds, held, gaps)
    return _filled(planned, stored, numbers, run_dir)


def prepare_samples(raw_inputs: Mapping[str, Array], fitted: Fitted) -> dict[str, Array]:
    """Samples as the model takes them.

    Args:
        raw_inputs: the samples as a source has them, by the name of the dataset's array, or of the model's
            input where the dataset has none of that name.
        fitted: how they are prepared.

    Returns:
        The samples by the name of the model's input.

    Raises:
        KflabError: an input is missing, or has the wrong shape or values.
    """
    made = {}
    for name, array in fitted.feeds.items():
        samples = raw_inputs.get(array.name, raw_inputs.get(name))
        if samples is None:
            raise KflabError(f"nothing feeds Input {name!r}: expected the array {array.name!r}")
        made[name] = fit_shape(fitted.inputs[array.name](samples), fitted.shapes[name], name)
    return made


def open_split(run_dir: Path, split: SplitName, progress: Progress | None = None) -> Part | None:
    """The samples of a split of a run, prepared as they were when it was trained; None where it has none.

    Those of the training are not augmented.

    Raises:
        KflabError: the data is not there any more, or has changed.
    """
    experiment, info = _experiment(run_dir), read_info(run_dir)
    splits = load_again(run_dir, experiment, _base(info), progress, info.seed)
    part = {"train": splits.train, "validation": splits.validation, "test": splits.test}[split]
    return None if part is None else replace(part, augment=None)


def load_again(
    run_dir: Path, experiment: Experiment, base: Path | None, progress: Progress | None = None, seed: int = 0
) -> Splits:
    """The samples of a run as `load` gave them, prepared with what was learned then.

    Raises:
        KflabError: the data is not there any more, or has changed.
    """
    kept = load_fitted(run_dir)
    splits = load_with(experiment, lambda planned: _taken_over(planned, kept), base, progress, seed)
    if splits.fitted.samples != kept.samples:
        raise KflabError(
            f"{experiment.data.source} has changed since the run: it had {_counts(kept)} samples, now it has "
            f"{_counts(splits.fitted)}"
        )
    return splits


def prepare_source(run_dir: Path, source_path: Path, progress: Progress | None = None) -> Part:
    """The samples of another source, prepared as those of the run were.

    Of a source with splits of its own, the test split is taken. Outputs whose target it does not have are
    left out of the targets.

    Raises:
        KflabError: the source can not be used, or does not have what the model is fed with.
    """
    experiment, fitted = _experiment(run_dir), load_fitted(run_dir)
    return of_source(experiment, fitted, source_path, progress)


def _taken_over(planned: Fitted, kept: Fitted) -> Fitted:
    """What was planned, with what was learned before."""
    try:
        for now, before in ((planned.inputs, kept.inputs), (planned.targets, kept.targets)):
            for name, pipeline in now.items():
                pipeline.take(before[name].states)
    except (KeyError, ValueError):
        raise KflabError(
            f"{planned.dataset.name} has changed since the run: it can not be prepared as it was then"
        ) from None
    return planned


def _counts(fitted: Fitted) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in fitted.samples.items() if count)


def _experiment(run_dir: Path) -> Experiment:
    return document.read(run_dir / EXPERIMENT)


def _base(info: RunInfo) -> Path:
    return Path(info.source).parent if info.source else Path(info.cwd or ".")


def _read(run_dir: Path) -> tuple[_Stored, Mapping[str, Array]]:
    folder = run_dir / FOLDER
    try:
        stored = msgspec.json.decode((folder / _WORDS).read_bytes(), type=_Stored)
        with np.load(folder / _NUMBERS, allow_pickle=False) as file:
            return stored, dict(file)
    except FileNotFoundError:
        raise UnusableInputError(
            "the run kept nothing of how its data was prepared, so no other samples can be prepared alike; "
            "train it again with this version of kflab",
            file=str(folder),
        ) from None
    except (*ZIP_ERRORS, ValueError, msgspec.MsgspecError) as error:
        raise UnusableInputError(f"damaged: {error}", file=str(folder)) from None


def _filled(planned: Fitted, stored: _Stored, numbers: Mapping[str, Array], run_dir: Path) -> Fitted:
    def states(learned: Sequence[_Learned]) -> list[State]:
        return [{**one.words, **{name: numbers[key] for name, key in one.numbers.items()}} for one in learned]

    try:
        for pipelines, kept in ((planned.inputs, stored.inputs), (planned.targets, stored.targets)):
            for name, pipeline in pipelines.items():
                pipeline.take(states(kept[name]))
    except (KeyError, ValueError) as error:
        raise UnusableInputError(f"damaged: {error}", file=str(run_dir / FOLDER)) from None
    return replace(planned, samples=stored.samples)
