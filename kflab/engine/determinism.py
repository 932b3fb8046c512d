"""Equal seeds, equal weights: what a backend has to be told so that it always adds up in the same order."""

from __future__ import annotations

import os
import sys

import keras

from kflab.experiment import Training

_XLA, _IN_ORDER = "XLA_FLAGS", "xla_gpu_deterministic_ops"
_CUBLAS, _WORKSPACE = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
_TABLE = "embeddings"
"""What Keras calls the weight of an Embedding."""


def make_deterministic(training: Training) -> None:
    """Has the backend compute deterministically where the document asks for it; call it before a build.

    It holds for the whole process and can not be taken back. An operation that has no deterministic way fails
    when it is called, on TensorFlow and PyTorch; XLA, which JAX computes with, refuses to compile it.
    """
    if not training.deterministic:
        return
    backend = keras.backend.backend()
    if backend == "tensorflow":
        _order_tensorflow()
    elif backend == "torch":
        # cuBLAS reads this when it is first used.
        os.environ.setdefault(_CUBLAS, _WORKSPACE)
        torch = sys.modules["torch"]
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    elif backend == "jax" and _IN_ORDER not in (flags := os.environ.get(_XLA, "")):
        # XLA reads this when the first computation is made. On a CPU it needs none.
        os.environ[_XLA] = f"{flags} --{_IN_ORDER}=true".strip()


def keep_order_on_cpu(model: keras.Model) -> None:
    """Has a model train to the same bits each time on a CPU, asked for or not; call it before its first step.

    There, all that Keras does on TensorFlow 2.21 gives the same bits again, but for one thing: the rows of an
    Embedding that occur several times in a batch are added up by several threads, in any order (11 of 100
    updates of 3,200 rows differed). Adding them up in order is no slower (25,600 rows of 128 numbers in 11 ms
    against 20 ms on two cores). Other models are left alone: crossentropy of whole numbers is computed in
    another way then, and a script that does not ask for it would end with other bits.
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow

    on_cpu = not tensorflow.config.list_logical_devices("GPU")
    if on_cpu and any(variable.name == _TABLE for variable in model.trainable_variables):
        _order_tensorflow()


def _order_tensorflow() -> None:
    import tensorflow

    tensorflow.config.experimental.enable_op_determinism()
