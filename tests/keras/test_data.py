"""Every dataset loads as it was described, and feeds a model as it asks."""

import gzip
import pickle
import sys
import tarfile
import threading
import urllib.error
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn import datasets as sklearn_datasets

from kflab.catalog import datasets
from kflab.catalog.datasets import DatasetInfo, Origin, TargetKind, describe
from kflab.data import downloads
from kflab.data.load import Part, Splits, load
from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import Data, Experiment
from kflab.graph.nodes import Graph, Layer, Node

OFFLINE = [name for name in datasets.names() if describe(Data(source=name)).origin is not Origin.DOWNLOAD]
DOWNLOADED = [name for name in datasets.names() if name not in OFFLINE]

FILES = sys.modules[keras.utils.get_file.__module__]
"""Keras' module of downloads; its folder and its checks of the files are set aside here."""


def experiment_for(info: DatasetInfo, data: Data) -> Experiment:
    """An experiment whose Inputs and outputs are named and shaped as the dataset's own."""
    nodes = {array.name: Node(Layer("Input", {"shape": list(array.shape)})) for array in info.inputs}
    first = next(iter(nodes))
    outputs = tuple(target.name for target in info.targets)
    nodes |= {name: Node(Layer("Dense", {"units": 1}), inputs=(first,)) for name in outputs}
    return Experiment(data=data, model=Graph(nodes=nodes, outputs=outputs))


def loaded(data: Data, seed: int = 1, base: Path | None = None) -> tuple[DatasetInfo, Splits]:
    info = describe(data, base)
    return info, load(experiment_for(info, data), base, None, seed)


def one_input(shape: list[int], data: Data, **arguments: object) -> Experiment:
    nodes = {"a": Node(Layer("Input", {"shape": shape})), "out": Node(Layer("Dense"), inputs=("a",))}
    return Experiment(data=data, model=Graph(nodes=nodes, outputs=("out",)), **arguments)


def parts(splits: Splits) -> Iterator[Part]:
    for part in (splits.train, splits.validation, splits.test):
        assert part is not None
        yield part


def check(info: DatasetInfo, splits: Splits) -> None:
    """Hold what was loaded against what was said of it."""
    for part in parts(splits):
        for array in info.inputs:
            values = part.inputs[array.name]
            assert values.shape == (len(part), *array.shape)
            assert values.dtype == array.dtype
            if array.low is not None and array.high is not None:
                assert array.low <= values.min()
                assert values.max() <= array.high
            if array.ids:
                assert values.min() >= 0
                assert values.max() < array.ids
        for target in info.targets:
            labels = part.targets[target.name]
            assert labels.shape == (len(part), *target.shape)
            assert labels.dtype == target.dtype
            if target.kind in (TargetKind.CLASSES, TargetKind.BINARY):
                assert set(np.unique(labels)) <= set(range(target.classes))


@pytest.mark.parametrize("name", OFFLINE)
def test_a_dataset_is_what_was_said_of_it(name: str):
    info, splits = loaded(Data(source=name))
    check(info, splits)
    train, validation, test = (len(part) for part in parts(splits))
    if info.test:
        assert (train + validation, test) == (info.train, info.test)
    else:
        assert train + validation + test == info.train
    for target in info.targets:
        if target.classes:
            everything = np.concatenate([part.targets[target.name] for part in parts(splits)])
            assert len(np.unique(everything)) == target.classes


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_the_classes_of_bundled_sets_have_the_names_that_their_source_gives_them(name: str):
    (target,) = describe(Data(source=name)).targets
    assert target.labels == tuple(getattr(sklearn_datasets, f"load_{name}")().target_names)


def test_the_topics_of_reuters_have_the_names_that_keras_gives_them():
    assert describe(Data(source="reuters")).targets[0].labels == keras.datasets.reuters.get_label_names()


def test_generated_sets_do_not_follow_the_seed_of_the_training():
    def everything(seed: int) -> set[bytes]:
        _, splits = loaded(Data(source="spirals"), seed)
        return {point.tobytes() for part in parts(splits) for point in part.inputs["point"]}

    assert everything(1) == everything(2)


def rows(part: Part | None) -> list[bytes]:
    assert part is not None
    return [row.tobytes() for row in next(iter(part.inputs.values()))]


def test_the_test_split_is_the_same_for_every_seed_and_the_validation_split_is_not():
    _, first = loaded(Data(source="moons"), seed=1)
    _, again = loaded(Data(source="moons"), seed=1)
    _, other = loaded(Data(source="moons"), seed=2)
    assert rows(first.train) == rows(again.train)
    assert rows(first.test) == rows(other.test)
    assert set(rows(first.validation)) != set(rows(other.validation))
    assert not set(rows(first.train)) & set(rows(first.test))
    assert not set(rows(first.train)) & set(rows(first.validation))


