"""Equal seeds, equal weights: what a backend has to be told so that it always adds up in the same order."""

from __future__ import annotations

import os
import sys

import keras

from kflab.experiment import Training

_XLA = "XLA_FLAGS"
_XLA_FLAG = "--xla_gpu_deterministic_ops=true"
_CUBLAS, _WORKSPACE = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"


def make_deterministic(training: Training) -> None:
    """Has the backend compute deterministically where the document asks for it; call it before a build.

    It holds for the whole process and can not be taken back. An operation that has no deterministic way fails
    when it is called, on TensorFlow and PyTorch; XLA, which JAX computes with, refuses to compile it.
    """
    if not training.deterministic:
        return
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
    elif backend == "torch":
        # cuBLAS reads this when it is first used.
        os.environ.setdefault(_CUBLAS, _WORKSPACE)
        torch = sys.modules["torch"]
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    elif backend == "jax":
        # XLA reads this when the first computation is made. On a CPU it is deterministic as it is.
        flags = os.environ.get(_XLA, "")
        if "xla_gpu_deterministic_ops" not in flags:
            os.environ[_XLA] = f"{flags} {_XLA_FLAG}".strip()
