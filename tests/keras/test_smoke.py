"""The smoke step: what real batches of an experiment tell before a run."""

import asyncio
import math
import os
import signal
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest

from kflab import document, presets
from kflab.engine.client import SMOKE_COMMAND, EngineClient, EngineError
from kflab.experiment import Data, Experiment, Spec, Training
from kflab.graph.nodes import Graph, Layer, Node
from kflab.train import stopwatch
from kflab.train.chance import chance_loss
from kflab.train.smoke import SmokeRefusedError, smoke


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stopwatch, "SECONDS", 0.3)


def preset(name: str) -> Experiment:
    return document.read(presets.path(name))


def regression(path: Path, **training: object) -> Experiment:
    nodes = {"x": Node(Layer("Input", {"shape": [4]})), "y": Node(Layer("Dense", {"units": 1}), ("x",))}
    return Experiment(
        data=Data(source=str(path), scale=1.0),
        model=Graph(nodes=nodes, outputs=("y",)),
        training=Training(loss={"": Spec("MeanSquaredError")}, seed=1, **training),
    )


def test_a_smoke_step_measures_steps_epochs_and_memory_and_looks_at_the_loss():
    experiment = preset("digits_mlp")
    result = smoke(experiment)
    assert result.steps == math.ceil(len(_training_samples(experiment)) / 32)
    assert 0 < result.step_seconds < result.first_step_seconds
    assert result.epoch_seconds > result.steps * result.step_seconds / 2
    assert result.run_seconds == pytest.approx(
        result.first_step_seconds + experiment.training.epochs * result.epoch_seconds
    )
    assert result.chance == pytest.approx(math.log(10))
    assert result.loss == pytest.approx(result.chance, rel=0.5)
    assert result.device


def _training_samples(experiment: Experiment) -> object:
    from kflab.data.load import load

    return load(experiment).train


def test_a_long_epoch_is_told_from_some_of_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stopwatch, "SECONDS", 0.05)
    path = tmp_path / "many.npz"
    draw = np.random.default_rng(1)
    np.savez(path, x=draw.random((20_000, 4), "float32"), y=draw.random(20_000, "float32"))
    result = smoke(regression(path, batch_size=1))
    assert result.steps == 14_400
    assert result.epoch_seconds > 14_400 * result.step_seconds
    assert result.epoch_seconds < 100 * 14_400 * result.step_seconds


def test_a_loss_that_is_no_number_is_told(tmp_path: Path):
    path = tmp_path / "huge.npz"
    np.savez(path, x=np.full((200, 4), 1e30, "float32"), y=np.arange(200, dtype="float32"))
    result = smoke(regression(path))
    assert result.loss is None
    assert result.chance == pytest.approx(np.var(np.arange(200)), rel=0.5)


def test_an_experiment_with_errors_is_refused_with_its_findings():
    broken = msgspec.structs.replace(preset("digits_mlp"), training=Training())
    with pytest.raises(SmokeRefusedError) as refused:
        smoke(broken)
    assert any(finding.path == "training.loss" for finding in refused.value.findings)


@pytest.mark.parametrize(
    ("losses", "weights", "expected"),
    [
        ({"": "SparseCategoricalCrossentropy"}, {}, 2 * math.log(4)),
        (
            {"a": "CategoricalCrossentropy", "b": "BinaryCrossentropy"},
            {"b": 3.0},
            math.log(4) + 3 * math.log(2),
        ),
        ({"a": "sparse_categorical_crossentropy"}, {}, math.log(4)),
        ({"a": "mse"}, {}, 1.25),
        ({"a": "mae", "b": "hinge"}, {}, 2.0),
        ({"a": "mse", "b": "Poisson"}, {}, None),
    ],
)
def test_what_chance_gives_is_the_weighted_sum_over_the_outputs(losses, weights, expected):
    nodes = {
        "x": Node(Layer("Input", {"shape": [4]})),
        "a": Node(Layer("Dense", {"units": 4}), ("x",)),
        "b": Node(Layer("Dense", {"units": 4}), ("x",)),
    }
    experiment = Experiment(
        model=Graph(nodes=nodes, outputs=("a", "b")),
        training=Training(loss={name: Spec(loss) for name, loss in losses.items()}, loss_weights=weights),
    )
    targets = {"a": np.arange(4.0), "b": np.arange(4.0)}
    assert chance_loss(experiment, {"a": 4, "b": 4}, targets) == (
        None if expected is None else pytest.approx(expected)
    )


@pytest.mark.slow
async def test_a_process_of_its_own_answers_and_ends_with_the_client(tmp_path: Path):
    engine = EngineClient(tmp_path / "smoke.log", command=SMOKE_COMMAND)
    engine.start()
    try:
        smoked = await engine.smoke(document.encode(preset("iris_mlp")))
        assert smoked.result is not None
        assert smoked.result.chance == pytest.approx(math.log(3))
        assert smoked.result.peak_bytes > 1_000_000
        broken = msgspec.structs.replace(preset("iris_mlp"), training=Training())
        refused = await engine.smoke(document.encode(broken))
        assert refused.result is None
        assert refused.findings
        asked = asyncio.create_task(engine.smoke(document.encode(preset("tickets"))))
        (child,) = [
            process
            for process in psutil.Process().children()
            if "kflab.train.smoking" in " ".join(process.cmdline())
        ]
        os.kill(child.pid, signal.SIGKILL)
        # A step that took its process down is not tried again.
        with pytest.raises(EngineError, match="signal 9"):
            await asked
    finally:
        await engine.close()
