"""What is told of the errors of backends, raised as their own classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from kflab.runs.events import Fault
from kflab.train.causes import cause_of, fault_of


def test_errors_of_the_other_backends(tmp_path: Path) -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    lost = jax.errors.JaxRuntimeError("INTERNAL: CUDA error: CUDA_ERROR_ILLEGAL_ADDRESS: an illegal access")
    assert fault_of(lost, tmp_path) is Fault.DEVICE
    assert cause_of(lost).startswith("the GPU was lost (INTERNAL: CUDA error")
    full = jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8589934592")
    assert fault_of(full, tmp_path) is Fault.MEMORY


def test_errors_of_pytorch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    kind = getattr(torch, "AcceleratorError", RuntimeError)  # of PyTorch 2.8 and later
    lost = kind("CUDA error: unspecified launch failure\nCUDA kernel errors might be")
    assert fault_of(lost, tmp_path) is Fault.DEVICE
    assert cause_of(lost) == "the GPU was lost (CUDA error: unspecified launch failure)"
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    assert fault_of(full, tmp_path) is Fault.MEMORY
