"""The dtype policy of a document: what layers compute in and keep their weights in, unless they say else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras

from kflab.experiment import Training


def policy_name(training: Training) -> str:
    """The policy that layers of a document follow: its own, or Keras' own setting."""
    return training.dtype_policy or str(keras.config.floatx())


@contextlib.contextmanager
def policy_of(training: Training) -> Iterator[None]:
    """While it lasts, layers that are made in this thread follow the document.

    Keras keeps its policy for each thread by itself, and a layer keeps the one that it was made under.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy_name(training))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
