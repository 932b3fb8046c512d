"""Folders of images and of texts by class, and `.npy` files, as a person has them."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kflab.catalog.dataset_types import DatasetInfo, TargetKind
from kflab.catalog.datasets import describe
from kflab.data import files
from kflab.data.arrays import Raw
from kflab.data.sources import open_source, study
from kflab.errors import UnusableInputError
from kflab.experiment import Data


def opened(data: Data) -> tuple[DatasetInfo, Raw]:
    study(data)
    info = describe(data)
    return info, open_source(data, [*info.inputs, *info.targets])


def picture(path: Path, color: tuple[int, int, int] = (10, 20, 30), size: tuple[int, int] = (6, 4)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)
    return path


def pictures(folder: Path) -> Path:
    for index, name in enumerate(("cat", "dog", "eel")):
        for number in range(3):
            picture(folder / name / f"{number}.png", (index * 50, number, 7))
    return folder


def test_images_come_with_the_labels_of_their_folders(tmp_path: Path):
    arguments = {"image_size": [4, 6]}
    info, raw = opened(Data(source=str(pictures(tmp_path)), arguments=arguments))
    assert info.inputs[0].shape == (4, 6, 3)
    assert (info.targets[0].labels, info.train) == (("cat", "dog", "eel"), 9)
    images = raw.train.inputs["image"]
    assert images.shape == (9, 4, 6, 3)
    assert images[[7, 0]][:, 0, 0].tolist() == [[100, 1, 7], [0, 0, 7]]
    assert images[:].shape == (9, 4, 6, 3)
    assert raw.train.targets["label"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("ending", ["jpg", "png", "bmp", "gif", "webp"])
def test_every_kind_of_image_is_read(tmp_path: Path, ending: str):
    for name in ("a", "b"):
        picture(tmp_path / name / f"1.{ending}", (200, 200, 200))
    _, raw = opened(Data(source=str(tmp_path), arguments={"image_size": [4, 6]}))
    assert np.abs(raw.train.inputs["image"][:].astype(int) - 200).max() < 4


@pytest.mark.parametrize(("mode", "channels"), [("grayscale", 1), ("rgb", 3), ("rgba", 4)])
def test_images_have_the_channels_that_are_asked_for(tmp_path: Path, mode: str, channels: int):
    for name, kind in (("a", "L"), ("b", "P"), ("c", "RGBA"), ("d", "I;16"), ("e", "1")):
        (tmp_path / name).mkdir()
        Image.new(kind, (5, 5)).save(tmp_path / name / "1.png")
    _, raw = opened(Data(source=str(tmp_path), arguments={"color_mode": mode, "image_size": 3}))
    assert raw.train.inputs["image"][:].shape == (5, 3, 3, channels)


def test_images_of_16_bits_are_scaled_and_not_clipped(tmp_path: Path):
    (tmp_path / "a").mkdir()
    Image.fromarray(np.full((4, 4), 25_700, "uint16")).save(tmp_path / "a" / "1.png")
    _, raw = opened(Data(source=str(tmp_path), arguments={"color_mode": "grayscale", "image_size": [4, 4]}))
    assert raw.train.inputs["image"][:].max() == 100


def test_an_image_is_cropped_where_that_is_asked_for(tmp_path: Path):
    (tmp_path / "a").mkdir()
    wide = np.zeros((4, 12, 3), "uint8")
    wide[:, 4:8] = 255
    Image.fromarray(wide).save(tmp_path / "a" / "1.png")
    arguments = {"image_size": [4, 4], "crop_to_aspect_ratio": True, "interpolation": "nearest"}
    _, raw = opened(Data(source=str(tmp_path), arguments=arguments))
    assert raw.train.inputs["image"][:].min() == 255


def test_folders_of_splits_are_kept_apart(tmp_path: Path):
    for split, number in (("train", 4), ("validation", 2), ("test", 1)):
        for name in ("a", "b"):
            for index in range(number):
                picture(tmp_path / split / name / f"{index}.png")
    info, raw = opened(Data(source=str(tmp_path)))
    assert (info.train, info.test) == (8, 2)
    assert raw.validation is not None
    assert raw.test is not None
    assert [len(raw.train), len(raw.validation), len(raw.test)] == [8, 4, 2]
    picture(tmp_path / "test" / "c" / "1.png")
    with pytest.raises(UnusableInputError, match=r"class 'c' of test is none of the training samples"):
        describe(Data(source=str(tmp_path)))


def test_texts_come_whole(tmp_path: Path):
    for name, text in (("ham", "Grüße,\nbis bald"), ("spam", "WIN")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(text, encoding="utf-8")
    info, raw = opened(Data(source=str(tmp_path)))
    assert (info.inputs[0].dtype, info.targets[0].kind) == ("string", TargetKind.BINARY)
    assert raw.train.inputs["text"][:].tolist() == ["Grüße,\nbis bald", "WIN"]


def test_a_class_without_images_is_refused(tmp_path: Path):
    (pictures(tmp_path) / "fox").mkdir()
    with pytest.raises(UnusableInputError, match=r"fox: the class 'fox' has no files"):
        describe(Data(source=str(tmp_path)))


@pytest.mark.parametrize(
    "content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"\xff\xd8\xff\xe0" + b"x" * 99]
)
def test_an_image_that_cannot_be_decoded_is_named(tmp_path: Path, content: bytes):
    (pictures(tmp_path) / "cat" / "bad.png").write_bytes(content)
    _, raw = opened(Data(source=str(tmp_path)))
    with pytest.raises(UnusableInputError, match=r"cat/bad\.png: cannot be decoded"):
        raw.train.inputs["image"][:]


def test_an_image_that_is_cut_off_is_named(tmp_path: Path):
    (tmp_path / "a").mkdir()
    noise = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype="uint8")
    path = tmp_path / "a" / "1.png"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:4000])
    _, raw = opened(Data(source=str(tmp_path)))
    with pytest.raises(UnusableInputError, match=r"1\.png: cannot be decoded"):
        raw.train.inputs["image"][:]


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_000, 30_000, 1_000_000])
def test_an_image_that_unpacks_to_gigabytes_is_refused(tmp_path: Path, side: int):
    (tmp_path / "a").mkdir()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * (side // 8 + 1) * 100)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    (tmp_path / "a" / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    _, raw = opened(Data(source=str(tmp_path)))
    with pytest.raises(UnusableInputError, match=r"bomb\.png: .*pixels; expected"):
        raw.train.inputs["image"][:]


def test_a_pipe_among_images_is_refused_and_not_waited_for(tmp_path: Path):
    os.mkfifo(pictures(tmp_path) / "cat" / "pipe.png")
    _, raw = opened(Data(source=str(tmp_path)))
    with pytest.raises(UnusableInputError, match="no plain file"):
        raw.train.inputs["image"][:]


def test_folders_that_lead_round_in_circles_end(tmp_path: Path):
    folder = pictures(tmp_path) / "cat"
    (folder / "again").symlink_to(folder)
    assert describe(Data(source=str(tmp_path))).train == 9


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda folder: folder.mkdir(), "a folder without data"),
        (lambda folder: (folder / "a").mkdir(parents=True), "a folder without data"),
        (lambda folder: picture(folder / "1.png"), "expected a subfolder of images"),
        (os.mkfifo, "neither a file nor a folder"),
        (lambda folder: folder.symlink_to(folder), "no such file"),
    ],
)
def test_what_is_no_data_is_refused(tmp_path: Path, make, told: str):
    source = tmp_path / "data.csv"
    make(source)
    with pytest.raises(UnusableInputError, match=told):
        describe(Data(source=str(source)))


def test_the_devices_are_refused():
    for device in ("/dev/zero", "/dev/stdin"):
        with pytest.raises(UnusableInputError, match=r"neither a file|cannot read|no such file"):
            describe(Data(source=device))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"image_sise": [4, 4]}, "did you mean image_size"),
        ({"image_size": [0, 4]}, "expected a height and a width"),
        ({"image_size": "large"}, "expected a height and a width"),
        ({"color_mode": "cmyk"}, "expected one of rgb, grayscale, rgba"),
    ],
)
def test_arguments_of_images_are_checked(tmp_path: Path, arguments, told: str):
    with pytest.raises(UnusableInputError, match=told):
        describe(Data(source=str(pictures(tmp_path)), arguments=arguments))


# Arrays


def test_npy_files_are_a_dataset_by_their_names(tmp_path: Path):
    x = np.arange(12, dtype="float32").reshape(4, 3)
    y = np.array([0, 1, 2, 1])
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    for data in (
        Data(source=str(tmp_path)),
        Data(source=str(tmp_path / "x.npy")),
        Data(source=str(tmp_path / "x.npy"), arguments={"targets": "y.npy"}),
    ):
        info, raw = opened(data)
        assert (info.train, info.targets[0].classes) == (4, 3)
        np.testing.assert_array_equal(raw.train.inputs["x"][:], x)
        np.testing.assert_array_equal(raw.train.targets["y"][:], y)
    (tmp_path / "y.npy").unlink()
    with pytest.raises(UnusableInputError, match=r"data\.arguments\.targets names the file"):
        describe(Data(source=str(tmp_path / "x.npy")))


def test_npy_files_of_splits_are_kept_apart(tmp_path: Path):
    for split, count in (("train", 5), ("test", 2)):
        np.save(tmp_path / f"x_{split}.npy", np.ones((count, 2)))
        np.save(tmp_path / f"y_{split}.npy", np.arange(count) / 3)
    info, raw = opened(Data(source=str(tmp_path)))
    assert (info.train, info.test) == (5, 2)
    assert raw.test is not None
    assert raw.test.inputs["x"].dtype == "float32"


@pytest.mark.parametrize("how", ["npy", "npz", "fortran", "swapped"])
def test_large_arrays_stay_on_the_disk(tmp_path: Path, monkeypatch, how: str):
    x = np.random.default_rng(0).normal(size=(50, 3, 2)).astype("float32")
    y = np.arange(50) % 5
    stored = {"fortran": np.asfortranarray(x), "swapped": x.astype(">f4")}.get(how, x)
    if how == "npz":
        np.savez(tmp_path / "d.npz", x=x, y=y)
        source = tmp_path / "d.npz"
    else:
        np.save(tmp_path / "x.npy", stored)
        np.save(tmp_path / "y.npy", y)
        source = tmp_path
    monkeypatch.setattr(files, "IN_MEMORY", 0)
    _, raw = opened(Data(source=str(source)))
    rows = raw.train.inputs["x"]
    assert not isinstance(rows, np.ndarray)
    assert rows.dtype == "float32"
    chosen = np.array([40, 3, 17])
    np.testing.assert_array_equal(rows[chosen], x[chosen])
    np.testing.assert_array_equal(raw.train.targets["y"][:], y)


def test_a_pickle_in_an_npy_file_is_refused(tmp_path: Path):
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "y.npy", np.zeros(1))
    with pytest.raises(UnusableInputError, match="pickle runs code"):
        describe(Data(source=str(tmp_path)))
