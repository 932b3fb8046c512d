"""What is said of a dataset before it is loaded."""

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from kflab.catalog import datasets
from kflab.catalog.datasets import DatasetInfo, Origin, TargetKind, describe
from kflab.catalog.entries import ArgumentKind
from kflab.errors import UnusableInputError
from kflab.experiment import Data


def saved(path: Path, **arrays: object) -> Path:
    np.savez(path, **{name: np.asarray(array) for name, array in arrays.items()})
    return path


def told(path: Path, **given: object) -> DatasetInfo:
    return describe(Data(source=str(path), **given))


def refusal(data: Data, base: Path | None = None) -> str:
    with pytest.raises(UnusableInputError) as caught:
        describe(data, base)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", datasets.names())
def test_every_dataset_says_what_feeds_a_model_and_what_its_outputs_are_held_against(name: str):
    info = describe(Data(source=name))
    assert info.name == name
    assert info.train > 0
    assert info.inputs
    assert info.targets
    assert (info.download_bytes > 0) == (info.origin is Origin.DOWNLOAD)
    for target in info.targets:
        assert (target.classes == 0) == (target.kind is TargetKind.VALUES)
        assert len(target.labels) == target.classes
    for array in info.inputs:
        assert (array.ids > 0) == (array.dtype == "int32")


@pytest.mark.parametrize("name", datasets.names())
def test_every_argument_is_described_and_takes_its_own_default(name: str):
    plain = describe(Data(source=name))
    for argument in plain.arguments:
        assert argument.help.endswith(".")
        assert describe(Data(source=name, arguments={argument.name: argument.default})) == plain


@pytest.mark.parametrize("name", datasets.names())
def test_no_argument_takes_a_value_of_another_kind(name: str):
    wrong = {
        ArgumentKind.INT: 2.5,
        ArgumentKind.FLOAT: "much",
        ArgumentKind.BOOL: 1,
        ArgumentKind.CHOICE: "?",
    }
    for argument in describe(Data(source=name)).arguments:
        text = refusal(Data(source=name, arguments={argument.name: wrong[argument.kind]}))
        assert text.startswith(f"data.arguments.{argument.name}: expected ")
        assert text.endswith(f"got {wrong[argument.kind]!r}")


def test_arguments_change_what_is_told():
    words = describe(Data(source="imdb", arguments={"num_words": 500, "length": 30})).inputs[0]
    assert (words.shape, words.ids, words.dtype) == ((30,), 500, "int32")
    hot = describe(Data(source="imdb", arguments={"num_words": 500, "multi_hot": True})).inputs[0]
    assert (hot.shape, hot.ids) == ((500,), 0)
    assert describe(Data(source="cifar100", arguments={"label_mode": "coarse"})).targets[0].classes == 20
    assert describe(Data(source="spirals", arguments={"classes": 5})).targets[0].classes == 5
    sine = describe(Data(source="sine", arguments={"length": 10, "horizon": 3}))
    assert (sine.inputs[0].shape, sine.targets[0].shape) == ((10, 1), (3,))


def test_a_number_out_of_range_is_refused():
    assert "of at least 2, got 1" in refusal(Data(source="spirals", arguments={"classes": 1}))
    assert "of at least 0, got nan" in refusal(Data(source="moons", arguments={"noise": float("nan")}))
    assert "of at most 1e+06" in refusal(Data(source="moons", arguments={"samples": 10**9}))


def test_unknown_names_bring_the_nearest():
    assert "did you mean mnist" in refusal(Data(source="mnits"))
    assert "did you mean num_words" in refusal(Data(source="imdb", arguments={"numwords": 3}))
    assert "it takes none" in refusal(Data(source="iris", arguments={"samples": 3}))


def test_images_in_whole_numbers_are_told_as_they_will_be_scaled():
    def image(scale: float | str | None) -> tuple[object, ...]:
        array = describe(Data(source="mnist", scale=scale)).inputs[0]
        return array.dtype, array.low, array.high

    assert image(None) == ("float32", 0, 1)
    assert image(1) == ("float32", 0, 255)
    assert image("standard") == ("float32", None, None)


def test_token_ids_are_never_scaled():
    assert describe(Data(source="imdb", scale=255)) == describe(Data(source="imdb"))


def test_an_unknown_scale_is_refused():
    assert refusal(Data(source="iris", scale="minmax")) == (
        "data.scale: expected a number or 'standard', got 'minmax'"
    )


