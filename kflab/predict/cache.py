"""Predictions that are kept in the run folder, for as long as model and data are the same."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from kflab.errors import UnusableInputError
from kflab.predict.results import Predictions, Split, Which
from kflab.runs.info import BEST, FINAL
from kflab.whole_files import write_whole

FOLDER = "predictions"
"""Where they are kept in the run folder."""

MOST_BYTES = 16_000_000
"""What is larger is neither kept nor read."""

_FILES: dict[Which, str] = {"final": FINAL, "best": BEST}


def model_file(run_dir: Path, which: Which | None) -> tuple[Which, Path]:
    """The model that is meant; nothing given: the one at the end, or else the best.

    Raises:
        UnusableInputError: the run has no such model.
    """
    wanted: tuple[Which, ...] = (which,) if which else ("final", "best")
    for name in wanted:
        if (path := run_dir / _FILES[name]).is_file():
            return name, path
    files = " and no ".join(_FILES[name] for name in wanted)
    raise UnusableInputError(f"the run has no {files}: it did not come that far", file=str(run_dir))


def stamp_of(model: Path, source: Path | None) -> str:
    """What tells whether predictions are still those of a model and a source."""
    parts = [_state(model), "" if source is None else f"{source}{_state(source)}"]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def _state(path: Path) -> str:
    found = path.stat()
    return f"{found.st_mtime_ns} {found.st_size}"


def place(run_dir: Path, which: Which, split: Split, source: str) -> Path:
    """The file that such predictions are kept in."""
    of = hashlib.sha256(source.encode()).hexdigest()[:12] if source else split
    return run_dir / FOLDER / f"{which}-{of}.json"


def keep(run_dir: Path, predictions: Predictions) -> None:
    """Keeps predictions; where the folder can not be written, they are only not kept."""
    path = place(run_dir, predictions.model, predictions.split, predictions.source)
    text = msgspec.json.encode(predictions)
    if len(text) > MOST_BYTES:
        return
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_whole(path, text, mode=0o600)
    except OSError:
        return


def kept(run_dir: Path, which: Which, split: Split, source: str, stamp: str) -> Predictions | None:
    """Predictions that were kept; None where there are none, or of something else."""
    path = place(run_dir, which, split, source)
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        found = msgspec.json.decode(path.read_bytes(), type=Predictions)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if found.stamp == stamp else None
