"""What layers compute in, and in which order sums are added up, as code."""

from __future__ import annotations

from kflab.code.layout import call, lines, quoted
from kflab.experiment import Training

ORDERED: tuple[str, ...] = (
    'if keras.config.backend() == "tensorflow":',
    "    import tensorflow as tf",
    "",
    "    tf.config.experimental.enable_op_determinism()",
    'elif keras.config.backend() == "torch":',
    "    import torch",
    "",
    "    torch.use_deterministic_algorithms(True)",
    "else:",
    "    import os",
    "",
    '    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_gpu_deterministic_ops=true"',
)
"""The statements that make equal seeds give equal weights on each backend."""


def policy_code(training: Training) -> list[str]:
    """The statement that sets what layers compute in, if the document says it."""
    if not training.dtype_policy:
        return []
    return lines(call("keras.config.set_dtype_policy", quoted(training.dtype_policy)))
