"""Plain functions that only scripts run: what kflab does a block at a time, done to arrays as a whole.

They need nothing of kflab, and tests hold what they make against what kflab makes. Their lines are at most
88 columns wide, which is what scripts have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops
from PIL import Image, ImageOps

from kflab.data.arrays import Array


def prepared(layer: Callable[[Array], Any], *parts: Array) -> list[Array]:
    """What a preprocessing layer makes of each part of the samples, as arrays."""
    return [ops.convert_to_numpy(layer(part)) for part in parts]


def balanced(classes: Array) -> Array:
    """How much each sample counts, so that all classes count the same."""
    _, numbers, counts = np.unique(classes, return_inverse=True, return_counts=True)
    weights: Array = counts.sum() / (len(counts) * counts)
    return weights[numbers].reshape(classes.shape)


def weighted(classes: Array, weights: Mapping[int, float]) -> Array:
    """How much each sample counts by its class; 1 where no weight is given."""
    table = np.ones(max(classes.max(), *weights) + 1)
    table[list(weights)] = list(weights.values())
    return table[classes]


def codes(words: Iterable[object], among: Iterable[object] | None = None) -> Array:
    """The number of each word in the alphabet of the words `among` which it is."""
    return np.searchsorted(alphabet(words if among is None else among), stripped(words))


def one_hot(words: Iterable[object], among: Iterable[object] | None = None) -> Array:
    """A column of 0s and 1s for each of the words `among` which these are."""
    count = len(alphabet(words if among is None else among))
    return np.eye(count, dtype="float32")[codes(words, among)]


def alphabet(words: Iterable[object]) -> Array:
    """The different words, in order."""
    return np.unique(stripped(words))


def stripped(words: Iterable[object]) -> list[str]:
    """Words without blanks around them."""
    return [str(word).strip() for word in np.asarray(words)]


def filled(values: Array, *parts: Array) -> list[Array]:
    """Each part of the samples with `values` where it has none."""
    return [np.where(np.isnan(part), values.astype(part.dtype), part) for part in parts]


def ragged(lists: Iterable[object], dtype: str) -> Array:
    """Lists of any length as an array of arrays."""
    rows = [np.array(values, dtype) for values in lists]
    made = np.empty(len(rows), dtype=object)
    for row, values in enumerate(rows):
        made[row] = values
    return made


def files_by_class(folder: str, labels: Sequence[str], endings: Sequence[str]) -> tuple[Array, Array]:
    """The files below the folder of each class, and the numbers of their classes."""
    files: list[str] = []
    counts = []
    for label in labels:
        below = Path(folder, label).rglob("*")
        found = [file for file in below if is_sample(file.relative_to(folder), endings)]
        files += sorted(map(str, found))
        counts.append(len(found))
    return np.array(files), np.repeat(np.arange(len(labels)), counts)


def is_sample(file: Path, endings: Sequence[str]) -> bool:
    """Whether a file has one of the endings and is not hidden."""
    *folders, name = file.parts[1:]
    is_plain = not name.startswith(".") and not any("." in part for part in folders)
    return is_plain and file.suffix.lower() in endings


def read_image(
    file: str, height: int, width: int, mode: str = "RGB", method: str = "BILINEAR", crops: bool = False
) -> Array:
    """An image of the given size, of whole numbers from 0 to 255."""
    with Image.open(file) as opened:
        opened.draft(mode, (width, height))
        image = opened
        if image.mode.startswith("I"):
            # Pillow would clip 16 bits to 8 instead of scaling them.
            wide = np.clip(np.asarray(image), 0, 65_535) // 257
            image = Image.fromarray(wide.astype("uint8"))
        if image.mode == "P" and "transparency" in image.info:
            image = image.convert("RGBA")
        image = image.convert(mode)
        if image.size != (width, height):
            resize = ImageOps.fit if crops else Image.Image.resize
            image = resize(image, (width, height), Image.Resampling[method])
        return np.asarray(image, "uint8").reshape(height, width, -1)


def augmented(
    x: Array, y: Array, batch_size: int, change: Callable[[Any], Any], shuffle: bool = True
) -> tf.data.Dataset:
    """Batches of training samples, which are changed anew in each epoch."""
    samples = tf.data.Dataset.from_tensor_slices((x, y))
    if shuffle:
        samples = samples.shuffle(len(x))
    batches = samples.batch(batch_size).map(lambda x, y: (change(x), y))
    return batches.prefetch(tf.data.AUTOTUNE)
