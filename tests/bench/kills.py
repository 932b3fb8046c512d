"""Kills trainers at random moments, has them go on, and holds what they end with against one that lived.

    python tests/bench/kills.py [--kills 100] [--backend tensorflow|jax] [--presets ...] [--folder FOLDER]

Each preset is trained with dropout, BatchNormalization, EarlyStopping and augmentation: once undisturbed, and
again and again while it is ended by SIGKILL: a third of the times at any moment in the life of the process, a
third between two steps of the training, a third while a snapshot is being written. The run goes on from its
newest snapshot after each kill. After a few of them it may finish, and all that it leaves has to be the same
to the last bit: weights, optimizer, seeds, the values of every epoch, the best model. Ends with 1 where it is
not, or where a run could not go on.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import h5py
import numpy as np

from kflab import document, presets
from kflab.document.assign import assign
from kflab.runs.events import Prepared, Started
from kflab.runs.folder import create
from kflab.runs.history import RunState
from kflab.runs.info import BEST, EVENTS, FINAL, read_info
from kflab.runs.launch import launch
from kflab.runs.resuming import resume
from kflab.runs.snapshots import SNAPSHOTS, numbered
from kflab.runs.status import Status, status
from kflab.runs.tail import Tail
from kflab.train.snapshot_file import read_snapshot

MOST_KILLS = 5
"""How often one run is killed before it may finish."""

_AUGMENTED = "data.augment.image=[{RandomTranslation: {height_factor: 0.1, width_factor: 0.1}}]"
_STOPPING = "{EarlyStopping: {monitor: val_loss, patience: 6, restore_best_weights: true}"
_SAME = ("training.snapshot_seconds=0.3", "training.plan.jit_compile=false")  # XLA rounds otherwise
_LESS = ("data.limit=500", *_SAME)

VARIANTS = {
    "digits_mlp": (
        *_LESS,
        _AUGMENTED,
        "training.epochs=25",
        "model.nodes.normed={BatchNormalization: {}, from: hidden}",
        "model.nodes.dropped={Dropout: {rate: 0.3}, from: normed}",
        f"training.callbacks={_STOPPING}, CSVLogger: {{}}}}",
    ),
    "digits_branches": (
        *_LESS,
        _AUGMENTED,
        "training.epochs=12",
        "model.nodes.normed={BatchNormalization: {}, from: joined}",
        "model.nodes.halved={MaxPooling2D: {pool_size: 2}, from: normed}",
        f"training.callbacks={_STOPPING}, ModelCheckpoint: {{}}, "
        "ReduceLROnPlateau: {monitor: val_loss, factor: 0.5, patience: 1}}",
    ),
    "digits_sequence": (
        *_LESS,
        _AUGMENTED,
        "training.epochs=12",
        "model.nodes.normed={BatchNormalization: {}, from: read}",
        "model.nodes.dropped={Dropout: {rate: 0.3}, from: normed}",
        "model.nodes.digit={Dense: {units: 10, activation: softmax}, from: dropped}",
        "training.optimizer.Adam={learning_rate: {CosineDecay: {initial_learning_rate: 5e-3, "
        "decay_steps: 820}}, use_ema: true, gradient_accumulation_steps: 2, clipnorm: 1.0}",
        f"training.callbacks={_STOPPING}}}",
    ),
    "digits_mlp in memory": (
        *_SAME,
        "training.epochs=200",
        "model.nodes.normed={BatchNormalization: {}, from: hidden}",
        "model.nodes.dropped={Dropout: {rate: 0.3}, from: normed}",
        "training.callbacks={EarlyStopping: {monitor: val_loss, patience: 300}, CSVLogger: {}}",
    ),
}
"""The presets by name, each with what is set in it."""


@dataclass
class Ended:
    """What a run has left.

    Attributes:
        values: arrays by name: weights of the saved models, and all variables of the last snapshot.
        told: what its history says of each epoch, and how it ended.
    """

    values: dict[str, np.ndarray] = field(default_factory=dict)
    told: dict[str, object] = field(default_factory=dict)


@dataclass
class Row:
    """What came of the kills of one preset."""

    kills: int = 0
    runs: int = 0
    equal: int = 0
    lost: int = 0
    while_writing: int = 0
    steps_again: list[int] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def make_run(preset: str, settings: Sequence[str], folder: Path, backend: str) -> Path:
    """A run folder for a preset with settings; no trainer is started."""
    # A loop of steps that JAX compiles rounds otherwise than steps of their own, so it must not be a choice.
    if backend == "jax":
        settings = (*settings, "training.plan.steps_per_execution=1")
    path = presets.find(preset.partition(" ")[0])
    text = document.text_of(path)
    experiment = assign(document.read_text(text, str(path)), settings)
    return create(document.dump(experiment, text), preset, folder, seed=7, backend=backend, source=str(path))


def end_of(run_dir: Path) -> Ended:
    """Reads what a run that is over has left."""
    ended = Ended()
    state = _state_of(run_dir)
    for name, curve in state.curves.items():
        ended.told[name] = (curve.training.xs.tolist(), curve.training.ys.tolist())
        ended.told[f"val_{name}"] = (curve.validation.xs.tolist(), curve.validation.ys.tolist())
    ended.told["test"] = dict(state.test)
    ended.told["end"] = (str(state.finished and state.finished.status), state.epochs_done)
    for model in (BEST, FINAL):
        for name, array in _weights_of(run_dir / model).items():
            ended.values[f"{model} {name}"] = array
    newest = read_snapshot(numbered(run_dir)[-1][1])
    count = sum(newest.about.groups.values())
    for index, (about, array) in enumerate(zip(newest.about.arrays, newest.arrays, strict=True)):
        if index < count:
            # An optimizer is numbered by how many the process has made.
            ended.values[f"{index} {about.name.rpartition('/')[2]}"] = array
    table = run_dir / "history.csv"
    ended.told["table"] = table.read_text() if table.exists() else ""
    return ended


def differences(one: Ended, other: Ended) -> list[str]:
    """What is not the same to the last bit."""
    found = [
        name for name in one.told.keys() | other.told.keys() if one.told.get(name) != other.told.get(name)
    ]
    for name in one.values.keys() | other.values.keys():
        first, second = one.values.get(name), other.values.get(name)
        if first is None or second is None or first.tobytes() != second.tobytes():
            found.append(name)
    return sorted(found)


def wait_for_end(run_dir: Path, seconds: float = 300.0) -> Status:
    """Waits until a run is over."""
    deadline = time.monotonic() + seconds
    while not (now := status(run_dir)).is_over:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{run_dir} does not end")
        time.sleep(0.05)
    return now


def kill_at(run_dir: Path, moment: Callable[[], bool]) -> bool:
    """Kills the trainer when the moment has come; False where it ended before."""
    process = read_info(run_dir).process
    assert process is not None
    while not moment():
        if not process.is_alive():
            return False
        time.sleep(0.0005)
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    while process.is_alive():
        time.sleep(0.001)
    return _state_of(run_dir).finished is None


def after(seconds: float) -> Callable[[], bool]:
    """The moment so long after this one."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def in_training(run_dir: Path, seconds: float) -> Callable[[], bool]:
    """The moment so long after the trainer that starts now has its data and model ready."""
    tail = Tail(run_dir / EVENTS)
    while tail.read():
        pass
    end: float | None = None

    def has_come() -> bool:
        nonlocal end
        if end is None and any(isinstance(event, Prepared) for event in tail.read()):
            end = time.monotonic() + seconds
        return end is not None and time.monotonic() >= end

    return has_come