@pytest.mark.parametrize("name", ["digits", "iris"])
def test_classes_keep_their_shares_in_every_split(name: str):
    info, splits = loaded(Data(source=name, validation=0.2))
    (target,) = info.targets
    shares = [
        np.bincount(part.targets[target.name], minlength=target.classes) / len(part) for part in parts(splits)
    ]
    assert np.abs(shares[0] - shares[1]).max() < 0.03
    assert np.abs(shares[0] - shares[2]).max() < 0.03


def test_a_series_is_split_in_time_and_no_target_is_in_two_splits():
    _, splits = loaded(Data(source="sine", arguments={"horizon": 5, "noise": 0.2}, validation=0.2))
    train, validation, test = parts(splits)
    windows, futures = train.inputs["window"][:, :, 0], train.targets["future"]
    assert np.array_equal(windows[1:, :-1], windows[:-1, 1:])
    assert np.array_equal(windows[5:, -5:], futures[:-5])
    for earlier, later in ((train, validation), (validation, test)):
        # The window of the next split begins where the last target ends, or later.
        assert not set(earlier.targets["future"].ravel()) & set(later.targets["future"].ravel())


def test_pairs_of_digits_are_balanced_and_their_test_images_are_new():
    _, splits = loaded(Data(source="digits_pairs"))
    train, validation, test = parts(splits)
    assert test.targets["same"].mean() == 0.5
    assert abs(train.targets["same"].mean() - 0.5) < 0.01

    def images(*some: Part) -> set[bytes]:
        return {image.tobytes() for part in some for side in part.inputs.values() for image in side}

    # A few of the 1,797 pictures are equal to the last pixel.
    assert len(images(train, validation) & images(test)) < 5
    assert not any(
        np.array_equal(a, b) for a, b in zip(test.inputs["left"], test.inputs["right"], strict=True)
    )


def test_pairs_that_are_told_to_be_the_same_do_show_the_same_digit():
    pixels, digits = sklearn_datasets.load_digits(return_X_y=True)
    of = {
        (image / 16).astype("float32").tobytes(): digit for image, digit in zip(pixels, digits, strict=True)
    }
    _, splits = loaded(Data(source="digits_pairs", arguments={"pairs": 500}))
    for part in parts(splits):
        pairs = zip(part.inputs["left"], part.inputs["right"], part.targets["same"], strict=True)
        for left, right, same in pairs:
            assert (of[left.tobytes()] == of[right.tobytes()]) == bool(same)


def test_tickets_can_be_told_from_their_words():
    _, splits = loaded(Data(source="tickets"))
    train, _, test = parts(splits)

    def counts(part: Part) -> np.ndarray:
        words = np.concatenate([part.inputs["title"], part.inputs["text_body"]], axis=1)
        return np.stack(
            [((words > 15 + 25 * i) & (words <= 40 + 25 * i)).sum(axis=1) for i in range(4)], axis=1
        )

    assert (counts(test).argmax(axis=1) == test.targets["department"]).mean() > 0.9
    urgency = (test.inputs["text_body"] <= 15) & (test.inputs["text_body"] > 0)
    urgent = test.targets["priority"] == 1
    assert urgency[urgent].sum(axis=1).mean() > 2 * urgency[~urgent].sum(axis=1).mean()
    assert 0.3 < train.targets["priority"].mean() < 0.7


def test_standard_scale_is_fitted_on_the_training_samples_alone():
    _, splits = loaded(Data(source="wine", scale="standard"))
    train = splits.train.inputs["features"]
    assert np.allclose(train.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(train.std(axis=0), 1, atol=1e-5)
    assert splits.test is not None
    assert np.abs(splits.test.inputs["features"].mean(axis=0)).max() > 0.01


def test_a_column_that_never_changes_stays_finite_under_the_standard_scale(tmp_path: Path):
    x = np.random.default_rng(0).normal(size=(40, 3))
    x[:, 1] = 7
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(40) / 3)
    _, splits = loaded(Data(source="d.npz", scale="standard"), base=tmp_path)
    assert (splits.train.inputs["x"][:, 1] == 0).all()


def test_limit_keeps_so_many_training_samples_of_every_class():
    _, splits = loaded(Data(source="digits", limit=200, validation=0.1))
    assert len(splits.train) + len(splits.validation or ()) == 200
    assert splits.test is not None
    assert len(splits.test) == 360
    assert len(np.unique(splits.train.targets["digit"])) == 10


