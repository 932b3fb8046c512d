"""What layers compute in, and equal seeds: checked, built and trained alike, on the real Keras."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from kflab import document, presets
from kflab.diagnose import codes
from kflab.engine.build import build
from kflab.engine.inspect import Inspector
from kflab.experiment import POLICIES, Experiment
from kflab.runs.info import EXPERIMENT, FINAL, read_info
from kflab.train.journal import Journal
from kflab.train.run import train

Make = Callable[..., Path]

WORDS = """
kflab: 1
data: {source: tickets, arguments: {samples: 400}}
model:
  name: words
  nodes:
    text_body: {Input: {shape: [null], dtype: int32}}
    read: {Embedding: {input_dim: 10000, output_dim: 64}, from: text_body}
    mean: {GlobalAveragePooling1D: {}, from: read}
    department: {Dense: {units: 4}, from: mean}
  outputs: [department]
training:
  loss: {SparseCategoricalCrossentropy: {from_logits: true}}
  epochs: 3
  seed: 1
"""


def weights(run_dir: Path) -> list[np.ndarray]:
    journal = Journal(run_dir)
    train(run_dir, read_info(run_dir), document.read(run_dir / EXPERIMENT), journal)
    journal.close()
    return list(keras.saving.load_model(run_dir / FINAL).get_weights())


def iris(**training: object) -> Experiment:
    plain = document.encode(document.read(presets.find("iris_mlp")))
    return document.decode({**plain, "training": {**plain["training"], **training}})  # type: ignore[dict-item]


def test_an_inspection_follows_the_policy_back_and_forth_as_a_build_does() -> None:
    inspector, before = Inspector(), keras.config.dtype_policy().name
    for policy in (*POLICIES, *reversed(POLICIES)):
        experiment = iris(dtype_policy=policy)
        report, model = inspector.inspect(experiment), build(experiment)
        for name, node in report.model.nodes.items():
            assert node.outputs[0].dtype == model.get_layer(name).output.dtype, (policy, name)
        held = sum(weight.shape[0] * int(np.prod(weight.shape[1:])) for weight in model.weights)
        size = {"float64": 8, "float16": 2, "bfloat16": 2}.get(policy, 4)
        assert report.cost.memory.weights == held * size
        assert keras.config.dtype_policy().name == before


@pytest.mark.parametrize(
    ("optimizer", "words"),
    [
        ({"Adam": {"clipnorm": 1.0, "global_clipnorm": 1.0}}, "Only one of `clipnorm`"),
        ({"SGD": {"gradient_accumulation_steps": 1}}, "must be an integer >= 2"),
        ({"Adam": {"use_ema": True, "ema_momentum": 2.0}}, "range [0, 1]"),
    ],
)
def test_an_optimizer_that_keras_refuses_is_found_before_training(optimizer: object, words: str) -> None:
    (found,) = Inspector().inspect(iris(optimizer=optimizer)).findings
    assert (found.code, found.path) == (codes.REFUSED, "training.optimizer")
    assert words in found.message


@pytest.mark.slow
def test_settings_of_optimizers_change_a_run(make_run: Make) -> None:
    settings = (
        "",
        "gradient_accumulation_steps: 2",
        "global_clipnorm: 0.001",
        "use_ema: true, ema_momentum: 0.5",
    )
    trained = [
        weights(
            make_run(
                "{loss: SparseCategoricalCrossentropy, epochs: 1, batch_size: 32, "
                f"optimizer: {{SGD: {{learning_rate: 0.1, {setting}}}}}}}"
            )
        )
        for setting in settings
    ]
    assert all(np.isfinite(weight).all() for run in trained for weight in run)
    for setting, run in zip(settings[1:], trained[1:], strict=True):
        assert not np.array_equal(run[0], trained[0][0]), setting


def test_a_script_in_mixed_precision_ends_with_the_weights_of_the_run(
    make_run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kflab.code import script

    run_dir = make_run(text=document.dump(iris(dtype_policy="mixed_bfloat16", epochs=2)))
    ours = weights(run_dir)
    monkeypatch.chdir(tmp_path)
    made: dict[str, object] = {}
    policy = keras.config.dtype_policy()
    try:
        exec(compile(script(iris(dtype_policy="mixed_bfloat16", epochs=2)), "script.py", "exec"), made)
    finally:
        keras.config.set_dtype_policy(policy)
    theirs = made["model"].get_weights()  # type: ignore[attr-defined]
    assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.slow
def test_adam_changes_no_weight_that_is_kept_in_bfloat16(make_run: Make) -> None:
    """What KF039 says."""
    training = "{loss: SparseCategoricalCrossentropy, epochs: 1, optimizer: Adam, dtype_policy: %s, seed: 1}"
    start = [np.asarray(one, "float32") for one in _fresh(make_run(training % "bfloat16"))]
    kept = [np.asarray(one, "float32") for one in weights(make_run(training % "bfloat16"))]
    mixed = weights(make_run(training % "mixed_bfloat16"))
    assert all(np.array_equal(one, other) for one, other in zip(start, kept, strict=True))
    assert not np.array_equal(mixed[0], start[0])


def _fresh(run_dir: Path) -> list[np.ndarray]:
    keras.utils.set_random_seed(1)
    return list(build(document.read(run_dir / EXPERIMENT)).get_weights())


_TWICE = """
import sys
from pathlib import Path
from kflab import document
from kflab.runs.info import EXPERIMENT, FINAL, read_info
from kflab.train.journal import Journal
from kflab.train.run import train
import keras, numpy as np
found = []
for folder in sys.argv[1:]:
    folder = Path(folder)
    journal = Journal(folder)
    train(folder, read_info(folder), document.read(folder / EXPERIMENT), journal)
    journal.close()
    found.append(keras.saving.load_model(folder / FINAL).get_weights())
assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True)), "other weights"
"""


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "asked"), [("tensorflow", False), ("tensorflow", True), ("jax", True)])
def test_equal_seeds_give_equal_weights_on_a_cpu(
    make_run: Make, monkeypatch: pytest.MonkeyPatch, backend: str, *, asked: bool
) -> None:
    """Words that occur several times in a batch were added up in any order; in a process of its own."""
    if backend == "jax":
        pytest.importorskip("jax")
    monkeypatch.setenv("KERAS_BACKEND", backend)
    text = WORDS.replace("seed: 1", f"seed: 1\n  deterministic: {str(asked).lower()}")
    folders = [str(make_run(text=text)) for _ in range(2)]
    done = subprocess.run(
        [sys.executable, "-c", _TWICE, *folders], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