def in_writing(run_dir: Path, number: int) -> Callable[[], bool]:
    """The moment when so many snapshots were begun and the last of them is not whole yet."""
    folder, seen = run_dir / SNAPSHOTS, set[str]()

    def has_come() -> bool:
        names = {entry.name for entry in os.scandir(folder)} if folder.exists() else set()
        writing = {name for name in names if name.startswith(".writing-")}
        seen.update(writing)
        return len(seen) >= number and bool(writing)

    return has_come


def kill_and_compare(
    preset: str, settings: Sequence[str], folder: Path, backend: str, kills: int, draw: random.Random
) -> Row:
    """Trains a preset undisturbed, then kills it so often, and compares what is left."""
    whole = make_run(preset, settings, folder, backend)
    begin = time.monotonic()
    launch(whole)
    wait_for_end(whole)
    life = time.monotonic() - begin
    expected = end_of(whole)
    training = _trained_seconds(whole)
    row = Row()
    while row.kills < kills:
        run_dir = make_run(preset, settings, folder, backend)
        _disturb(run_dir, row, min(kills - row.kills, draw.randint(1, MOST_KILLS)), life, training, draw)
        row.runs += 1
        try:
            _finish(run_dir)
            found = differences(expected, end_of(run_dir))
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the run is lost, and that is counted
            row.lost += 1
            row.differences.append(f"{run_dir}: {type(error).__name__}: {error}")
            continue
        row.equal += not found
        if found:
            row.differences.append(f"{run_dir}: {', '.join(found[:6])}")
    return row


