"""Data of a person's own feeds a model as it asks, and what cannot be used is refused."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kflab.data.load import Part, Splits, load
from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import Data, Experiment
from kflab.graph.nodes import Graph, Layer, Node


def one_input(shape: list[int], data: Data, **arguments: object) -> Experiment:
    nodes = {"a": Node(Layer("Input", {"shape": shape})), "out": Node(Layer("Dense"), inputs=("a",))}
    return Experiment(data=data, model=Graph(nodes=nodes, outputs=("out",)), **arguments)


def parts(splits: Splits) -> Iterator[Part]:
    for part in (splits.train, splits.validation, splits.test):
        assert part is not None
        yield part


def pictures(folder: Path, **more: object) -> Data:
    """Ten by ten pictures whose every pixel is the sample's number, sorted by class."""
    x = np.repeat(np.arange(100, dtype="uint8"), 100).reshape(100, 10, 10)
    np.savez(folder / "pictures.npz", x=x, y=np.arange(100) // 25)
    return Data(source="pictures.npz", **more)


@pytest.mark.parametrize("shape", [[10, 10], [10, 10, 1], [1, 10, 10], [100]])
def test_pictures_come_in_the_shape_of_the_input_and_are_divided_by_255(tmp_path: Path, shape: list[int]):
    splits = load(one_input(shape, pictures(tmp_path)), tmp_path, None, 3)
    for part in parts(splits):
        assert part.inputs["a"].shape[1:] == tuple(shape)
        assert part.inputs["a"].dtype == "float32"
        number = np.rint(part.inputs["a"].reshape(len(part), -1)[:, 0] * 255)
        assert np.array_equal(number // 25, part.targets["out"])


def test_sorted_labels_are_in_every_split(tmp_path: Path):
    splits = load(one_input([10, 10], pictures(tmp_path)), tmp_path, None, 3)
    for part in parts(splits):
        assert set(part.targets["out"]) == {0, 1, 2, 3}
    assert (np.diff(splits.train.targets["out"]) < 0).any()


def test_a_scale_of_the_experiments_own_comes_before_255(tmp_path: Path):
    splits = load(one_input([10, 10], pictures(tmp_path, scale=1)), tmp_path, None, 3)
    assert splits.train.inputs["a"].max() > 90


def test_an_autoencoder_is_held_against_what_it_is_fed_with(tmp_path: Path):
    data = pictures(tmp_path, targets={"out": "x"})
    splits = load(one_input([10, 10, 1], data), tmp_path, None, 3)
    assert np.array_equal(splits.train.inputs["a"], splits.train.targets["out"])


def test_an_input_of_another_size_is_refused_with_both_shapes(tmp_path: Path):
    with pytest.raises(KflabError, match=r"\[8, 8, 1\].*\[10, 10\]"):
        load(one_input([8, 8, 1], pictures(tmp_path)), tmp_path, None, 3)


def test_a_file_with_splits_of_its_own_keeps_them(tmp_path: Path):
    arrays = {
        f"{part}_{split}": np.full((count, 3) if part == "x" else count, value, "float32")
        for split, count, value in (("train", 30, 1), ("val", 8, 2), ("test", 6, 3))
        for part in "xy"
    }
    np.savez(tmp_path / "d.npz", **arrays)
    splits = load(one_input([3], Data(source="d.npz")), tmp_path, None, 3)
    assert [(len(part), part.inputs["a"][0, 0]) for part in parts(splits)] == [(30, 1), (8, 2), (6, 3)]


@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize("array", ["x", "y"])
def test_numbers_that_are_none_are_refused_with_array_and_sample(tmp_path: Path, array, value, name):
    arrays = {"x": np.ones((9000, 2)), "y": np.ones(9000) / 3}
    arrays[array][8123] = value
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(KflabError, match=f"'{array}' holds {name} in sample 8,123"):
        load(one_input([2], Data(source="d.npz")), tmp_path, None, 3)


def test_pickled_objects_are_never_loaded(tmp_path: Path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    np.savez(tmp_path / "d.npz", x=np.array([Trap(), Trap()], dtype=object), y=np.zeros(2))
    with pytest.raises(UnusableInputError, match="Python objects"):
        load(one_input([1], Data(source="d.npz")), tmp_path, None, 3)
    assert not (tmp_path / "sprung").exists()


def test_a_file_damaged_behind_its_headers_is_refused(tmp_path: Path):
    path = tmp_path / "d.npz"
    np.savez(path, x=np.ones((500, 10)), y=np.arange(500) / 3)
    content = bytearray(path.read_bytes())
    content[20_000:20_010] = b"0123456789"
    path.write_bytes(content)
    with pytest.raises(UnusableInputError, match="damaged"):
        load(one_input([10], Data(source="d.npz")), tmp_path, None, 3)


def test_a_column_that_never_changes_stays_finite_under_the_standard_scale(tmp_path: Path):
    x = np.random.default_rng(0).normal(size=(40, 3))
    x[:, 1] = 7
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(40) / 3)
    splits = load(one_input([3], Data(source="d.npz", scale="standard")), tmp_path, None, 1)
    assert (splits.train.inputs["a"][:, 1] == 0).all()
