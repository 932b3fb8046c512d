"""Whatever goes wrong with a training: a defined end, its cause, what to do, and a history that is whole."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kflab.runs.ending import Ending, how_it_ended
from kflab.runs.events import Epoch, Fault
from kflab.runs.folder import create
from kflab.runs.history import RunState
from kflab.runs.info import EVENTS, FINAL, amend_info
from kflab.runs.lines import LineWriter
from kflab.runs.snapshots import numbered
from kflab.runs.status import Status
from kflab.runs.tail import Tail
from kflab.train import snapshots
from kflab.train import supervise as supervising
from kflab.train.guard import Guard
from kflab.train.loop import Loop
from tests.small_disk import small_disk

DIGITS = """
kflab: 1
data: {{source: digits}}
model:
  nodes:
    image: {{Input: {{shape: [64]}}}}
    digit: {{Dense: {{units: 10, activation: softmax}}, from: image}}
  outputs: [digit]
training:
  {{loss: SparseCategoricalCrossentropy, epochs: {epochs}, plan: {plan}}}
"""
PLAN = "{steps_per_execution: 8, data: memory, jit_compile: false}"
"""Nothing has to be measured."""

Act = Callable[[Loop], object]


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Ending]]:
    """Trains as the trainer does, in this process, and tells how it ended."""
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    monkeypatch.setattr(supervising, "keep_printing", lambda: None)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")

    def train(run_dir: Path, *, again: bool = False, folder: Path | None = None) -> Ending:
        if again:
            amend_info(run_dir, goes_on=True)
        supervising.supervise(run_dir)
        found = how_it_ended(folder or run_dir)
        assert found is not None
        return found

    yield train
    for number, handler in signals.items():
        signal.signal(number, handler)


@pytest.fixture
def when(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Act], None]:
    """Does something between two steps, once, as soon as so many epochs are done."""
    watch = Guard.after_steps

    def arrange(epochs: int, act: Act) -> None:
        waiting = [act]

        def after_steps(self: Guard, loop: Loop, made: object) -> None:
            if waiting and loop.position.epoch >= epochs and loop.position.step:
                waiting.pop()(loop)
            watch(self, loop, made)

        monkeypatch.setattr(Guard, "after_steps", after_steps)

    return arrange


def run_in(folder: Path, *, epochs: int = 4) -> Path:
    return create(DIGITS.format(epochs=epochs, plan=PLAN), "a run", folder, seed=1, backend="tensorflow")


def whole_history(run_dir: Path) -> RunState:
    """The history, of which no line is torn and no epoch is missing or there twice."""
    tail, state = Tail(run_dir / EVENTS), RunState()
    while events := tail.read():
        state.apply_all(events)
    assert tail.skipped == 0
    assert list(state.curves["loss"].training.xs) == list(range(1, state.epochs_done + 1))
    return state


def leave(folder: Path, free: int) -> Path:
    """Fills a disk until only so many bytes are free."""
    filler = folder / "filler"
    found = os.statvfs(folder)
    with filler.open("wb") as file:
        file.write(b"x" * (found.f_bavail * found.f_frsize - free))
    return filler


@pytest.mark.slow
def test_a_loss_that_is_no_number(tmp_path: Path, ended: Callable[..., Ending]) -> None:
    text = """
kflab: 1
data: {source: diabetes}
model:
  nodes:
    patient: {Input: {shape: [10]}}
    progress: {Dense: {units: 1}, from: patient}
  outputs: [progress]