def _disturb(run_dir: Path, row: Row, kills: int, life: float, training: float, draw: random.Random) -> None:
    """Kills a run so often, and goes on with it in between."""
    for _ in range(kills):
        kind = draw.choice(("any", "training", "writing"))
        if kind == "any":
            moment = after(draw.uniform(0, life))
        elif kind == "training":
            moment = in_training(run_dir, draw.uniform(0, training))
        else:
            moment = in_writing(run_dir, draw.randint(1, 3))
        _start(run_dir)
        if not kill_at(run_dir, moment):
            return
        row.kills += 1
        row.while_writing += kind == "writing"
        state = _state_of(run_dir)
        if state.prepared is not None and numbered(run_dir):
            about = read_snapshot(numbered(run_dir)[-1][1]).about
            done = state.epochs_done * state.steps + state.step
            row.steps_again.append(max(done - about.epoch * state.steps - about.step, 0))


def _finish(run_dir: Path) -> None:
    if status(run_dir) is not Status.DONE:
        _start(run_dir)
    if (end := wait_for_end(run_dir)) is not Status.DONE:
        raise RuntimeError(f"it is {end}")


def _start(run_dir: Path) -> None:
    if read_info(run_dir).process is None:
        launch(run_dir)
    else:
        resume(run_dir)


def _state_of(run_dir: Path) -> RunState:
    state, tail = RunState(), Tail(run_dir / EVENTS)
    while events := tail.read():
        state.apply_all(events)
    return state


def _trained_seconds(run_dir: Path) -> float:
    tail, begin, end = Tail(run_dir / EVENTS), 0.0, 0.0
    while events := tail.read():
        for event in events:
            begin = event.time if isinstance(event, Started | Prepared) else begin
            end = event.time
    return end - begin


def _weights_of(path: Path) -> dict[str, np.ndarray]:
    """Every array of a `.keras` file, those of the optimizer too, without making a model of it."""
    found: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:

        def take(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset):
                found[name] = item[()]

        file.visititems(take)
    return found


def main() -> int:
    """Kills, compares, and prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--backend", default="tensorflow")
    parser.add_argument("--presets", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--forked", action="store_true", help="fork trainers, which start in a tenth of the time"
    )
    given = parser.parse_args()
    if not given.forked:
        return kill_all(given)
    from forked_trainers import Forked

    forked = Forked(given.backend)
    try:
        with mock.patch("kflab.runs.launch._start", forked.start):
            return kill_all(given)
    finally:
        forked.close()


def kill_all(given: argparse.Namespace) -> int:
    """Kills and compares as the command line says; 1 where something was not the same."""
    folder = given.folder or Path(tempfile.mkdtemp(prefix="kills-"))
    draw = random.Random(given.seed)
    sys.stdout.write(f"{given.backend}, runs in {folder}\n")
    sys.stdout.write(
        f"{'preset':22}{'kills':>7}{'writing':>9}{'runs':>6}{'equal':>7}{'lost':>6}"
        f"{'steps again (median, most)':>28}\n"
    )
    failed = False
    for number, preset in enumerate(given.presets):
        share = given.kills // len(given.presets) + (number < given.kills % len(given.presets))
        row = kill_and_compare(preset, VARIANTS[preset], folder, given.backend, share, draw)
        again = row.steps_again
        most = f"{int(np.median(again))}, {max(again)}" if again else "-"
        sys.stdout.write(
            f"{preset:22}{row.kills:7}{row.while_writing:9}{row.runs:6}{row.equal:7}{row.lost:6}{most:>28}\n"
        )
        for difference in row.differences:
            sys.stdout.write(f"  {difference}\n")
        sys.stdout.flush()
        failed = failed or row.equal != row.runs
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
