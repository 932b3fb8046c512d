"""What the optimizer, losses, metrics and callbacks of an experiment can not do without and do not have."""

from __future__ import annotations

from collections.abc import Iterator

from kflab import catalog
from kflab.catalog import Kind
from kflab.catalog.check import check_arguments
from kflab.diagnose import codes
from kflab.diagnose.findings import Finding
from kflab.diagnose.wording import and_text
from kflab.experiment import EVERY_OUTPUT, Spec, Training
from kflab.runs.places import WRITES


def missing_arguments(training: Training) -> Iterator[Finding]:
    """A finding for each that lacks arguments, those of the objects inside it included.

    Where a callback writes is no such argument: a run knows a place of its own for each.
    """
    for kind, spec, path in _specs(training):
        entry = catalog.load().find(kind, spec.name)
        if entry is None:
            continue
        problems = check_arguments(entry, spec.arguments, catalog.load())
        known = WRITES.get(entry.name) if kind is Kind.CALLBACK else None
        missing = [".".join(problem.path) for problem in problems if problem.missing]
        missing = [argument for argument in missing if argument != known]
        if missing:
            message = f"{spec.name} needs {and_text(missing)}"
            yield Finding(message, path=path, code=codes.MISSING_ARGUMENT)


def _specs(training: Training) -> Iterator[tuple[Kind, Spec, str]]:
    yield Kind.OPTIMIZER, training.optimizer, "training.optimizer"
    for output, loss in training.loss.items():
        yield Kind.LOSS, loss, _of("training.loss", output)
    for output, metrics in training.metrics.items():
        for metric in metrics:
            yield Kind.METRIC, metric, _of("training.metrics", output)
    for callback in training.callbacks:
        yield Kind.CALLBACK, callback, f"training.callbacks.{callback.name}"


def _of(section: str, output: str) -> str:
    return section if output == EVERY_OUTPUT else f"{section}.{output}"