def test_a_file_with_a_test_split(tmp_path: Path):
    path = saved(
        tmp_path / "m.npz",
        x_train=np.zeros((6, 28, 28), "uint8"),
        y_train=np.array([0, 1, 2, 2, 1, 0], "uint8"),
        x_test=np.zeros((2, 28, 28), "uint8"),
        y_test=np.array([0, 1], "uint8"),
    )
    info = told(path)
    assert (info.origin, info.train, info.test) == (Origin.FILE, 6, 2)
    (image,), (label,) = info.inputs, info.targets
    assert (image.name, image.shape, image.dtype, image.low, image.high) == ("x", (28, 28), "float32", 0, 1)
    assert (label.name, label.shape, label.kind, label.classes) == ("y", (), TargetKind.CLASSES, 3)


def test_a_relative_path_is_relative_to_the_experiment(tmp_path: Path):
    saved(tmp_path / "d.npz", x=np.zeros((4, 2)), y=np.zeros(4))
    assert describe(Data(source="d.npz"), tmp_path).train == 4
    assert "no such file" in refusal(Data(source="d.npz"), tmp_path / "elsewhere")


ROWS = 6


@pytest.mark.parametrize(
    ("y", "kind", "shape", "classes"),
    [
        (np.array([0, 1, 2, 0, 1, 2]), TargetKind.CLASSES, (), 3),
        (np.array([0, 1, 2, 0, 1, 2], ">i2"), TargetKind.CLASSES, (), 3),
        (np.array([[0], [1], [2], [0], [1], [2]]), TargetKind.CLASSES, (), 3),
        (np.array([0, 1, 1, 0, 1, 0]), TargetKind.BINARY, (), 2),
        (np.array([True, False] * 3), TargetKind.BINARY, (), 2),
        (np.array([0.0, 1, 1, 0, 1, 0]), TargetKind.BINARY, (), 2),
        (np.array([120_000, 95_000, 410_000, 1, 2, 3]), TargetKind.VALUES, (), 0),
        (np.array([-1, 1, 1, -1, 1, -1]), TargetKind.VALUES, (), 0),
        (np.linspace(0, 1, ROWS), TargetKind.VALUES, (), 0),
        (np.eye(3)[[0, 1, 2, 0, 1, 2]], TargetKind.ONE_HOT, (3,), 3),
        (np.asfortranarray(np.eye(3)[[0, 1, 2, 0, 1, 2]]), TargetKind.ONE_HOT, (3,), 3),
        (np.array([[1, 1, 0], [0, 0, 0]] * 3), TargetKind.MULTI, (3,), 3),
        (np.eye(3)[np.arange(ROWS * 4).reshape(ROWS, 4) % 3], TargetKind.ONE_HOT, (4, 3), 3),
        (
            np.eye(3, dtype=bool)[np.arange(ROWS * 4).reshape(ROWS, 2, 2) % 3],
            TargetKind.ONE_HOT,
            (2, 2, 3),
            3,
        ),
        (
            np.asfortranarray(np.eye(3)[np.arange(ROWS * 4).reshape(ROWS, 4) % 3]),
            TargetKind.ONE_HOT,
            (4, 3),
            3,
        ),
        (np.arange(ROWS * 4).reshape(ROWS, 2, 2) // 3 % 2, TargetKind.BINARY, (2, 2), 2),
        (
            np.ones((ROWS, 2, 2, 1)) * (np.arange(ROWS) % 2).reshape(-1, 1, 1, 1),
            TargetKind.BINARY,
            (2, 2, 1),
            2,
        ),
        (np.random.default_rng(0).normal(size=(ROWS, 4)), TargetKind.VALUES, (4,), 0),
        (np.arange(ROWS * 300).reshape(ROWS, 20, 15) % 3, TargetKind.CLASSES, (20, 15), 3),
        (np.arange(ROWS * 300).reshape(ROWS, 20, 15).astype("uint8"), TargetKind.VALUES, (20, 15), 0),
    ],
)
def test_a_target_is_told_by_its_values(tmp_path: Path, y, kind, shape, classes):
    (target,) = told(saved(tmp_path / "d.npz", x=np.zeros((ROWS, 2)), y=y)).targets
    assert (target.kind, target.shape, target.classes) == (kind, shape, classes)


def test_classes_that_only_the_test_split_has_are_counted(tmp_path: Path):
    y = np.arange(6) % 3
    path = saved(tmp_path / "d.npz", x_train=np.ones((6, 2)), y_train=y, x_test=np.ones((6, 2)), y_test=y + 1)
    assert told(path).targets[0].classes == 4


def test_several_arrays_named_as_the_models_ends(tmp_path: Path):
    path = saved(
        tmp_path / "d.npz",
        x_title=np.zeros((4, 5), "int32"),
        x_body=np.zeros((4, 9), "int32"),
        y_urgent=np.array([0, 1, 0, 1]),
    )
    info = told(path)
    assert [array.name for array in info.inputs] == ["title", "body"]
    assert [target.name for target in info.targets] == ["urgent"]


def test_arrays_of_free_names_can_play_either_part(tmp_path: Path):
    path = saved(
        tmp_path / "d.npz",
        picture_train=np.zeros((4, 5, 5)),
        price_train=np.arange(4) / 3,
        picture_test=np.zeros((2, 5, 5)),
        price_test=np.arange(2) / 3,
    )
    info = told(path)
    assert info.input("picture")
    assert info.target("price")
    assert (info.train, info.test) == (4, 2)


def test_a_file_as_medmnist_writes_them(tmp_path: Path):
    arrays = {
        f"{split}_{part}": np.zeros((4, *shape), "uint8")
        for split in ("train", "val", "test")
        for part, shape in (("images", (8, 8)), ("labels", (1,)))
    }
    info = told(saved(tmp_path / "d.npz", **arrays))
    assert ([array.name for array in info.inputs], [target.name for target in info.targets]) == (
        ["images"],
        ["labels"],
    )
    assert info.targets[0].shape == ()


X, Y = np.zeros((4, 2)), np.zeros(4)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x_train": X, "y_train": Y[:3]}, "x_train has 4 samples, y_train has 3"),
        ({"x_train": X, "y_train": Y, "x_test": X[:2]}, "no y_test"),
        ({"x_train": X, "x_test": X, "y_train": Y, "y_test": Y[:2]}, "x_test has 4 samples, y_test has 2"),
        ({"x_test": X, "y_test": Y}, "no x_train"),
        ({"x": X[:0], "y": Y[:0]}, "'x' is empty (shape [0, 2])"),
        ({"x": 3.0, "y": Y}, "'x' is empty (shape [])"),
        ({"y": Y, "labels": Y}, "has the arrays y, labels; expected x_train, y_train"),
        ({"x_train": X, "x_test": X[:, :1], "y_train": Y, "y_test": Y}, "x_train [4, 2], x_test [4, 1]"),
        ({"x": np.array([[1], None], dtype=object), "y": Y[:2]}, "'x' holds Python objects"),
        ({"x": np.array(["a", "b"]), "y": Y[:2]}, "'x' holds text; expected numbers or booleans"),
        ({"x": np.zeros(4, "c16"), "y": Y}, "'x' holds complex numbers"),
        ({"x": np.zeros(4, "i4,f8"), "y": Y}, "'x' holds records"),
        ({}, "holds no arrays"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, arrays: Mapping[str, object], said: str
):
    path = saved(tmp_path / "mine.npz", **arrays)
    text = refusal(Data(source=str(path)))
    assert said in text
    assert "mine.npz" in text


def npy(header: str, body: bytes = b"", version: int = 1) -> bytes:
    text = header.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2, "little") + text + body


