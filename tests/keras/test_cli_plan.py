"""`kflab run --plan`: the plan is told and nothing is trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kflab.cli import run
from kflab.runs.plan import Plan

MODEL = """
kflab: 1
data: {source: iris, validation: 0.1}
model:
  nodes:
    flower: {Input: {shape: [4]}}
    kind: {Dense: {units: 3, activation: softmax}, from: flower}
  outputs: [kind]
training:
  {loss: SparseCategoricalCrossentropy, epochs: 2, batch_size: 8, seed: 1, plan: {jit_compile: false}}
"""


def test_a_plan_is_told_and_nothing_is_trained(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "flowers.yaml"
    document.write_text(MODEL, encoding="utf-8")
    runs = tmp_path / "runs"
    command = ["run", str(document), "--plan", "--runs-dir", str(runs), "--device", "cpu"]
    assert run(command) == 0
    told = capfd.readouterr().out
    assert told.startswith("plan on tensorflow, cpu\n  steps_per_execution  ")
    assert "ms  without XLA" in told
    assert "jit_compile off: the document says so" in told

    fixed = ["--set", "training.plan.data=streamed", "--set", "training.plan.steps_per_execution=3"]
    assert run([*command, *fixed, "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["plan"] == {"steps_per_execution": 3, "data": "streamed", "jit_compile": False}
    assert told["backend"] == "tensorflow"
    assert told["step_seconds"]["without XLA"] > 0
    assert "data streamed: the document says so" in told["reasons"]
    assert not runs.exists()


def test_a_plan_in_a_few_words() -> None:
    assert str(Plan()) == "steps one by one · data in memory"
    assert str(Plan(61, "device", jit_compile=True)) == "61 steps at once · data on the device · XLA"
