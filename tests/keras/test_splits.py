"""Samples are split by the numbers of their rows, as the document says."""

from collections.abc import Iterator

import numpy as np
import pytest

from kflab.data import split as splitting
from kflab.data.arrays import Raw, Samples
from kflab.data.split import split
from kflab.errors import KflabError

CLASSES = np.repeat([0, 1, 2], [60, 30, 10])


class Untouched:
    """Rows that may not be read."""

    shape = (100, 3)
    dtype = np.dtype("float32")

    def __len__(self) -> int:
        return 100

    def __getitem__(self, rows):
        raise AssertionError("a split must not read samples")


def splits(
    how: str = "", *, seed: int = 1, gap: int = 0, ordered: bool = False, **more: object
) -> list[np.ndarray]:
    """Which rows each part has."""
    raw = Raw(Samples({"x": Untouched(), "row": np.arange(100)}, {"y": CLASSES}), gap=gap, ordered=ordered)
    settings = {"validation": 0.2, "test": 0.2, "limit": None, "stratify": CLASSES, **more}
    made = split(raw, seed=seed, how=how, **settings)
    return [part.inputs["row"] for part in (made.train, made.validation, made.test) if part is not None]


def shares(rows: np.ndarray) -> np.ndarray:
    return np.bincount(CLASSES[rows], minlength=3) / len(rows)


@pytest.mark.parametrize("how", ["", "random", "stratified", "time"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_every_sample_is_in_one_part(how: str, shuffle: bool):
    parts = splits(how, shuffle=shuffle)
    assert [len(part) for part in parts] == [64, 16, 20]
    assert sorted(np.concatenate(parts)) == list(range(100))
    if not shuffle:
        assert all((np.diff(part) > 0).all() for part in parts)


def test_strata_keep_their_shares_and_random_parts_need_not():
    for part in splits("stratified"):
        assert np.abs(shares(part) - [0.6, 0.3, 0.1]).max() < 0.05
    assert not np.array_equal(splits("random")[0], splits("stratified")[0])


def test_time_holds_back_the_last_and_leaves_a_gap():
    train, validation, test = splits("time", gap=3)
    assert test.tolist() == list(range(80, 100))
    assert validation.max() == 76
    assert train.max() == validation.min() - 4


def test_a_column_orders_the_samples():
    train, _, test = splits(order=np.arange(100)[::-1])
    assert test.tolist() == list(range(19, -1, -1))
    assert train[0] == 99


def test_a_test_split_stays_while_the_seed_moves_the_others():
    one, other = splits("random", seed=1), splits("random", seed=2)
    assert np.array_equal(one[2], other[2])
    assert not np.array_equal(one[1], other[1])


def test_limit_takes_the_first_where_nothing_is_shuffled():
    train, validation, _ = splits(shuffle=False, limit=10)
    assert np.concatenate([train, validation]).tolist() == list(range(10))
    train, validation, _ = splits("random", shuffle=False, limit=10)
    assert len(train) + len(validation) == 10


def parts_of(classes: np.ndarray) -> Iterator[int]:
    raw = Raw(Samples({"x": np.arange(len(classes))}, {"y": classes}))
    made = split(raw, validation=0.2, test=0.2, limit=None, stratify=classes, seed=1, how="stratified")
    yield len(made.train)


def test_shares_that_can_not_be_kept_are_told():
    with pytest.raises(KflabError, match="class 1 has 1 sample"):
        list(parts_of(np.array([0] * 20 + [1])))
    with pytest.raises(KflabError, match="can not hold one of each of the 8 classes"):
        list(parts_of(np.repeat(np.arange(8), 2)))
    with pytest.raises(KflabError, match="no target with one class a sample"):
        splits("stratified", stratify=None)


@pytest.mark.parametrize(
    "classes", [CLASSES, np.random.default_rng(1).integers(0, 9, 100).astype(str), np.arange(100)]
)
@pytest.mark.parametrize("held", [0.2, 7, 33, 0.001])
def test_many_rows_are_split_as_few_are(monkeypatch: pytest.MonkeyPatch, classes: np.ndarray, held: float):
    rows = np.random.default_rng(2).permutation(100)[:80]
    few = splitting.hold(rows, held, classes, 5)
    monkeypatch.setattr(splitting, "_MANY", 1)
    for one, other in zip(few, splitting.hold(rows, held, classes, 5), strict=True):
        assert np.array_equal(one, other)