training: {loss: MeanSquaredError, optimizer: {SGD: {learning_rate: 1.e+30}}, callbacks: [TerminateOnNaN]}
"""
    run_dir = create(text, "nan", tmp_path, seed=1, backend="tensorflow")
    found = ended(run_dir)
    assert (found.status, found.fault) == (Status.FAILED, Fault.NOT_FINITE)
    assert found.cause.startswith("TerminateOnNaN: the loss became NaN in epoch 1, step ")
    assert f"`kflab show {run_dir.name}`" in found.advice


def test_a_disk_that_gets_full_stops_the_run_in_good_order_and_it_goes_on(
    tmp_path: Path, ended: Callable[..., Ending], when: Callable[[int, Act], None]
) -> None:
    with small_disk(tmp_path / "disk", "4m") as disk:
        run_dir = run_in(disk)
        fillers: list[Path] = []

        def fill(loop: Loop) -> None:
            fillers.append(leave(disk, 300_000))

        monkey_look(when, 2, fill)
        found = ended(run_dir)
        assert (found.status, found.fault) == (Status.STOPPED, Fault.DISK)
        assert found.cause.startswith("the disk is nearly full: ")
        assert found.advice.startswith(
            f"make room on the disk; `kflab resume {run_dir.name}` goes on from epoch 3"
        )
        assert whole_history(run_dir).epochs_done == 2
        assert keras.saving.load_model(run_dir / FINAL).count_params() == 650
        notes = [note.text for note in whole_history(run_dir).notes]
        assert any(note.startswith("a run of this takes up to 50 MB on the disk") for note in notes)
        fillers[0].unlink()
        assert ended(run_dir, again=True).status is Status.DONE
        assert whole_history(run_dir).epochs_done == 4


def monkey_look(when: Callable[[int, Act], None], epochs: int, act: Act) -> None:
    """Does something, after which the guard looks at once."""

    def do(loop: Loop) -> None:
        act(loop)
        for attendant in loop._attendants:
            if isinstance(attendant, Guard):
                attendant._next_look = 0.0

    when(epochs, do)


@pytest.mark.slow
def test_a_full_disk_has_room_for_the_cause(
    tmp_path: Path, ended: Callable[..., Ending], when: Callable[[int, Act], None]
) -> None:
    with small_disk(tmp_path / "disk", "4m") as disk:
        run_dir = run_in(disk, epochs=500)
        when(2, lambda _: leave(disk, 0))
        found = ended(run_dir)
        assert (found.status, found.fault) in {(Status.FAILED, Fault.DISK), (Status.STOPPED, Fault.DISK)}
        assert "disk is" in found.cause
        state = whole_history(run_dir)
        assert 2 <= state.epochs_done < 500
        assert not [path.name for path in run_dir.rglob("*") if path.name.startswith(".saving")]
        (disk / "filler").unlink()
        amend_info(run_dir, epochs=state.epochs_done + 1)
        assert ended(run_dir, again=True).status is Status.DONE
        whole_history(run_dir)


@pytest.mark.slow
@pytest.mark.parametrize("number", [errno.EDQUOT, errno.ENOSPC])
def test_a_best_model_that_finds_no_room(
    number: int, tmp_path: Path, ended: Callable[..., Ending], monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(model: keras.Model, path: Path, **_: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(keras.Model, "save", save)
    run_dir = run_in(tmp_path)
    found = ended(run_dir)
    assert (found.status, found.fault) == (Status.FAILED, Fault.DISK)
    assert "could not be written" in found.cause


@pytest.mark.slow
def test_a_folder_that_was_moved_and_one_that_was_deleted(
    tmp_path: Path, ended: Callable[..., Ending], when: Callable[[int, Act], None]
) -> None:
    run_dir = run_in(tmp_path / "runs", epochs=500)
    moved = tmp_path / "elsewhere"

    def move(_: Loop) -> None:
        run_dir.rename(moved)

    monkey_look(when, 2, move)
    found = ended(run_dir, folder=moved)
    assert (found.status, found.fault) == (Status.FAILED, Fault.FOLDER)
    assert found.cause == "the run folder was moved or deleted while it trained"
    assert whole_history(moved).epochs_done >= 2
    assert not run_dir.exists()
    deleted = run_in(tmp_path / "runs", epochs=500)
    monkey_look(when, 2, lambda _: subprocess.run(["rm", "-r", str(deleted)], check=True) and None)
    assert supervising.supervise(deleted) == 1
    assert not deleted.exists()


@pytest.mark.parametrize(
    ("error", "fault", "cause"),
    [
        (
            tf.errors.InternalError(None, None, "Failed to synchronize: CUDA_ERROR_LAUNCH_FAILED: failure"),
            Fault.DEVICE,
            "the GPU was lost (Failed to synchronize: CUDA_ERROR_LAUNCH_FAILED: failure)",
        ),
        pytest.param(
            tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[256,64]"),
            Fault.MEMORY,
            "out of memory: use a smaller batch size or a smaller model (OOM when allocating tensor with "
            "shape[256,64])",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            MemoryError(),
            Fault.MEMORY,
            "out of memory: use a smaller batch size or a smaller model",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_device_that_fails_between_two_steps(
    error: Exception,
    fault: Fault,
    cause: str,
    tmp_path: Path,
    ended: Callable[..., Ending],
    when: Callable[[int, Act], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: Loop) -> None:
        # A snapshot is written beside the training.
        deadline = time.monotonic() + 20
        while not numbered(run_dir):
            assert time.monotonic() < deadline, "there is no snapshot"
            time.sleep(0.01)
        raise error

    monkeypatch.setattr(snapshots, "LEAST_SECONDS", 0.0)
    when(1, fail)
    run_dir = run_in(tmp_path)
    found = ended(run_dir)
    assert (found.status, found.fault, found.cause) == (Status.FAILED, fault, cause)
    assert f"`kflab resume {run_dir.name}` goes on from epoch 2" in found.advice
    assert whole_history(run_dir).epochs_done == 1
    assert ended(run_dir, again=True).status is Status.DONE
    assert whole_history(run_dir).epochs_done == 4


def test_a_clock_that_jumps(
    tmp_path: Path,
    ended: Callable[..., Ending],
    when: Callable[[int, Act], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = time.time
    shift = [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + shift[0])

    def jump(_: Loop) -> None:
        shift[0] = 3 * 3600.0
        when(3, lambda _: shift.__setitem__(0, -5 * 3600.0))

    when(1, jump)
    run_dir = run_in(tmp_path, epochs=5)
    found = ended(run_dir)
    assert shift == [-5 * 3600.0]
    assert found.status is Status.DONE
    state = whole_history(run_dir)
    assert state.finished is not None
    assert 0 < state.finished.seconds < 600
    assert all(0 <= seconds < 600 for seconds in state.epoch_seconds.values())
    times = [event.time for event in Tail(run_dir / EVENTS).read()]
    assert times == sorted(times)
    assert sum(isinstance(event, Epoch) for event in Tail(run_dir / EVENTS).read()) == 5


@pytest.mark.slow
def test_a_folder_that_takes_nothing_any_more_ends_it_without_a_fault_of_kflab(
    tmp_path: Path,
    when: Callable[[int, Act], None],
    ended: Callable[..., Ending],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(run_dir / EVENTS))

    when(2, lambda _: monkeypatch.setattr(LineWriter, "write", refuse))
    run_dir = run_in(tmp_path)
    assert supervising.supervise(run_dir) == 1
    said = capsys.readouterr().err.splitlines()
    assert any("Read-only file system" in line and line.startswith("failed: ") for line in said)
    assert said[-1].startswith("this could not be written to the run folder: ")
    assert whole_history(run_dir).epochs_done == 2


IMAGES = """
kflab: 1
data: {source: pictures, arguments: {image_size: [8, 8]}, shuffle: false, split: time}
model:
  nodes:
    image: {Input: {shape: [8, 8, 3]}}
    flat: {Flatten: {}, from: image}
    kind: {Dense: {units: 2, activation: softmax}, from: flat}
  outputs: [kind]
