"""The plan that a run of an experiment would have, measured without a run."""

from __future__ import annotations

from pathlib import Path

import keras

from kflab.data.arrays import Progress
from kflab.data.batches import open_batches
from kflab.data.class_weights import weights_of
from kflab.data.load import load
from kflab.data.sources import study
from kflab.engine.build import build
from kflab.engine.determinism import make_deterministic
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.runs.events import Planned
from kflab.train.compiling import compile_model
from kflab.train.data_path import choose_data, feed, room
from kflab.train.planning import planner_of
from kflab.train.threads import keep_to_one_thread


def try_plan(experiment: Experiment, base: Path, progress: Progress | None = None) -> Planned:
    """Measures every way to make the steps of an experiment, however short its training is.

    Args:
        experiment: the experiment, which can be trained.
        base: the folder that a relative path of a file is relative to.
        progress: told how far a download is.

    Raises:
        KflabError: data or model cannot be used.
    """
    training = experiment.training
    seed = training.seed or 0
    keep_to_one_thread(experiment)
    make_deterministic(training)
    study(experiment.data, base, progress)
    splits = load(experiment, base, progress, seed)
    if not len(splits.train):
        raise KflabError("there are no training samples left; lower data.validation or data.test")
    keras.utils.set_random_seed(seed)
    model = build(experiment)
    compile_model(model, training)
    weights = weights_of(training, splits.train, splits.fitted.held, experiment.model)
    path = choose_data(splits, room(), training.plan.data)
    train, validation = feed(experiment, splits, path.data, seed=seed, weights=weights)
    with open_batches(train.batches, validation.batches if validation else None):
        measured = planner_of(model, train, training, path, is_asked=True).measured()
    return measured.event()