def test_nothing_is_held_back_where_nothing_is_asked_for():
    _, splits = loaded(Data(source="iris", validation=0, test=0))
    assert (len(splits.train), splits.validation, splits.test) == (150, None, None)


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


# Keras' own datasets, as Keras keeps them in its cache, but small.


def idx(array: np.ndarray, header: int) -> bytes:
    return gzip.compress(bytes(header) + array.astype("uint8").tobytes())


def fake_mnist(folder: Path) -> None:
    images, labels = (
        np.arange(40 * 784).reshape(40, 28, 28).astype("uint8"),
        (np.arange(40) % 10).astype("uint8"),
    )
    np.savez(folder / "mnist.npz", x_train=images, y_train=labels, x_test=images[:20], y_test=labels[:20])


def fake_fashion_mnist(folder: Path) -> None:
    inner = folder / "fashion-mnist"
    inner.mkdir()
    for name, count in (("train", 40), ("t10k", 20)):
        (inner / f"{name}-labels-idx1-ubyte.gz").write_bytes(idx(np.arange(count) % 10, 8))
        (inner / f"{name}-images-idx3-ubyte.gz").write_bytes(idx(np.arange(count * 784) % 256, 16))


def fake_cifar(
    archive: Path, inner: str, batches: list[str], labels: Mapping[bytes, object], rows: int
) -> None:
    data = np.arange(rows * 3072).reshape(rows, 3072).astype("uint8")
    folder = archive.parent / "made" / inner
    folder.mkdir(parents=True)
    for batch in batches:
        (folder / batch).write_bytes(pickle.dumps({b"data": data, **labels}))
    with tarfile.open(archive, "w:gz") as file:
        file.add(folder, inner)


def fake_cifar10(folder: Path) -> None:
    # One row fills a whole batch of Keras'.
    batches = [*(f"data_batch_{index}" for index in range(1, 6)), "test_batch"]
    archive = folder / "cifar-10-batches-py-target_archive"
    fake_cifar(archive, "cifar-10-batches-py", batches, {b"labels": [3]}, 1)


def fake_cifar100(folder: Path) -> None:
    fine, coarse = list(range(100)), [label % 20 for label in range(100)]
    labels = {b"fine_labels": fine, b"coarse_labels": coarse}
    archive = folder / "cifar-100-python-target_archive"
    fake_cifar(archive, "cifar-100-python", ["train", "test"], labels, 100)


def texts(count: int) -> np.ndarray:
    random = np.random.default_rng(0)
    ragged = np.empty(count, dtype=object)
    ragged[:] = [
        random.integers(1, 12_000, size=size).tolist() for size in random.integers(5, 300, size=count)
    ]
    return ragged


def fake_imdb(folder: Path) -> None:
    y = np.arange(40) % 2
    np.savez(folder / "imdb.npz", x_train=texts(40), y_train=y, x_test=texts(20), y_test=y[:20])


def fake_reuters(folder: Path) -> None:
    np.savez(folder / "reuters.npz", x=texts(460), y=np.arange(460) % 46)


def fake_boston_housing(folder: Path) -> None:
    np.savez(
        folder / "boston_housing.npz", x=np.random.default_rng(0).normal(size=(50, 13)), y=np.arange(50) / 3
    )


def fake_california_housing(folder: Path) -> None:
    np.savez(folder / "california_housing.npz", x=np.ones((700, 8)), y=np.arange(700) * 1e3)


FAKES: dict[str, Callable[[Path], None]] = {
    name.removeprefix("fake_"): fake for name, fake in list(globals().items()) if name.startswith("fake_")
}


@pytest.fixture
def keras_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Keras cache of this test's own, on a machine whose network is down."""
    home = tmp_path / "keras"
    (home / "datasets").mkdir(parents=True)
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.setattr(FILES.config, "keras_home", lambda: str(home))
    monkeypatch.setattr(FILES, "validate_file", lambda *_, **__: True)
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    return home / "datasets"


def downloaded(name: str, **arguments: object) -> Data:
    return Data(source=name, arguments=arguments, limit=200)


@pytest.mark.parametrize("name", DOWNLOADED)
def test_a_dataset_of_keras_is_what_was_said_of_it(name: str, keras_folder: Path):
    FAKES[name](keras_folder)
    check(*loaded(downloaded(name)))


def test_coarse_labels_of_cifar100(keras_folder: Path):
    fake_cifar100(keras_folder)
    info, splits = loaded(downloaded("cifar100", label_mode="coarse"))
    check(info, splits)
    assert splits.train.targets["object"].max() > 10


