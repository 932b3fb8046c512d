"""Fitting a model: the loop of a run with all that attends to it."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import keras

from kflab.data.batches import open_batches
from kflab.data.class_weights import weights_of
from kflab.data.load import Splits
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.runs.events import Fault, Prepared
from kflab.runs.info import BEST, read_info
from kflab.train.backups import mend_backups
from kflab.train.callbacks import make_callbacks, writes_best
from kflab.train.data_path import choose_data, feed, room
from kflab.train.events_callback import Callbacks, Recorder
from kflab.train.experiment_digest import digest_of, digest_of_samples
from kflab.train.failure import TrainingFailedError
from kflab.train.feeding import Fed, fed_with
from kflab.train.guard import Guard
from kflab.train.journal import Journal
from kflab.train.judging import look_for_unusable
from kflab.train.loop import Attendant, Loop
from kflab.train.notices import Notices
from kflab.train.past import Past
from kflab.train.planning import plan_run
from kflab.train.resuming import Resuming
from kflab.train.saving import BestModel, save_whole
from kflab.train.shelf import Shelf
from kflab.train.snapshots import Snapshots
from kflab.train.steering import Steering
from kflab.train.surface import surface_writer
from kflab.train.whole_state import WholeState


@dataclass(frozen=True)
class Task:
    """What is to be fitted, and where that is told.

    Attributes:
        run_dir: the run folder.
        experiment: the experiment.
        model: its model, compiled.
        splits: its data.
        seed: what its random numbers start from.
        journal: where it is told.
        guard: who looks after disk and folder.
        past: what trainers before this one did.
    """

    run_dir: Path
    experiment: Experiment
    model: keras.Model
    splits: Splits
    seed: int
    journal: Journal
    guard: Guard
    past: Past


def fit(task: Task) -> tuple[Loop, Recorder]:
    """Trains the model from where the run is to its end, or until it is stopped.

    Raises:
        StopRequestedError: a stop was asked for before the first step.
        TrainingFailedError: the loss became NaN and the experiment says to end then, or the folder is gone.
        KflabError: data or callbacks cannot be used.
    """
    training, model, splits = task.experiment.training, task.model, task.splits
    callbacks = make_callbacks(training.callbacks, task.run_dir)
    for done in mend_backups(callbacks):
        task.journal.note(done)
    best = None
    if not writes_best(training.callbacks, task.run_dir):
        best = BestModel(task.run_dir / BEST, "val_loss" if splits.validation else "loss")
    notices = Notices(callbacks)
    if not len(splits.train):
        raise KflabError("there are no training samples left; lower data.validation or data.test")
    weights = weights_of(training, splits.train, splits.fitted.held, task.experiment.model)
    path = choose_data(splits, room(), training.plan.data, task.past.planned)
    train, validation = feed(task.experiment, splits, path.data, seed=task.seed, weights=weights)
    recorder = Recorder(
        task.journal,
        steps=train.steps,
        notices=notices,
        best=best,
        look=lambda lost: look_for_unusable(splits.train, lost),
    )
    task.journal.write(_prepared(task, train))
    task.journal.check_stop()
    if (batches := train.batches) is not None:
        recorder.waited = lambda: batches.waited
    state = WholeState(
        experiment=digest_of(task.experiment),
        seed=task.seed,
        callbacks=tuple(callbacks),
        recorder=recorder,
        best=best,
    )
    if surface := surface_writer(task.run_dir, task.experiment.model, model, splits):
        callbacks.append(surface)
    test = None
    if splits.test and not validation:
        # Where there is no validation split, an evaluation that is asked for is on the test split.
        test = fed_with(splits.test, task.experiment.model, batch_size=training.batch_size)
    planned = plan_run(model, train, training, path, task.past.planned, task.journal)
    attending = _attending(task, state, test)
    recorder.away = lambda: attending.steering.away
    save_whole(state.callbacks, model)
    with open_batches(*(fed.batches for fed in (train, validation, test) if fed)):
        loop = Loop(
            model,
            planned.stepper,
            Callbacks(callbacks, recorder, model=model, epochs=training.epochs, steps=train.steps),
            train=train,
            validation=validation,
            epochs=training.epochs,
            grouping=planned.grouping(training.plan, train),
            attendants=attending.in_order(task.guard),
        )
        with contextlib.closing(attending.snapshots):
            loop.run()
    if best is not None:
        best.finish(model)
    if recorder.nan_at is not None and notices.ends_on_nan and model.stop_training and not loop.is_stopping:
        epoch, step = recorder.nan_at
        raise TrainingFailedError(
            f"TerminateOnNaN: the loss became NaN in epoch {epoch}, step {step}",
            recorder.epochs_done,
            Fault.NOT_FINITE,
        )
    return loop, recorder


def _prepared(task: Task, train: Fed) -> Prepared:
    training, splits = task.experiment.training, task.splits
    return Prepared(
        time=time.time(),
        epochs=training.epochs,
        steps=train.steps,
        batch_size=training.batch_size,
        train_samples=len(splits.train),
        validation_samples=len(splits.validation) if splits.validation else 0,
        test_samples=len(splits.test) if splits.test else 0,
        params=task.model.count_params(),
        outputs=task.experiment.model.output_names(),
    )


@dataclass(frozen=True)
class _Attending:
    """Who attends to a training besides its guard."""

    resuming: Resuming
    steering: Steering
    snapshots: Snapshots

    def in_order(self, guard: Guard) -> list[Attendant]:
        """All of them, in the order in which they are called: snapshots hold what the others did."""
        return [self.resuming, self.steering, guard, self.snapshots]


def _attending(task: Task, state: WholeState, test: Fed | None) -> _Attending:
    """Goes to where the run is, and has snapshots taken and requests answered from there on."""
    shelf = Shelf(task.run_dir)
    resuming = Resuming(state, shelf, task.journal, task.past)
    resuming.choose(task.model, lambda: digest_of_samples(task.splits), read_info(task.run_dir).epochs)
    snapshots = Snapshots(
        state,
        shelf,
        task.journal,
        seconds=task.experiment.training.snapshot_seconds,
        data=lambda: digest_of_samples(task.splits),
        steered=resuming.steered,
    )
    steering = Steering(task.journal, again=resuming.again, snapshots=snapshots, test=test, guard=task.guard)
    return _Attending(resuming, steering, snapshots)
