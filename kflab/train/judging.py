"""What a verdict on the run needs to know besides its curves: about its targets, its memory, its results."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from kflab.catalog.dataset_types import ArrayInfo, TargetInfo
from kflab.data.parts import Part, Splits
from kflab.data.rows import Rows
from kflab.engine.protocol import Report
from kflab.errors import KflabError
from kflab.experiment import Experiment
from kflab.predict import cache
from kflab.predict.computing import Held, predict
from kflab.predict.meaning import Meaning, classes_of, meaning_of
from kflab.predict.results import MOST_SAMPLES, Kind, Predictions, Split
from kflab.runs.events import ClassCounts, Costed, LargestLayer, NotFinite, Predicted, TargetFacts, Targets
from kflab.runs.info import FINAL
from kflab.train.causes import cause_of
from kflab.train.journal import Journal

_IN_MEMORY, _ON_DISK = 10_000, 500  # samples that are looked at
_MOST_CLASSES = 2_000
_SECONDS = 2.0  # that a run may take longer for its predictions
_LARGEST = 5


def costed(report: Report) -> Costed:
    """What training is expected to take, as told in the report."""
    cost = report.cost
    largest = sorted(cost.nodes, key=lambda node: -node.bytes)[:_LARGEST]
    return Costed(
        time.time(),
        cost.memory.total or report.model.totals.training_bytes,
        cost.available,
        tuple(
            LargestLayer(f"{node.graph}/{node.node}" if node.graph else node.node, node.bytes)
            for node in largest
            if node.bytes
        ),
    )


def look_at_targets(
    experiment: Experiment, model: keras.Model, part: Part, held: Mapping[str, ArrayInfo | TargetInfo]
) -> Targets:
    """What the training targets are like, by those of the first samples where there are many."""
    found = {}
    for name, output in zip(experiment.model.output_names(), model.outputs, strict=True):
        rows = part.targets.get(name)
        if rows is not None and len(rows):
            meaning = meaning_of(experiment, name, tuple(output.shape[1:]), held.get(name))
            found[name] = _facts(rows, meaning)
    return Targets(time.time(), found)


def _facts(rows: Rows, meaning: Meaning) -> TargetFacts:
    few = rows[: _IN_MEMORY if isinstance(rows, np.ndarray) else _ON_DISK]
    if meaning.kind in {Kind.CLASSES, Kind.TOKENS}:
        classes = classes_of(few, meaning).ravel()
        classes = classes[classes >= 0]
        most = max(meaning.classes, int(classes.max(initial=0)) + 1)
        if most > _MOST_CLASSES:
            return TargetFacts(samples=len(few))
        return TargetFacts(tuple(np.bincount(classes, minlength=most).tolist()), samples=classes.size)
    numbers = few.reshape(len(few), -1).astype("float64")
    if meaning.kind is Kind.LABELS:
        return TargetFacts(
            tuple((numbers > 0.5).sum(axis=0).tolist()) if numbers.shape[1] <= _MOST_CLASSES else (),
            samples=len(few),
            exclusive=False,
        )
    middle = np.median(numbers, axis=0)
    return TargetFacts(
        deviation=float(np.sqrt(numbers.var(axis=0).mean())),
        absolute=float(np.abs(numbers - middle).mean()),
        samples=len(few),
    )


def look_for_unusable(part: Part, lost: NotFinite) -> NotFinite:
    """The event of a loss that is no number, with what the first training samples hold."""
    unusable = np.zeros(0, dtype=bool)
    low, high = np.inf, -np.inf
    try:
        inputs, targets = part.read(slice(0, _IN_MEMORY if part.in_memory else _ON_DISK))
    except (KflabError, OSError, MemoryError):
        return lost
    for array in (*inputs.values(), *targets.values()):
        if array.dtype.kind != "f":
            continue
        bad = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1)
        unusable = bad if not unusable.size else unusable | bad
    for array in inputs.values():
        if array.dtype.kind in "fiu" and array.size:
            low, high = min(low, float(np.nanmin(array))), max(high, float(np.nanmax(array)))
    return NotFinite(
        lost.time,
        lost.epoch,
        lost.step,
        lost.before,
        lost.highest,
        unusable=int(unusable.sum()),
        looked_at=len(next(iter(inputs.values()))),
        low=low if np.isfinite(low) else None,
        high=high if np.isfinite(high) else None,
    )


def keep_predictions(
    run_dir: Path, experiment: Experiment, model: keras.Model, splits: Splits, journal: Journal
) -> None:
    """Predicts what the model was not trained on, for the verdict and for who looks at it later.

    It takes a few seconds at most; what does not fit into them is predicted when somebody asks.
    """
    split: Split = "test" if splits.test else "validation"
    part = splits.test or splits.validation
    if part is None or not len(part):
        return
    base = Predictions(run_dir.name, "final", split, stamp=cache.stamp_of(run_dir / FINAL, None))
    known = Held(splits.fitted.feeds, splits.fitted.held)
    try:
        found = predict(
            model, experiment, known, part, base, most=MOST_SAMPLES, until=time.monotonic() + _SECONDS
        )
    except Exception as error:  # noqa: BLE001 - the run itself has gone well; `kflab predict` tells what is wrong
        journal.note(f"no predictions were kept: {cause_of(error)}")
        return
    if found.samples == min(found.of, MOST_SAMPLES):
        cache.keep(run_dir, found)
    counts = {
        output.name: ClassCounts(
            tuple(map(sum, zip(*output.matrix, strict=True))), tuple(map(sum, output.matrix))
        )
        for output in found.outputs
        if output.kind is Kind.CLASSES and output.matrix
    }
    journal.write(Predicted(time.time(), found.samples, counts))
