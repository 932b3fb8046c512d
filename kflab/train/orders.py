"""The order of the training samples in each epoch, as a function of nothing but the seed and the epoch.

So a training that goes on later makes the steps that it would have made, as does a script with its seed.
"""

from __future__ import annotations

import keras
import numpy as np

from kflab.data.arrays import Array


class Orders:
    """The orders of the training samples of a run.

    On TensorFlow and JAX they are those of `model.fit` straight after `keras.utils.set_random_seed`. On
    TensorFlow these are the same in each epoch: with a seed, the operation by which Keras shuffles starts
    anew with each epoch. PyTorch's depend on all that was drawn before, so there they are those of JAX.

    Args:
        count: how many samples there are.
        seed: the seed of the training.
    """

    def __init__(self, count: int, seed: int) -> None:
        self._count, self._seed = count, seed
        self._random = np.random.RandomState(seed)
        self._drawn = 0
        self._newest = np.arange(count)

    def of(self, epoch: int) -> Array:
        """The numbers of the samples in an epoch, counted from 0."""
        if keras.backend.backend() == "tensorflow":
            if not self._drawn:
                self._newest, self._drawn = _as_tensorflow_shuffles(self._count, self._seed), 1
            return self._newest
        # Keras draws one before the first epoch, for the batch by which it makes variables.
        wanted = epoch + 2
        if self._drawn > wanted:
            self._random, self._drawn = np.random.RandomState(self._seed), 0
        while self._drawn < wanted:
            self._newest = self._random.permutation(self._count)
            self._drawn += 1
        return self._newest


def _as_tensorflow_shuffles(count: int, seed: int) -> Array:
    import tensorflow as tf

    tf.random.set_seed(seed)
    # The operation's own seed is its place in the function around it, which so has to be that of Keras.
    shuffled = tf.data.Dataset.range(1).map(lambda _: tf.random.shuffle(tf.range(count, dtype=tf.int64)))
    order: Array = next(iter(shuffled)).numpy()
    return order
