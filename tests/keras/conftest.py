"""Runs that tests train: folders made from a few words, and what came of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kflab.runs.folder import create
from kflab.runs.follow import Follow
from kflab.runs.history import RunState

MLP = """
kflab: 1
data: {{source: {source}}}
model:
  nodes:
    x: {{Input: {{shape: [{features}]}}}}
    hidden: {{Dense: {{units: 8, activation: relu}}, from: x}}
    y: {{Dense: {{units: {units}, activation: softmax}}, from: hidden}}
  outputs: [y]
training: {training}
"""


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Makes a run folder for a small classifier of iris, or for the experiment given as text."""

    def make(
        training: str = "{loss: SparseCategoricalCrossentropy, epochs: 1}",
        *,
        text: str = "",
        data: str = "iris",
        seed: int | None = 1,
    ) -> Path:
        experiment = text or MLP.format(source=data, features=4, units=3, training=training)
        return create(experiment, "test", tmp_path / "runs", seed=seed, backend="tensorflow")

    return make


@pytest.fixture
def state_of() -> Callable[[Path], RunState]:
    """What a run folder's events say."""

    def read(run_dir: Path) -> RunState:
        follow = Follow(run_dir)
        follow.poll()
        while follow.is_behind:
            follow.poll()
        return follow.state

    return read
