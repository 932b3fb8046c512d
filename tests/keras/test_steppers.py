"""Steps on JAX and PyTorch against the `fit` of Keras, in a process of their own each."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")


def results(
    backend: str, *cases: str, script: str = "stepper_cases.py", **environment: str
) -> list[dict[str, Any]]:
    """What a script says of its cases on a backend."""
    done = subprocess.run(
        [sys.executable, str(HERE / script), *cases],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(HERE.parents[1]), **environment},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(found) == len(cases)
    return found


def assert_equal(found: dict[str, Any], *ways: str) -> None:
    for way in ways:
        assert found[way] == found["fit"], f"{found['case']}, {way}: off by {found[f'{way}, off']}"


@pytest.mark.slow
def test_tensorflow_makes_the_steps_of_fit_to_the_bit_whatever_the_model() -> None:
    for found in results("tensorflow", "mlp", "silu", "conv", "recurrent", "scaled"):
        assert_equal(found, "one at a time", "three at once", "streamed")
    calls = ("one at a time", "three at once")
    (found,) = results("tensorflow", f"many={','.join(calls)}")
    assert_equal(found, *calls)


@pytest.mark.slow
def test_jax_makes_the_steps_of_fit_to_the_bit() -> None:
    (found,) = results("jax", "mlp=three at once,loop of two")
    assert_equal(found, "three at once")
    assert found["loop of two, off"] < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("case", ["many", "conv", "recurrent", "scaled"])
def test_jax_makes_the_steps_of_fit_to_the_bit_whatever_the_model(case: str) -> None:
    calls, loops = ("three at once", "streamed"), ("loop of one", "loop of two")
    (found,) = results("jax", f"{case}={','.join(calls + loops)}")
    assert_equal(found, *calls)
    # A loop may round differently; how many steps it makes at once must not matter.
    assert found["loop of one"] == found["loop of two"]
    assert found["loop of two, off"] < 1e-4


@needs_torch
@pytest.mark.slow
def test_torch_makes_the_steps_of_fit_to_the_bit() -> None:
    for found in results("torch", "mlp", "many", "conv"):
        assert_equal(found, "one at a time", "three at once", "streamed")


def assert_as_on_one(found: dict[str, Any]) -> None:
    one, several = found["losses"]
    assert several == pytest.approx(one, rel=1e-5)
    for ends in ("logs", "held"):
        one, several = found[ends]
        assert several == pytest.approx(one, rel=1e-5)
    assert found["off"] < 1e-5


SHARED = ("even", "last of odd", "last of one", "read")
TWO_ON_JAX = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_two_devices_make_the_steps_of_one_and_can_be_gone_on_with(backend: str) -> None:
    *shared, gone_on = results(backend, *SHARED, "gone on", script="replica_cases.py", **TWO_ON_JAX)
    for found in shared:
        assert_as_on_one(found)
    assert gone_on["cut"] == gone_on["whole"]


@needs_torch
@pytest.mark.slow
def test_several_devices_are_refused_on_torch_by_name() -> None:
    (found,) = results("torch", "refused", script="replica_cases.py")
    assert "one device with torch" in found["said"]
    assert "tensorflow or jax" in found["said"]
