"""Loads a run's model and data and predicts: what the process that predicts does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kflab import document
from kflab.errors import KflabError, UnusableInputError
from kflab.predict import cache
from kflab.predict.asking import Asked, known, source_of
from kflab.predict.results import IN_A_CELL, Answer, Predictions, Split
from kflab.runs.backends import is_installed
from kflab.runs.info import EXPERIMENT, RunInfo, read_info
from kflab.runs.placing import place_this_process
from kflab.settings import BACKEND_VARIABLE, chosen_device, usable_backend

if TYPE_CHECKING:
    import keras

    from kflab.data.parts import Part
    from kflab.data.pipelines import Fitted
    from kflab.experiment import Experiment


def answer(asked: Asked) -> Predictions:
    """Predicts, and keeps it with the run.

    Raises:
        KflabError: the run has no such model, or its data can not be had.
    """
    if (found := known(asked)) is not None:
        return found
    run_dir, source = Path(asked.run_dir), source_of(asked)
    which, path = cache.model_file(run_dir, asked.model)
    info = read_info(run_dir)
    experiment = document.read(run_dir / EXPERIMENT)
    _place(info)
    from kflab.predict.computing import Held, predict

    part, fitted = _part(run_dir, experiment, info, asked.split, source)
    base = Predictions(info.name, which, asked.split, asked.source, stamp=cache.stamp_of(path, source))
    names = _names(source)
    predictions = predict(
        load_model(experiment, path),
        experiment,
        Held(fitted.feeds, fitted.held),
        part,
        base,
        most=asked.most,
        in_a_cell=asked.in_a_cell,
        names=names,
    )
    if asked.in_a_cell == IN_A_CELL:
        cache.keep(run_dir, predictions)
    return predictions


def _place(info: RunInfo) -> None:
    """Chooses backend and device: those of the run, where nobody asks for others and they are to be had."""
    if "keras" in sys.modules:
        return
    own = info.backend if is_installed(info.backend) else ""
    backend = os.environ.get(BACKEND_VARIABLE) or own or usable_backend()
    place_this_process(backend, chosen_device().value or info.device, or_cpu=True)


def load_model(experiment: Experiment, path: Path) -> keras.Model:
    """The model of a run with the weights of one of its files.

    It is built from the experiment, and only numbers are taken from the file, so that nothing in it is run.

    Raises:
        KflabError: it can not be built, or the file is not of this model.
    """
    from kflab.engine.build import build
    from kflab.engine.weights import load_weights

    model = build(experiment)
    if not model.weights:
        return model
    taken = load_weights(model, path)
    if taken.fresh:
        raise UnusableInputError(
            f"it has no weights for {', '.join(taken.fresh[:3])}: it is not of this run's model",
            file=str(path),
        )
    return model


def try_answer(asked: Asked) -> Answer:
    """Predicts; what goes wrong comes as the answer's error, in one line."""
    try:
        return Answer(answer(asked))
    except KflabError as error:
        return Answer(None, str(error), error.exit_code)
    except Exception as error:  # noqa: BLE001 - whatever Keras raises, who asked gets one line; the log has all
        import traceback

        from kflab.train.causes import cause_of

        traceback.print_exc()
        return Answer(None, cause_of(error), 1)


def _part(
    run_dir: Path, experiment: Experiment, info: RunInfo, split: Split, source: Path | None
) -> tuple[Part, Fitted]:
    """The samples that are meant, and how they are prepared."""
    from kflab.data.fitted import FOLDER, load_fitted, open_split, prepare_source

    part: Part | None
    if source is not None:
        fitted = load_fitted(run_dir)
        part = _pictures(experiment, info, fitted, source) or prepare_source(run_dir, source)
    elif (run_dir / FOLDER).exists():
        part, fitted = open_split(run_dir, split), load_fitted(run_dir)
    else:
        # A run of an earlier kflab: with its seed, its data is split and prepared as it was then.
        from kflab.data.load import load

        base = Path(info.source).parent if info.source else Path(info.cwd or ".")
        splits = load(experiment, base, seed=info.seed)
        part = {"train": splits.train, "validation": splits.validation, "test": splits.test}[split]
        fitted = splits.fitted
    if part is None or not len(part):
        raise UnusableInputError(f"the run's data has no {split} split; another one is --split train")
    return part, fitted


def _pictures(experiment: Experiment, info: RunInfo, fitted: Fitted, source: Path) -> Part | None:
    """Image files as samples; None where the source is something else, or laid out as the run's data."""
    from kflab.catalog import datasets
    from kflab.predict import own_pictures

    found = own_pictures.find(source)
    is_like_the_run_s = all(found.folders) and datasets.find(experiment.data.source) is None
    if not found.files or is_like_the_run_s:
        return None
    base = Path(info.source).parent if info.source else Path(info.cwd or ".")
    return own_pictures.part_of(found, datasets.describe_raw(experiment.data, base).inputs, fitted)


def _names(source: Path | None) -> tuple[str, ...]:
    """What image files are called; nothing for other sources."""
    if source is None:
        return ()
    from kflab.predict import own_pictures

    found = own_pictures.find(source)
    return tuple(
        f"{folder}/{file.name}" if folder else file.name
        for file, folder in zip(found.files, found.folders, strict=True)
    )
