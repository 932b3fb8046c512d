"""Loads a run's model and data and predicts: what the process that predicts does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kflab import document
from kflab.errors import KflabError, UnusableInputError
from kflab.predict import cache
from kflab.predict.results import IN_A_CELL, MOST_SAMPLES, Answer, Predictions, Split, Which
from kflab.runs.info import EXPERIMENT, read_info

if TYPE_CHECKING:
    import keras

    from kflab.data.parts import Part
    from kflab.experiment import Experiment


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wanted.

    Attributes:
        run_dir: the run folder.
        split: the split of the run's own data.
        source: a file or folder instead; "" for none.
        model: which model; nothing given: the one at the end, or else the best.
        most: how many samples at most.
        in_a_cell: how many samples of each cell of a confusion matrix are kept.
    """

    run_dir: str
    split: Split = "test"
    source: str = ""
    model: Which | None = None
    most: int = MOST_SAMPLES
    in_a_cell: int = IN_A_CELL


def known(asked: Asked) -> Predictions | None:
    """Predictions that were kept and are still those that are wanted; needs no Keras.

    Raises:
        UnusableInputError: there is no such model or source.
    """
    run_dir, source = Path(asked.run_dir), _source(asked)
    which, path = cache.model_file(run_dir, asked.model)
    found = cache.kept(run_dir, which, asked.split, asked.source, cache.stamp_of(path, source))
    if found is None or asked.in_a_cell > IN_A_CELL or found.samples != min(found.of, asked.most):
        return None
    return found


def answer(asked: Asked) -> Predictions:
    """Predicts, and keeps it with the run.

    Raises:
        KflabError: the run has no such model, or its data can not be had.
    """
    if (found := known(asked)) is not None:
        return found
    run_dir, source = Path(asked.run_dir), _source(asked)
    which, path = cache.model_file(run_dir, asked.model)
    info = read_info(run_dir)
    experiment = document.read(run_dir / EXPERIMENT)
    os.environ.setdefault("KERAS_BACKEND", info.backend)
    # A run that trains meanwhile may have the same device.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    from kflab.data.fitted import load_fitted
    from kflab.predict.computing import Held, predict

    part = _part(run_dir, asked.split, source)
    fitted = load_fitted(run_dir)
    base = Predictions(info.name, which, asked.split, asked.source, stamp=cache.stamp_of(path, source))
    predictions = predict(
        load_model(experiment, path),
        experiment,
        Held(fitted.feeds, fitted.held),
        part,
        base,
        most=asked.most,
        in_a_cell=asked.in_a_cell,
    )
    if asked.in_a_cell == IN_A_CELL:
        cache.keep(run_dir, predictions)
    return predictions


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


def _source(asked: Asked) -> Path | None:
    if not asked.source:
        return None
    path = Path(asked.source).expanduser()
    if not path.exists():
        raise UnusableInputError("no such file or folder", file=asked.source)
    return path.resolve()


def _part(run_dir: Path, split: Split, source: Path | None) -> Part:
    from kflab.data.fitted import open_split, prepare_source

    if source is not None:
        part: Part | None = prepare_source(run_dir, source)
    else:
        part = open_split(run_dir, split)
    if part is None or not len(part):
        raise UnusableInputError(f"the run's data has no {split} split; another one is --split train")
    return part
