"""Snapshots on disk: exact, whole or refused, and the state of callbacks in them."""

from __future__ import annotations

import csv
import errno
import math
import os
from pathlib import Path
from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest

from kflab.runs.snapshots import numbered, position_of
from kflab.train.callback_state import CallbackStates, append_to_files, cut_files, let_train_on
from kflab.train.plain_state import NotPlainError, pack, unpack
from kflab.train.saving import save_whole
from kflab.train.shelf import KEPT, Shelf, Taken
from kflab.train.snapshot_file import (
    About,
    RefusedSnapshotError,
    Snapshot,
    kept,
    read_snapshot,
    write_snapshot,
)

VALUES = [
    None,
    True,
    -3,
    2**80,
    0.1,
    math.inf,
    "text",
    (1, (2, [3.5, "x"])),
    {"a": {1: None}},
    np.float32(0.1),
    np.arange(6).reshape(2, 3),
    np.array([1.5, -2.25], dtype=ml_dtypes.bfloat16),
    np.array([0.5], dtype=ml_dtypes.float8_e4m3fn),
    np.zeros((0, 3)),
    np.array(7),
]


def snapshot_of(values: Any, *, epoch: int = 1, step: int = 2) -> Snapshot:
    arrays: list[Any] = []
    state = pack(values, arrays)
    return Snapshot(
        About(epoch=epoch, step=step, epochs=9, arrays=tuple(kept(one) for one in arrays), state=state),
        arrays,
    )


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    path = write_snapshot(tmp_path, snapshot_of(VALUES), "000001-1-2")
    found = read_snapshot(path)
    values = unpack(found.about.state, found.arrays)
    for before, after in zip(VALUES, values, strict=True):
        assert type(after) is type(before)
        if isinstance(before, np.ndarray | np.generic):
            assert (after.dtype, after.shape, after.tobytes()) == (
                before.dtype,
                before.shape,
                before.tobytes(),
            )
        else:
            assert after == before
    assert math.isnan(unpack(pack(math.nan, []), []))


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", lambda: 0, np.array([object()])])
def test_what_no_file_can_hold_is_refused(value: object) -> None:
    with pytest.raises(NotPlainError):
        pack([value], [])


@pytest.mark.parametrize(
    "packed", [{"eval": "1"}, {"array": 5}, {"comparison": "__import__"}, {}, {"dict": 3}]
)
def test_what_was_never_packed_is_refused(packed: object) -> None:
    with pytest.raises(ValueError, match="no known kind"):
        unpack(packed, [])


