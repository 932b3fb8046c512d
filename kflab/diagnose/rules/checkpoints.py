"""The rule on the files that ModelCheckpoint writes."""

from __future__ import annotations

from collections.abc import Iterator

from kflab.diagnose.callback_settings import callbacks
from kflab.diagnose.facts import Facts
from kflab.diagnose.findings import Finding, Severity
from kflab.diagnose.fixes import Fix
from kflab.diagnose.rules.rule import rule

MODEL, WEIGHTS, OLD = ".keras", ".weights.h5", ".h5"
"""The endings that ModelCheckpoint takes: for models, for weights, and for models as Keras 2 had them."""

_UNKNOWN = (WEIGHTS, MODEL, OLD, ".hdf5", ".weights", ".tf", ".ckpt", ".pb", ".pth", ".pt", ".model")


@rule("KF024", "checkpoint-without-its-ending", Severity.ERROR)
def checkpoint_path(facts: Facts) -> Iterator[Finding]:
    """ModelCheckpoint is given a path that Keras 3 does not write.

    The ending of the path is the format: `.keras` for a whole model, `.weights.h5` with
    `save_weights_only: true`. Keras refuses all others, letter case included.

    For example:

        callbacks:
          ModelCheckpoint: {filepath: best, save_best_only: true}

    Use instead:

        callbacks:
          ModelCheckpoint: {filepath: best.keras, save_best_only: true}
    """
    for callback in callbacks(facts.experiment.training):
        given = callback.arguments.get("filepath")
        if callback.name != "ModelCheckpoint" or not isinstance(given, str) or not given.strip():
            continue
        weights = callback.arguments.get("save_weights_only") is True
        ending = WEIGHTS if weights else MODEL
        if given.endswith(ending) or (not weights and given.endswith(OLD)):
            continue
        wanted = _plain(given) + ending
        with_weights = "with save_weights_only " if weights else ""
        yield Finding(
            f"{with_weights}ModelCheckpoint expects a path that ends in {ending}, got {given!r}; "
            f"use {wanted!r}",
            path=f"{callback.place}.filepath",
            fix=Fix(f"write {wanted}", (callback.set("filepath", wanted),)),
        )


def _plain(path: str) -> str:
    """A path without the ending that stands for some format."""
    for ending in _UNKNOWN:
        if path.lower().endswith(ending) and len(path) > len(ending):
            return path[: -len(ending)]
    return path.rstrip("/")
