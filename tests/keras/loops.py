"""A training by kflab's own loop, as a run does it, without a run folder around it."""

from __future__ import annotations

from pathlib import Path

import keras

from kflab.data.batches import open_batches
from kflab.data.class_weights import weights_of
from kflab.data.load import load
from kflab.engine.build import build
from kflab.experiment import Experiment
from kflab.train.callbacks import make_callbacks
from kflab.train.compiling import compile_model
from kflab.train.events_callback import Callbacks, Recorder
from kflab.train.feeding import fed_with
from kflab.train.grouping import Grouping
from kflab.train.journal import Journal
from kflab.train.loop import Loop
from kflab.train.notices import Notices
from kflab.train.steppers.choosing import make_stepper


def trained(experiment: Experiment, folder: Path, *, steps_per_execution: int | None = None) -> keras.Model:
    """The model after kflab has trained it; `folder` holds its data and what the callbacks write."""
    training, graph = experiment.training, experiment.model
    assert training.seed is not None
    splits = load(experiment, folder, None, training.seed)
    keras.utils.clear_session()
    keras.utils.set_random_seed(training.seed)
    model = build(experiment)
    compile_model(model, training)
    size = training.batch_size
    train = fed_with(
        splits.train,
        graph,
        batch_size=size,
        seed=training.seed,
        shuffle=experiment.data.shuffle,
        weights=weights_of(training, splits.train, splits.fitted.held, graph),
    )
    validation = splits.validation and fed_with(splits.validation, graph, batch_size=size)
    run = folder / "run"
    run.mkdir(exist_ok=True)
    callbacks = make_callbacks(training.callbacks, run)
    journal = Journal(run)
    recorder = Recorder(journal, steps=train.steps, notices=Notices(callbacks), best=None)
    with open_batches(train.batches, validation.batches if validation else None):
        Loop(
            model,
            make_stepper(model, train, training.plan),
            Callbacks(callbacks, recorder, model=model, epochs=training.epochs, steps=train.steps),
            train=train,
            validation=validation or None,
            epochs=training.epochs,
            grouping=Grouping(steps_per_execution),
        ).run()
    journal.close()
    return model
