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
import msgspec
import numpy as np
import pytest
from sklearn import datasets as sklearn_datasets

from kflab.catalog import datasets
from kflab.catalog.datasets import DatasetInfo, Origin, TargetKind, describe
from kflab.code.data import data_code
from kflab.code.scripts import write
from kflab.data import downloads
from kflab.data.batches import as_fed
from kflab.data.load import Part, Splits, load
from kflab.errors import KflabError
from kflab.experiment import Data, Experiment, Spec
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


def test_standard_scale_is_fitted_on_the_training_samples_alone():
    _, splits = loaded(Data(source="wine", scale="standard"))
    train = splits.train.inputs["features"]
    assert np.allclose(train.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(train.std(axis=0), 1, atol=1e-5)
    assert splits.test is not None
    assert np.abs(splits.test.inputs["features"].mean(axis=0)).max() > 0.01


def test_limit_keeps_so_many_training_samples_of_every_class():
    _, splits = loaded(Data(source="digits", limit=200, validation=0.1))
    assert len(splits.train) + len(splits.validation or ()) == 200
    assert splits.test is not None
    assert len(splits.test) == 360
    assert len(np.unique(splits.train.targets["digit"])) == 10


def test_nothing_is_held_back_where_nothing_is_asked_for():
    _, splits = loaded(Data(source="iris", validation=0, test=0))
    assert (len(splits.train), splits.validation, splits.test) == (150, None, None)


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


# The code that gets the same samples


def assert_same(mine: object, theirs: object) -> None:
    if isinstance(theirs, list):
        assert isinstance(mine, list)
        for one, other in zip(mine, theirs, strict=True):
            assert_same(one, other)
    elif theirs is None:
        assert mine is None
    else:
        assert isinstance(theirs, np.ndarray)
        # Keras trains on 32 bits, whatever it is given.
        got = np.asarray(mine)
        got = got.astype("float32") if got.dtype == "float64" else got
        assert got.shape == theirs.shape
        assert np.array_equal(got, theirs)


def check_code(experiment: Experiment, base: Path | None = None) -> str:
    """Hold the samples that the code of an experiment gets against those that kflab loads."""
    training = msgspec.structs.replace(
        experiment.training, seed=3, loss=experiment.training.loss or {"": Spec("MeanSquaredError")}
    )
    experiment = msgspec.structs.replace(experiment, training=training)
    splits = load(experiment, base, None, 3)
    script = write(experiment, base)
    variables: dict[str, object] = {}
    text = "".join(section.block.text for section in script.sections if section.title in ("", "Data"))
    exec(compile(text, "script", "exec"), variables)
    code = data_code(experiment, base)
    parts = {"train": splits.train, "val": splits.validation, "test": splits.test}
    assert set(code.parts) == {name for name, part in parts.items() if part is not None}
    for name, (x, y) in code.parts.items():
        part = parts[name]
        assert part is not None
        inputs, targets = as_fed(experiment.model, part.inputs, part.targets)
        assert_same(eval(x, variables), list(inputs) if isinstance(inputs, tuple) else inputs)
        assert_same(eval(y, variables), list(targets) if isinstance(targets, tuple) else targets)
    return script.text


CHANGES: list[dict[str, object]] = [
    {},
    {"scale": "standard"},
    {"scale": 3.0, "limit": 60, "validation": 0.25},
    {"validation": 0.0, "test": 0.0},
    {"scale": "standard", "limit": 30, "test": 0.5},
]


@pytest.mark.parametrize("change", CHANGES, ids=["plain", "standard", "limited", "whole", "few"])
@pytest.mark.parametrize("name", OFFLINE)
def test_code_gets_the_same_samples_of_a_dataset(name: str, change: dict[str, object]):
    data = Data(source=name, **change)
    check_code(experiment_for(describe(data), data))


@pytest.mark.parametrize("name", DOWNLOADED)
def test_code_gets_the_same_samples_of_keras(name: str, keras_folder: Path):
    FAKES[name](keras_folder)
    # So few that it has to look whether the classes can keep their shares, as they can not here.
    for scale in (None, "standard")[: 1 if name == "cifar10" else 2]:
        few = Data(source=name, limit=20, scale=scale)
        check_code(experiment_for(describe(few), few))
    if name in ("mnist", "fashion_mnist", "imdb", "boston_housing"):
        whole = Data(source=name, validation=0.25, scale="standard")
        check_code(experiment_for(describe(whole), whole))


@pytest.mark.parametrize("arguments", [{"multi_hot": True}, {"padding": "post", "length": 40, "maxlen": 250}])
def test_code_gets_the_same_words(arguments: dict[str, object], keras_folder: Path):
    fake_imdb(keras_folder)
    data = Data(source="imdb", arguments={"num_words": 500, **arguments}, limit=30, validation=0.3)
    check_code(experiment_for(describe(data), data))


def with_model(data: Data, nodes: Mapping[str, tuple[int, ...]], outputs: tuple[str, ...]) -> Experiment:
    """An experiment with Inputs of these shapes, and outputs that are made of the first of them."""
    inputs = {name: Node(Layer("Input", {"shape": list(shape)})) for name, shape in nodes.items()}
    first = next(iter(nodes))
    made = {name: Node(Layer("Dense", {"units": 1}), inputs=(first,)) for name in outputs}
    return Experiment(data=data, model=Graph(nodes={**inputs, **made}, outputs=outputs))


@pytest.mark.parametrize("scale", [None, "standard", 2.0])
def test_code_shapes_samples_as_the_inputs_ask(scale: float | str | None):
    pixels = with_model(Data(source="digits", scale=scale), {"row": (64,)}, ("digit",))
    check_code(pixels)
    both = Data(source="digits", scale=scale, inputs={"row": "image", "grid": "image"}, limit=200)
    check_code(with_model(both, {"row": (64,), "grid": (8, 8)}, ("digit",)))
    again = Data(source="digits", scale=scale, targets={"same": "image", "digit": "digit"})
    check_code(with_model(again, {"image": (8, 8, 1)}, ("same", "digit")))
    drawn = Data(source="digits", scale=scale, targets={"same": "image"})
    check_code(with_model(drawn, {"row": (64,)}, ("same",)))


def test_code_gives_nothing_to_an_output_without_a_loss():
    experiment = with_model(Data(source="tickets", limit=90), {"tags": (12,)}, ("priority", "free"))
    data = msgspec.structs.replace(experiment.data, inputs={"tags": "tags"})
    training = msgspec.structs.replace(experiment.training, loss={"priority": Spec("MeanSquaredError")})
    text = check_code(msgspec.structs.replace(experiment, data=data, training=training))
    assert "None]" in text


@pytest.mark.parametrize("splits", ["", "test", "val test"])
@pytest.mark.parametrize("scale", [None, "standard"])
def test_code_gets_the_same_samples_of_a_file(tmp_path: Path, splits: str, scale: str | None):
    random = np.random.default_rng(1)
    held: dict[str, np.ndarray] = {}
    for end in (["_train", *(f"_{split}" for split in splits.split())]) if splits else [""]:
        held[f"x_one{end}"] = random.normal(size=(60, 3, 2)).astype("float32")
        held[f"x_mask{end}"] = random.random((60, 2)) < 0.5
        # One class has a single sample, which no split can share.
        held[f"y{end}"] = np.where(np.arange(60) == 7, 2, np.arange(60) % 2)[:, None]
    np.savez(tmp_path / "own.npz", **held)
    data = Data(source="own.npz", scale=scale, inputs={"x": "one", "mask": "mask"}, limit=40)
    check_code(with_model(data, {"x": (6,), "mask": (2,)}, ("y",)), tmp_path)
    one = Data(source="own.npz", scale=scale, inputs={"x": "one"})
    check_code(with_model(one, {"x": (3, 2)}, ("y",)), tmp_path)