def test_a_damaged_file_is_refused_wherever_it_is_damaged(tmp_path: Path) -> None:
    path = write_snapshot(tmp_path, snapshot_of([np.arange(50)]), "000001-1-2")
    whole = path.read_bytes()
    for place in range(0, len(whole), 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(RefusedSnapshotError, match="damaged"):
            read_snapshot(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RefusedSnapshotError, match="damaged"):
        read_snapshot(path)
    path.write_bytes(whole)
    assert read_snapshot(path).about.step == 2


def shelve(run_dir: Path, epoch: int, best: bytes = b"") -> Path:
    shelf = Shelf(run_dir)
    files = []
    if best:
        (run_dir / "new").write_bytes(best)
        (run_dir / "new").replace(run_dir / "best.keras")
        files = [run_dir / "best.keras"]
    return shelf.write(shelf.put_aside(snapshot_of([np.arange(3)], epoch=epoch, step=0), files))


def test_the_last_two_are_kept_with_the_files_of_their_time(tmp_path: Path) -> None:
    for epoch in range(1, 5):
        shelve(tmp_path, epoch, best=b"best of %d" % epoch)
    assert [position_of(path).epoch for _, path in numbered(tmp_path)] == [3, 4]
    assert len(list((tmp_path / "snapshots").iterdir())) == 2 * KEPT
    shelf, best = Shelf(tmp_path), tmp_path / "best.keras"
    older = shelf.newest_first()[1]
    assert shelf.is_complete(older, read_snapshot(older))
    shelf.put_back(older, read_snapshot(older), [best, tmp_path / "other.keras"])
    assert best.read_bytes() == b"best of 3"
    (tmp_path / "other.keras").write_bytes(b"made later")
    shelf.put_back(older, read_snapshot(older), [best, tmp_path / "other.keras"])
    assert not (tmp_path / "other.keras").exists()


def test_a_refused_one_goes_before_a_good_one(tmp_path: Path) -> None:
    good, damaged = shelve(tmp_path, 1), shelve(tmp_path, 2)
    shelf = Shelf(tmp_path)
    shelf.refuse(damaged)
    newest = shelf.write(shelf.put_aside(snapshot_of([], epoch=2), []))
    assert shelf.newest_first() == [newest, good]


def test_what_a_kill_left_half_written_is_removed(tmp_path: Path) -> None:
    good = shelve(tmp_path, 1)
    folder = good.parent
    (folder / ".writing-000002-1-7.npz").write_bytes(b"half")
    (folder / ".aside-2-0").write_bytes(b"best")
    assert Shelf(tmp_path).newest_first() == [good]
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_full_disk_leaves_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelve(tmp_path, 1, best=b"best")
    before = sorted((tmp_path / "snapshots").iterdir())
    shelf = Shelf(tmp_path)
    taken: Taken = shelf.put_aside(snapshot_of([np.arange(9)], epoch=2), [tmp_path / "best.keras"])

    def full(*_given: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="space"):
        shelf.write(taken)
    assert sorted((tmp_path / "snapshots").iterdir()) == before


class Counting(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """A callback that kflab knows nothing of."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder, self.seen, self.history = folder, 0, []
        self.file: object = None

    def on_train_begin(self, logs: object = None) -> None:
        self.file = object()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.seen += 1
        self.history.append((epoch, dict(logs or {})))


def trained(callbacks: list[keras.callbacks.Callback], losses: list[float], begin: int = 0) -> None:
    """Calls callbacks as a training does, that is given these validation losses."""
    for epoch, loss in enumerate(losses, begin):
        for callback in callbacks:
            callback.on_epoch_begin(epoch)
            callback.on_epoch_end(epoch, {"loss": loss, "val_loss": loss})


def begun(folder: Path) -> tuple[list[keras.callbacks.Callback], keras.Model]:
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callbacks = [
        keras.callbacks.EarlyStopping(patience=3, min_delta=0.01, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(patience=2, cooldown=1, min_delta=0.01),
        keras.callbacks.ModelCheckpoint(str(folder / "best.keras"), save_best_only=True),
        keras.callbacks.CSVLogger(str(folder / "history.csv")),
        Counting(str(folder)),
    ]
    for callback in callbacks:
        callback.set_model(model)
    save_whole(callbacks, model)
    return callbacks, model


LOSSES = [1.0, 0.5, 0.505, 0.7, 0.495, 0.499, 0.498, 0.497]


def plain(callbacks: list[keras.callbacks.Callback]) -> list[Any]:
    """What callbacks know, without the folder that they are in."""
    found = []
    for callback in callbacks:
        state = {}
        for name, value in vars(callback).items():
            try:
                arrays: list[Any] = []
                state[name] = (pack(value, arrays), [array.tobytes() for array in arrays])
            except NotPlainError:
                continue
        found.append(
            {name: value for name, value in state.items() if name not in {"append", "append_header"}}
        )
    return found


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_callbacks_go_on_as_if_they_had_never_ended(tmp_path: Path, cut: int) -> None:
    whole, _ = begun(tmp_path)
    for callback in whole:
        callback.on_train_begin()
    keras.utils.set_random_seed(1)
    trained(whole, LOSSES)
    expected, table = plain(whole), (tmp_path / "history.csv").read_bytes()

    first, model = begun(tmp_path)
    for callback in first:
        callback.on_train_begin()
    model.set_weights(whole[0].model.get_weights())
    states = CallbackStates(first)
    trained(first, LOSSES[:cut])
    arrays: list[Any] = []
    packed = pack(states.take(), arrays)
    rate = model.optimizer.learning_rate.numpy()
    trained(first, LOSSES[cut : cut + 2], cut)  # and is killed: what it does here is done again
    with (tmp_path / "history.csv").open("ab") as file:
        file.write(b"7,0.1")

    second, model = begun(tmp_path)
    append_to_files(second)
    for callback in second:
        callback.on_train_begin()
    model.set_weights(whole[0].model.get_weights())
    model.optimizer.learning_rate = rate
    states = CallbackStates(second)
    states.put_back(unpack(packed, arrays))
    cut_files(second, cut)
    trained(second, LOSSES[cut:], cut)
    assert (tmp_path / "history.csv").read_bytes() == table
    for before, after in zip(expected, plain(second), strict=True):
        assert {key: value for key, value in after.items() if key != "best_weights"} == {
            key: value for key, value in before.items() if key != "best_weights"
        }


def test_settings_stay_those_of_the_folder_that_the_run_is_in(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    old, _ = begun(tmp_path / "old")
    states = CallbackStates(old)
    trained(old[-1:], LOSSES)
    taken = states.take()
    new, _ = begun(tmp_path / "new")
    CallbackStates(new).put_back(taken)
    assert (new[-1].folder, new[-1].seen) == (str(tmp_path / "new"), len(LOSSES))


def test_the_state_of_other_callbacks_is_refused(tmp_path: Path) -> None:
    callbacks, _ = begun(tmp_path)
    states = CallbackStates(callbacks)
    with pytest.raises(ValueError, match="EarlyStopping"):
        CallbackStates(callbacks[1:]).put_back(states.take())


def test_a_training_that_was_ended_gets_its_patience_anew(tmp_path: Path) -> None:
    callbacks, model = begun(tmp_path)
    callbacks[0].on_train_begin()
    trained(callbacks[:1], [1.0, 2.0, 2.0, 2.0])
    assert model.stop_training
    let_train_on(callbacks)
    model.stop_training = False
    trained(callbacks[:1], [2.0, 2.0], 4)
    assert not model.stop_training
    trained(callbacks[:1], [2.0], 6)
    assert model.stop_training


def test_a_table_without_an_epoch_begins_anew(tmp_path: Path) -> None:
    callbacks, _ = begun(tmp_path)
    logger = callbacks[3:4]
    (tmp_path / "history.csv").write_text("epo")
    append_to_files(logger)
    logger[0].on_train_begin()
    cut_files(logger, 0)
    trained(logger, [1.0])
    rows = list(csv.reader((tmp_path / "history.csv").open()))
    assert [row[0] for row in rows] == ["epoch", "0"]


def test_a_checkpoint_that_fails_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    callbacks, model = begun(tmp_path)
    checkpoint = callbacks[2:3]
    trained(checkpoint, [1.0])
    before = (tmp_path / "best.keras").read_bytes()

    def tears(path: Path, **_named: object) -> None:
        Path(path).write_bytes(b"half a model")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(model, "save", tears)
    with pytest.raises(OSError, match="space"):
        trained(checkpoint, [0.5], 1)
    assert (tmp_path / "best.keras").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["best.keras"]
