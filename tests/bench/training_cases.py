"""The models and the data that the speed of training is measured with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

MLP = """
kflab: 1
title: Small MLP
data: {{source: digits.npz, validation: 0, limit: {samples}}}
model:
  nodes:
    image: {{Input: {{shape: [784]}}}}
    hidden: {{Dense: {{units: 128, activation: relu}}, from: image}}
    dropped: {{Dropout: {{rate: 0.2}}, from: hidden}}
    digit: {{Dense: {{units: 10, activation: softmax}}, from: dropped}}
  outputs: [digit]
training:
  {{loss: SparseCategoricalCrossentropy, metrics: [accuracy], batch_size: {batch}, epochs: {epochs}, seed: 1}}
"""

CONV = """
kflab: 1
title: Convolution net
data: {{source: pictures.npz, validation: 0.1, limit: {samples}}}
model:
  nodes:
    image: {{Input: {{shape: [28, 28, 1]}}}}
    edges: {{Conv2D: {{filters: 16, kernel_size: 3}}, from: image}}
    normal: {{BatchNormalization: {{}}, from: edges}}
    active: {{Activation: {{activation: relu}}, from: normal}}
    halved: {{MaxPooling2D: {{pool_size: 2}}, from: active}}
    strokes: {{Conv2D: {{filters: 32, kernel_size: 3, activation: relu}}, from: halved}}
    row: {{GlobalAveragePooling2D: {{}}, from: strokes}}
    digit: {{Dense: {{units: 10, activation: softmax}}, from: row}}
  outputs: [digit]
training:
  {{loss: SparseCategoricalCrossentropy, metrics: [accuracy], batch_size: {batch}, epochs: {epochs}, seed: 1}}
"""

RECURRENT = """
kflab: 1
title: Recurrent net
data: {{source: words.npz, validation: 0.1, limit: {samples}}}
model:
  nodes:
    words: {{Input: {{shape: [80], dtype: int32}}}}
    vectors: {{Embedding: {{input_dim: 5000, output_dim: 32}}, from: words}}
    read: {{LSTM: {{units: 32}}, from: vectors}}
    answer: {{Dense: {{units: 1, activation: sigmoid}}, from: read}}
  outputs: [answer]
training: {{loss: BinaryCrossentropy, metrics: [accuracy], batch_size: {batch}, epochs: {epochs}, seed: 1}}
"""


class Case(NamedTuple):
    """A training to be measured.

    Attributes:
        text: its document.
        bound: the epoch time against that of `fit` that it must not be above.
    """

    text: str
    bound: float


def cases(share: float = 1.0) -> dict[str, Case]:
    """The trainings by name, with so large a share of the samples."""

    def filled(text: str, samples: int, batch: int, epochs: int) -> str:
        return text.format(samples=max(batch * 4, int(samples * share)), batch=batch, epochs=epochs)

    return {
        "mlp, batch 32": Case(filled(MLP, 60_000, 32, 4), 0.4),
        "mlp, batch 128": Case(filled(MLP, 60_000, 128, 6), 0.4),
        "convolution": Case(filled(CONV, 6_000, 32, 5), 1.03),
        "recurrent": Case(filled(RECURRENT, 6_000, 32, 5), 1.03),
    }


def make_data(folder: Path) -> None:
    """Write the data: digits of the size of MNIST's, 60,000 flat and 6,000 as pictures, and rows of words."""
    from sklearn.datasets import load_digits

    random = np.random.default_rng(1)
    images, labels = load_digits(return_X_y=True)
    large = (images / 16).reshape(-1, 8, 8).repeat(3, axis=1).repeat(3, axis=2)
    chosen = random.integers(0, len(images), 61_000)
    x = np.pad(large, ((0, 0), (2, 2), (2, 2)))[chosen]
    x = (x + random.uniform(0, 0.3, x.shape)).astype("float32")
    y = labels[chosen].astype("int32")
    words = random.integers(1, 5000, (6_500, 80)).astype("int32")
    told = (words[:, :10].sum(axis=1) > 25_000).astype("int32")
    _save(folder / "digits.npz", x.reshape(-1, 784), y, 1_000)
    _save(folder / "pictures.npz", x[:6_500, ..., None], y[:6_500], 500)
    _save(folder / "words.npz", words, told, 500)


def _save(path: Path, x: np.ndarray, y: np.ndarray, test: int) -> None:
    if not path.exists():
        np.savez(path, x_train=x[:-test], y_train=y[:-test], x_test=x[-test:], y_test=y[-test:])
