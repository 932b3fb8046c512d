"""Backups of `BackupAndRestore` that a kill in the middle of a write has damaged.

Keras writes them in place. It keeps the one before only when asked to (`double_checkpoint`, which runs ask
for), and goes back to it only when the weights are damaged, not when the metadata are.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import h5py
import keras

WEIGHTS, METADATA, BEFORE = "latest.weights.h5", "training_metadata.json", ".bkp"
"""The names of Keras' files, and what is appended to those of the backup before."""


def mend_backups(callbacks: Sequence[keras.callbacks.Callback]) -> list[str]:
    """Brings the backups of callbacks back to a state that Keras can go on from; says what was done."""
    backups = [one for one in callbacks if isinstance(one, keras.callbacks.BackupAndRestore)]
    return [done for backup in backups if (done := mend(Path(backup.backup_dir)))]


def mend(backup_dir: Path) -> str:
    """Bring a backup back to a state that Keras can go on from.

    Args:
        backup_dir: the folder of the backup; it need not be there.

    Returns:
        What was done, for the notes of the run; "" where the backup is whole or there is none.
    """
    latest = (backup_dir / WEIGHTS, backup_dir / METADATA)
    if not any(path.exists() for path in latest) or _is_whole(*latest):
        return ""
    before = tuple(path.with_name(path.name + BEFORE) for path in latest)
    if _is_whole(*before):
        for source, target in zip(before, latest, strict=True):
            shutil.copyfile(source, target)
        return "BackupAndRestore: the last backup was damaged; the one before it is used"
    for path in latest:
        path.unlink(missing_ok=True)
    return "BackupAndRestore: the backup was damaged and there is none before it; training starts anew"


def _is_whole(weights: Path, metadata: Path) -> bool:
    try:
        with h5py.File(weights, "r"):
            pass
        return isinstance(json.loads(metadata.read_text(encoding="utf-8"))["epoch"], int)
    except (OSError, ValueError, KeyError, TypeError):
        return False