def test_pictures_keep_their_pixels_in_place(keras_folder: Path):
    fake_mnist(keras_folder)
    _, splits = loaded(Data(source="mnist", scale=1))
    stored = np.arange(40 * 784).reshape(40, 28, 28, 1).astype("uint8")
    assert splits.test is not None
    assert np.array_equal(splits.test.inputs["image"], stored[:20])


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_texts_can_be_rows_of_the_words_they_use(name: str, keras_folder: Path):
    FAKES[name](keras_folder)
    info, splits = loaded(downloaded(name, num_words=500, multi_hot=True))
    check(info, splits)
    _, padded = loaded(downloaded(name, num_words=500, length=400))
    hot, words = splits.train.inputs["words"], padded.train.inputs["words"]
    assert all(set(np.flatnonzero(row)) == set(ids) - {0} for row, ids in zip(hot, words, strict=True))


@pytest.mark.parametrize("padding", ["pre", "post"])
def test_short_texts_are_filled_up_and_of_long_ones_the_end_is_kept(padding: str, keras_folder: Path):
    fake_imdb(keras_folder)
    _, long = loaded(downloaded("imdb", length=400, padding=padding))
    _, short = loaded(downloaded("imdb", length=10, padding=padding))
    for whole, end in zip(long.train.inputs["words"], short.train.inputs["words"], strict=True):
        text = whole[whole > 0]
        assert (whole[0] == 0) == (padding == "pre")
        assert np.array_equal(end[end > 0], text[-10:])


def test_maxlen_leaves_longer_texts_out(keras_folder: Path):
    fake_imdb(keras_folder)
    _, every = loaded(Data(source="imdb"))
    _, some = loaded(Data(source="imdb", arguments={"maxlen": 100}))
    assert len(some.train) < len(every.train)


@pytest.mark.parametrize("name", DOWNLOADED)
def test_without_a_network_the_error_says_what_to_do(name: str, keras_folder: Path):
    with pytest.raises(KflabError) as caught:
        loaded(downloaded(name))
    text = str(caught.value)
    offer = datasets.find(name)
    assert offer is not None
    assert "\n" not in text
    assert f"cannot download {name}" in text
    assert all(file in text for file in (*offer.files, str(keras_folder)))
    assert f"data.source to {offer.instead}" in text
    assert describe(Data(source=offer.instead)).origin is not Origin.DOWNLOAD


def test_a_damaged_download_is_told(keras_folder: Path):
    (keras_folder / "mnist.npz").write_bytes(b"half a file")
    with pytest.raises(KflabError, match=f"cannot load mnist from {keras_folder}"):
        loaded(Data(source="mnist"))


def test_texts_that_are_all_too_long_are_told_in_the_words_of_keras(keras_folder: Path):
    fake_imdb(keras_folder)
    with pytest.raises(KflabError, match=r"cannot load imdb from .*Increase maxlen"):
        loaded(downloaded("imdb", maxlen=2))


def test_a_download_reports_how_far_it_is_and_prints_nothing(
    keras_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    half_seen = threading.Event()
    seen: list[tuple[str, int, int]] = []

    def retrieve(_origin: str, target: str, hook: Callable[[int, int, int], None]) -> None:
        with Path(target).open("wb") as file:
            file.write(bytes(1000))
        hook(1, 1000, 2000)
        if not half_seen.wait(60):
            raise urllib.error.URLError("nobody looked")
        fake_mnist(keras_folder)
        hook(2, 1000, 2000)

    def progress(source: str, done: int, total: int) -> None:
        seen.append((source, done, total))
        if done == 1000:
            half_seen.set()

    monkeypatch.setattr(FILES, "urlretrieve", retrieve)
    data = Data(source="mnist")
    info = describe(data)
    splits = load(experiment_for(info, data), None, progress, 1)
    assert len(splits.train) + len(splits.validation or ()) == 40
    assert ("mnist", 1000, info.download_bytes) in seen
    assert capfd.readouterr().out == ""


def test_a_network_that_never_answers_is_given_up(keras_folder: Path, monkeypatch: pytest.MonkeyPatch):
    given_up = threading.Event()
    monkeypatch.setattr(FILES, "urlretrieve", lambda *_: given_up.wait(60))
    monkeypatch.setattr(downloads, "_NO_START", 0.5)
    try:
        with pytest.raises(KflabError, match=r"cannot download mnist.*no answer from the network in 0.5 s"):
            loaded(Data(source="mnist"))
    finally:
        given_up.set()


def test_what_is_in_the_cache_reports_no_download(keras_folder: Path):
    fake_mnist(keras_folder)
    seen: list[int] = []
    data = Data(source="mnist")
    load(experiment_for(describe(data), data), None, lambda *_: seen.append(1), 1)
    assert not seen