DAMAGED = {
    "empty": b"",
    "not a zip": b"hello" * 100,
    "cut off": None,
    "no magic": b"hello world",
    "endless header": b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
    "code in the header": npy("__import__('os').system('true')"),
    "negative shape": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"),
    "no shape": npy("{'descr': '<f8', 'fortran_order': False}"),
    "more than it holds": npy(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", bytes(8)
    ),
    "nested without end": npy("(" * 5000),
    "version 9": npy("{'descr': '<f8', 'fortran_order': False, 'shape': ()}", bytes(8), version=9),
}


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_file_is_refused_and_never_run(tmp_path: Path, how: str):
    path = tmp_path / "bad.npz"
    content = DAMAGED[how]
    if content is None:
        whole = saved(path, x=X, y=Y).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif how in ("empty", "not a zip"):
        path.write_bytes(content)
    else:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            file.writestr("x.npy", content)
        path.write_bytes(buffer.getvalue())
    assert re.search(r"bad\.npz.*damaged", refusal(Data(source=str(path))))


def test_other_files_are_refused_by_their_ending(tmp_path: Path):
    (tmp_path / "table.xlsx").write_text("1,2")
    assert "cannot read .xlsx files; expected .npz, .npy, .csv" in refusal(
        Data(source="table.xlsx"), tmp_path
    )
    (tmp_path / "folder.npz").mkdir()
    assert "a folder" in refusal(Data(source="folder.npz"), tmp_path)


def test_a_file_that_changes_is_read_again(tmp_path: Path):
    path = saved(tmp_path / "d.npz", x=X, y=Y)
    assert told(path).train == 4
    saved(path, x=np.zeros((9, 2)), y=np.zeros(9))
    assert told(path).train == 9
