"""Backups that a kill has cut in two: the one before is used, or training starts anew."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from kflab.train.backups import BEFORE, METADATA, WEIGHTS, mend


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    keeper = keras.callbacks.BackupAndRestore(str(tmp_path), double_checkpoint=True, delete_checkpoint=False)
    model.fit(np.zeros((8, 3)), np.zeros((8, 2)), epochs=3, verbose=0, callbacks=[keeper])
    return tmp_path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_whole_backup_stays_as_it_is(backup: Path) -> None:
    before = (backup / WEIGHTS).read_bytes()
    assert mend(backup) == ""
    assert (backup / WEIGHTS).read_bytes() == before


@pytest.mark.parametrize("damaged", [WEIGHTS, METADATA])
def test_the_backup_before_a_damaged_one_is_used(backup: Path, damaged: str) -> None:
    cut(backup / damaged)
    assert "one before" in mend(backup)
    assert '"epoch": 2' in (backup / METADATA).read_text()
    assert mend(backup) == ""


def test_without_one_before_training_starts_anew(backup: Path) -> None:
    for name in (WEIGHTS, METADATA):
        cut(backup / name)
        (backup / f"{name}{BEFORE}").unlink()
    assert "starts anew" in mend(backup)
    assert not (backup / WEIGHTS).exists()


def test_no_backup_needs_no_mending(tmp_path: Path) -> None:
    assert mend(tmp_path / "none") == ""
