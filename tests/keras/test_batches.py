"""Batches that are read ahead, several at a time, and samples that are kept once they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from kflab import document
from kflab.data.arrays import Array
from kflab.data.batches import Batches, open_batches
from kflab.data.caching import Kept, bytes_to_keep, kept
from kflab.data.load import load
from kflab.data.parts import Part
from kflab.experiment import Experiment

DIGITS = """
kflab: 1
data:
  source: digits
  limit: 100
  test: 0
  validation: 0
  DATA
model:
  nodes:
    image: {Input: {shape: [8, 8, 1]}}
    flat: {Flatten: {}, from: image}
    digit: {Dense: {units: 10, activation: softmax}, from: flat}
  outputs: [digit]
training: {loss: SparseCategoricalCrossentropy, batch_size: 8, seed: 1}
"""

AUGMENTED = "augment: {image: [RandomFlip, {RandomBrightness: {factor: 0.1, value_range: [0, 1]}}]}"


class Counted:
    """Rows that count how often each is read.

    Args:
        rows: the rows.

    Attributes:
        reads: how often each was read.
    """

    def __init__(self, rows: Array) -> None:
        self._rows = rows
        self.reads = np.zeros(len(rows), "int64")

    @property
    def shape(self) -> tuple[int, ...]:
        return self._rows.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._rows.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Array | slice, /) -> Array:
        np.add.at(self.reads, rows, 1)
        return self._rows[rows]


def made(data: str = "") -> Experiment:
    return document.read_text(DIGITS.replace("DATA", data or "shuffle: true"))


def unread(part: Part) -> Part:
    return part.each(lambda rows: Counted(np.asarray(rows[:])))


def leaves(value: Any) -> Iterator[Array]:
    if isinstance(value, tuple):
        for one in value:
            yield from leaves(one)
    else:
        yield value


def every(batches: Batches, epoch: int) -> list[bytes]:
    """The batches of an epoch, one at a time, as bytes."""
    batches.at_epoch(epoch)
    return [b"".join(leaf.tobytes() for leaf in leaves(batches[index])) for index in range(len(batches))]


@pytest.mark.parametrize("data", ["", AUGMENTED])
@pytest.mark.parametrize("count", [1, 3, 12])
def test_several_batches_at_once_hold_what_each_of_them_holds(data: str, count: int) -> None:
    experiment = made(data)
    part = unread(load(experiment, None, None, 3).train)
    options: dict[str, Any] = {"batch_size": 8, "seed": 3}
    with open_batches(
        one := Batches(part, experiment.model, **options), many := Batches(part, experiment.model, **options)
    ):
        for epoch in (0, 1):
            alone = every(one, epoch)
            many.at_epoch(epoch)
            found: list[bytes] = []
            for begin in range(0, many.whole, count):
                stacked = many.several(begin, min(count, many.whole - begin))
                for index in range(len(next(leaves(stacked)))):
                    found.append(b"".join(leaf[index].tobytes() for leaf in leaves(stacked)))
            assert len(alone) == many.whole + 1 == 13
            assert found == alone[:-1]
        with pytest.raises(ValueError, match="of 12 whole ones"):
            many.several(10, 3)


def test_batches_go_on_anywhere_and_in_portions_of_any_size() -> None:
    experiment = made()
    part = unread(load(experiment, None, None, 3).train)
    with open_batches(batches := Batches(part, experiment.model, batch_size=8, seed=3)):
        alone = every(batches, 2)
        batches.at_epoch(2)
        x, y = batches.several(5, 4)
        assert [x[index].tobytes() + y[index].tobytes() for index in range(4)] == alone[5:9]
        x, y = batches.several(9, 2)
        assert [x[index].tobytes() + y[index].tobytes() for index in range(2)] == alone[9:11]
        x, y = batches[12]
        assert x.tobytes() + y.tobytes() == alone[12]


@pytest.mark.parametrize("data", ["", AUGMENTED])
def test_samples_that_are_kept_are_read_once_and_give_the_same_batches(data: str) -> None:
    experiment = made(data)
    read = load(experiment, None, None, 3).train
    first, second = unread(read), unread(read)
    assert not kept(second).in_memory
    # Pixels are kept as they are before augmentation, 64 of 32 or 64 bits, and a label of each.
    assert bytes_to_keep(first) == sum(rows[:].nbytes for rows in first.sources())
    with open_batches(
        plain := Batches(first, experiment.model, batch_size=8, seed=3),
        cached := Batches(kept(second), experiment.model, batch_size=8, seed=3),
    ):
        assert [every(plain, epoch) for epoch in (0, 1, 2)] == [every(cached, epoch) for epoch in (0, 1, 2)]
    for plainly, once in zip(first.sources(), second.sources(), strict=True):
        assert isinstance(plainly, Counted)
        assert isinstance(once, Counted)
        assert plainly.reads.min() >= 3
        # Two threads may have read the same sample, never more often than that.
        assert once.reads.min() == 1
        assert once.reads.sum() < plainly.reads.sum() / 2


def test_what_is_in_memory_and_texts_are_not_kept_again() -> None:
    rows = np.zeros((4, 3), "float32")
    texts = Counted(np.array(["a", "b", "c", "d"], dtype=object))
    part = kept(Part({"x": rows, "t": texts}, {"y": rows}))
    assert part.inputs["x"] is rows
    assert part.inputs["t"] is texts
    assert bytes_to_keep(part) == 0


def test_an_autoencoders_samples_are_kept_once() -> None:
    rows = Counted(np.arange(12, dtype="float32").reshape(4, 3))
    part = kept(Part({"x": rows}, {"y": rows}))
    assert bytes_to_keep(Part({"x": rows}, {"y": rows})) == 48
    assert part.inputs["x"] is part.targets["y"]
    assert isinstance(part.inputs["x"], Kept)
    assert part.inputs["x"][np.array([2, 0, 2])].tolist() == [[6, 7, 8], [0, 1, 2], [6, 7, 8]]
    assert part.inputs["x"][1:3].tolist() == [[3, 4, 5], [6, 7, 8]]
    assert rows.reads.max() <= 2


def test_taking_samples_of_augmented_ones_takes_their_sources() -> None:
    experiment = made(AUGMENTED)
    part = load(experiment, None, None, 3).train
    assert part.augment is not None
    chosen = np.array([7, 3, 11])
    inputs, targets = part.take(chosen).augment(np.array([0, 2]), (1, 2))
    whole, held = part.augment(np.array([7, 11]), (1, 2))
    assert np.array_equal(inputs["image"], whole["image"])
    assert np.array_equal(targets["digit"], held["digit"])
