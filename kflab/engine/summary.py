"""Keras' own summary of a model as plain text, without allocating a weight."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from kflab.engine.build import build_graph
from kflab.engine.stateless import without_weights
from kflab.experiment import Experiment

NARROWEST = 40
"""Columns below which Keras' table has no room for its text."""


def summary_text(experiment: Experiment, width: int, graph: str = "") -> str:
    """What `model.summary()` prints, `width` columns wide, of the model or of the nested model `graph`.

    Raises:
        BuildError: the model cannot be built.
    """
    width = max(width, NARROWEST)
    printed: list[str] = []

    def summarize() -> None:
        model = build_graph(experiment, graph)
        with _console_width(width):
            model.summary(line_length=width, print_fn=lambda line, **_: printed.append(line))

    without_weights(summarize)
    return "\n".join(line.rstrip() for line in "".join(printed).rstrip("\n").split("\n"))


@contextmanager
def _console_width(width: int) -> Iterator[None]:
    """Make rich, which draws the table for Keras, cut lines at `width` and not at a terminal's edge."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(width)
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
