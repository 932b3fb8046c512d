"""Training: data, model and callbacks of an experiment brought together and run."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import keras
import msgspec

from kflab.catalog.datasets import describe
from kflab.data.batches import open_batches
from kflab.data.fitted import load_again, save_fitted
from kflab.data.load import Part, load
from kflab.data.sources import study
from kflab.diagnose.check import check
from kflab.diagnose.findings import first_error
from kflab.diagnose.starting_weights import weights_file
from kflab.engine.build import build
from kflab.engine.determinism import keep_order_on_cpu, make_deterministic
from kflab.engine.inspect import Inspector
from kflab.engine.protocol import Report
from kflab.engine.weights import load_weights
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.runs.devices import GPUS, unseen
from kflab.runs.disk import needed
from kflab.runs.events import End, Evaluated, Fault, Logs
from kflab.runs.info import FINAL, RunInfo, amend_info
from kflab.runs.snapshots import numbered
from kflab.settings import read_settings
from kflab.train.compiling import compile_model
from kflab.train.events_callback import as_numbers
from kflab.train.feeding import fed_with
from kflab.train.fitting import Task, fit
from kflab.train.guard import Guard
from kflab.train.journal import Journal
from kflab.train.judging import costed, keep_predictions, look_at_targets
from kflab.train.past import read_past
from kflab.train.saving import save_model
from kflab.train.steppers.choosing import over_devices
from kflab.train.threads import keep_to_one_thread

_TEST_SECONDS_AFTER_STOP = 10.0


class Outcome(msgspec.Struct, frozen=True):
    """How training ended.

    Attributes:
        status: done or stopped.
        test: loss and metrics on the test split; empty where there is none, or no time was left for it.
        epochs: the epochs that were completed.
        cause: why it was stopped, where nobody asked for it.
        fault: what kind of thing it was stopped for.
    """

    status: End
    test: Logs = {}
    epochs: int = 0
    cause: str = ""
    fault: Fault = Fault.NONE


def train(run_dir: Path, info: RunInfo, experiment: Experiment, journal: Journal) -> Outcome:
    """Trains the experiment's model, saves it, and holds it against the test split.

    Raises:
        StopRequestedError: a stop was asked for before the first step.
        TrainingFailedError: the loss became NaN and the experiment says to end then, or the folder is gone.
        KflabError: data, model or training cannot be used.
    """
    keep_to_one_thread(experiment)
    make_deterministic(experiment.training)
    seed = _seed(info, experiment)
    now = amend_info(
        run_dir,
        seed=seed,
        keras=keras.__version__,
        backend_version=str(getattr(sys.modules.get(info.backend), "__version__", "")),
        devices=_devices(),
    )
    if lacking := unseen(info.backend, now.runs_on, now.devices):
        if info.device:
            raise KflabError(lacking)
        journal.note(f"{lacking}. It is trained on the CPU.")
    base = Path(info.source).parent if info.source else Path(info.cwd or run_dir)
    journal.loading(experiment.data.source)
    study(experiment.data, base, journal.loading)
    report = _refuse_errors(experiment, base)
    journal.write(costed(report))
    guard = Guard(run_dir, read_settings().disk_reserve_bytes, journal)
    guard.expect(needed(report.cost.memory.weights, report.cost.memory.slots))
    journal.loading(experiment.data.source)
    past = read_past(run_dir)
    if numbered(run_dir):
        splits = load_again(run_dir, experiment, base, journal.loading, seed)
    else:
        splits = load(experiment, base, journal.loading, seed)
        save_fitted(run_dir, splits.fitted)
    journal.check_stop()
    keras.utils.set_random_seed(seed)
    with over_devices(_shared(info.device)):
        model = build(experiment)
        if experiment.training.initial_weights and not numbered(run_dir):
            path = weights_file(experiment.training, base)
            journal.note(f"starts from {path.name}: {load_weights(model, path)}")
        keep_order_on_cpu(model)
        compile_model(model, experiment.training)
        journal.write(look_at_targets(experiment, model, splits.train, splits.fitted.held))
        loop, recorder = fit(Task(run_dir, experiment, model, splits, seed, journal, guard, past))
    save_model(model, run_dir / FINAL)
    status = End.STOPPED if loop.is_stopping else End.DONE
    test = _evaluate(experiment, model, splits.test, journal)
    if recorder.nan_at is None:
        keep_predictions(run_dir, experiment, model, splits, journal)
    return Outcome(status, test, recorder.epochs_done, guard.cause, guard.fault)


def _refuse_errors(experiment: Experiment, base: Path) -> Report:
    """Refuse what is known not to train, in the words of a check and not in those of a failing step.

    Returns:
        What the model turned out to be.

    Raises:
        KflabError: with the first error.
    """
    report = Inspector().inspect(experiment)
    info = describe(experiment.data, base) if experiment.data.source else None
    if error := first_error(check(experiment, info, report, base)):
        raise KflabError(error)
    return report


def _devices() -> tuple[str, ...]:
    if keras.backend.backend() != "torch":
        return tuple(keras.distribution.list_devices())
    # keras.distribution does not know the devices of torch.
    import torch  # type: ignore[import-not-found, unused-ignore]

    return tuple(f"gpu:{index}" for index in range(torch.cuda.device_count())) or ("cpu:0",)


def _shared(device: str) -> tuple[str, ...]:
    """The devices that make each step together; () where one makes it."""
    return tuple(name for name in _devices() if not name.startswith("cpu")) if device == GPUS else ()


def _seed(info: RunInfo, experiment: Experiment) -> int:
    given = experiment.training.seed
    return given if info.seed_drawn and given is not None else info.seed


class _Limit(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Ends an evaluation that takes too long after a stop was asked for."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self.has_ended_it = False
        self._journal = journal
        self._deadline = math.inf

    def on_test_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:  # noqa: ARG002
        """Looks at the clock after each step."""
        if self._deadline == math.inf and self._journal.stop_asked():
            self._deadline = time.monotonic() + _TEST_SECONDS_AFTER_STOP
        if time.monotonic() > self._deadline:
            self.has_ended_it = True
            self.model.stop_evaluating = True


def _evaluate(experiment: Experiment, model: keras.Model, test: Part | None, journal: Journal) -> Logs:
    if test is None:
        return {}
    limit = _Limit(journal)
    fed = fed_with(test, experiment.model, batch_size=experiment.training.batch_size)
    with open_batches(fed.batches):
        found = model.evaluate(**fed.arguments, verbose=0, return_dict=True, callbacks=[limit])
    if limit.has_ended_it:
        journal.note("the test was left out, because it takes long and the run was asked to stop")
        return {}
    logs: Logs = as_numbers(found)
    journal.write(Evaluated(time=time.time(), logs=logs))
    return logs