training: {loss: SparseCategoricalCrossentropy, batch_size: 4, epochs: 3}
"""


@pytest.mark.slow
def test_a_picture_that_breaks_while_it_trains_is_named_and_mended(
    tmp_path: Path, ended: Callable[..., Ending], when: Callable[[int, Act], None]
) -> None:
    random = np.random.default_rng(1)
    for name in ("dark", "light"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(60):
            pixels = random.integers(0, 250, (9, 9, 3)).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{number:02}.png")
    text = IMAGES.replace("epochs: 3", "epochs: 120, plan: {data: streamed}")
    run_dir = create(
        text, "images", tmp_path / "runs", seed=1, backend="tensorflow", source=str(tmp_path / "e.yaml")
    )
    broken = tmp_path / "pictures" / "dark" / "30.png"
    whole = broken.read_bytes()
    when(60, lambda _: broken.write_bytes(whole[:60]) and None)
    found = ended(run_dir)
    assert (found.status, found.fault) == (Status.FAILED, Fault.DATA)
    assert str(broken) in found.cause
    assert found.advice.startswith("mend the file; `kflab resume ")
    assert 60 <= whole_history(run_dir).epochs_done < 120
    broken.write_bytes(whole)
    assert ended(run_dir, again=True).status is Status.DONE
    assert whole_history(run_dir).epochs_done == 120


def test_a_wrong_value_far_down_a_table_is_named_with_its_row(
    tmp_path: Path, ended: Callable[..., Ending], when: Callable[[int, Act], None]
) -> None:
    table = tmp_path / "table.csv"
    rows = [f"{number % 7}.5,{number % 3}.25,{number % 2}" for number in range(400)]
    table.write_text("\n".join(["a,b,kind", *rows]) + "\n")
    text = """
kflab: 1
data: {source: table.csv, arguments: {target: kind}}
model:
  nodes:
    a: {Input: {shape: [1]}}
    b: {Input: {shape: [1]}}
    both: {Concatenate: {}, from: [a, b]}
    kind: {Dense: {units: 2, activation: softmax}, from: both}
  outputs: [kind]
training: {loss: SparseCategoricalCrossentropy, epochs: 2}
"""
    run_dir = create(
        text, "table", tmp_path / "runs", seed=1, backend="tensorflow", source=str(tmp_path / "e.yaml")
    )
    rows[299] = "x,1.25,0"
    table.write_text("\n".join(["a,b,kind", *rows]) + "\n")
    found = ended(run_dir)
    assert (found.status, found.fault) == (Status.FAILED, Fault.DATA)
    assert "table.csv" in found.cause
    assert "301" in found.cause
