"""Scripts of experiments that prepare, split and weigh their data end with the weights of a run."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from kflab import document
from kflab.code.scripts import write
from kflab.data.batches import as_fed
from kflab.data.load import load
from tests.keras.loops import trained

DENSE = """
model:
  nodes:
    x: {{Input: {{shape: [{features}]}}}}
    y: {{Dense: {{units: {units}, activation: softmax}}, from: x}}
  outputs: [y]
training: {{loss: {loss}, metrics: [accuracy], epochs: 2, batch_size: 16, seed: 3{more}}}
"""


def dense(
    data: str,
    features: object = 4,
    units: int = 3,
    more: str = "",
    loss: str = "SparseCategoricalCrossentropy",
) -> str:
    return f"data: {{{data}}}" + DENSE.format(features=features, units=units, more=more, loss=loss)


def executed(text: str, folder: Path) -> keras.Model:
    """The model after a script has run."""
    keras.utils.clear_session()
    variables: dict[str, object] = {"__name__": "__main__"}
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, "script", "exec"), variables)
    model = variables["model"]
    assert isinstance(model, keras.Model)
    return model


def same(text: str, folder: Path) -> None:
    """Holds a script against a run, to the last bit."""
    experiment = document.read_text(text)
    script = write(experiment, folder, folder=folder).text
    assert "kflab" not in script
    theirs, ours = executed(script, folder), trained(experiment, folder)
    assert set(theirs.history.history) == set(ours.history.history)
    for one, other in zip(ours.variables, theirs.variables, strict=True):
        assert np.array_equal(one.numpy(), other.numpy()), (one.path, script)


def same_samples(text: str, folder: Path) -> None:
    """Holds the samples of a script against those of a run, in each split and in order."""
    experiment = document.read_text(text)
    seed = experiment.training.seed
    assert seed is not None
    script = write(experiment, folder, folder=folder)
    (section,) = [section for section in script.sections if section.title == "Data"]
    found: dict[str, Any] = {}
    with contextlib.chdir(folder):
        exec(script.sections[0].block.text + section.block.text, found)
    splits = load(experiment, folder, None, seed)
    for name, part in (("train", splits.train), ("val", splits.validation), ("test", splits.test)):
        assert part is not None
        inputs, targets = as_fed(experiment.model, *part.read(slice(None)))
        for theirs, ours in ((found[f"x_{name}"], inputs), (found[f"y_{name}"], targets)):
            pairs = zip(theirs, ours, strict=True) if isinstance(theirs, list) else [(theirs, ours)]
            for one, other in pairs:
                assert one is other is None or np.array_equal(np.asarray(one, other.dtype), other), (
                    name,
                    script.text,
                )


SPLITS = {
    "random": "source: iris, split: random",
    "stratified": "source: iris, split: stratified, limit: 60",
    "in order": "source: iris, split: random, shuffle: false, limit: 60",
    "time": "source: iris, split: time, limit: 100",
    "not shuffled": "source: iris, shuffle: false",
}


@pytest.mark.parametrize("name", SPLITS)
def test_a_script_splits_as_a_run_does(name: str, tmp_path: Path) -> None:
    same_samples(dense(SPLITS[name]), tmp_path)


PREPARED = {
    "cast": dense("source: iris, scale: 10, prepare: {features: [{cast: {dtype: float32}}]}"),
    "bins": dense(
        "source: iris, prepare: {features: [{Discretization: {num_bins: 4}}, {Rescaling: {scale: 0.25}}]}"
    ),
    "learned classes": dense("source: iris, prepare: {features: [Normalization], species: [to_categorical]}"),
}


@pytest.mark.parametrize("name", PREPARED)
def test_a_script_prepares_as_a_run_does(name: str, tmp_path: Path) -> None:
    same_samples(PREPARED[name], tmp_path)


TRAINED = {
    "prepared": dense(
        "source: iris, prepare: {features: [Normalization], species: [to_categorical]}",
        loss="CategoricalCrossentropy",
        more=", class_weight: balanced",
    ),
    "weighted": dense("source: iris", more=', class_weight: {versicolor: 3, "2": 0.5}'),
    "not split": dense("source: iris, test: 0, validation: 0"),
    "in order": dense("source: wine, shuffle: false, scale: standard", 13, more=", class_weight: balanced"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "prepared" else pytest.mark.slow) for name in TRAINED]
)
def test_a_script_trains_to_the_weights_of_a_run(name: str, tmp_path: Path) -> None:
    same(TRAINED[name], tmp_path)


SEVERAL = """
data:
  source: several.npz
  inputs: {both: [width, height], picture: image}
  order_by: day
  scale: 2
  prepare:
    image: [{Resizing: {height: 4, width: 4}}, {Rescaling: {scale: 0.01}}]
    words: [{pad_sequences: {maxlen: 3, padding: post}}]
  targets: {kind: kind, grade: grade}
model:
  nodes:
    both: {Input: {shape: [3]}}
    picture: {Input: {shape: [4, 4, 1]}}
    words: {Input: {shape: [3]}}
    flat: {Flatten: {}, from: picture}
    all: {Concatenate: {}, from: [both, flat, words]}
    kind: {Dense: {units: 3, activation: softmax}, from: all}
    grade: {Dense: {units: 2, activation: softmax}, from: all}
    free: {Dense: {units: 2}, from: all}
  outputs: [kind, grade, free]
training:
  loss: {kind: SparseCategoricalCrossentropy, grade: CategoricalCrossentropy}
  class_weight: balanced
  epochs: 2
  seed: 5
"""


def several(folder: Path) -> None:
    rng = np.random.default_rng(1)
    grade = rng.integers(2, size=90)
    np.savez(
        folder / "several.npz",
        width=rng.normal(size=(90, 2)),
        height=rng.normal(size=90),
        image=rng.integers(256, size=(90, 6, 6), dtype="uint8")[..., None],
        words=rng.integers(9, size=(90, 5)),
        day=rng.permutation(90),
        kind=rng.integers(3, size=90),
        grade=np.eye(2, dtype="float32")[grade],
    )


@pytest.mark.parametrize("change", [("", ""), ("day\n", "day\n  split: random\n")])
def test_a_script_of_several_arrays_has_the_samples_of_a_run(change: tuple[str, str], tmp_path: Path) -> None:
    several(tmp_path)
    same_samples(SEVERAL.replace(*change), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["balanced", '{"2": 4}'])
def test_a_script_of_several_outputs_weighs_them_as_a_run_does(weights: str, tmp_path: Path) -> None:
    several(tmp_path)
    same(SEVERAL.replace("class_weight: balanced", f"class_weight: {weights}"), tmp_path)


def people(folder: Path, name: str = "people.csv") -> None:
    rng = np.random.default_rng(2)
    rows = ["age;height ;city;member;joined;title;kind"]
    for row in range(80):
        age = "" if name == "gaps.csv" and row % 9 == 4 else str(rng.integers(90))
        height, day = f"{rng.normal(170, 9):.1f}".replace(".", ","), 1 + row % 28
        city, kind = rng.choice(["Rome", "Oslo", " Bern"]), rng.choice(["left", "right", "up"])
        member = rng.choice(["true", "false"])
        rows.append(f"{age};{height};{city};{member};2026-01-{day:02};words {row % 7} of {row};{kind}")
    (folder / name).write_text("\n".join(rows), encoding="utf-8")


TABLES = {
    "whole": dense("source: people.csv, scale: standard", 7, more=", class_weight: balanced"),
    "in time": dense("source: people.csv, order_by: joined, inputs: {x: [age, city]}", 4),
    "mean": dense("source: gaps.csv, arguments: {missing: mean}, inputs: {x: [age, height]}, scale: 9", 2),
    "drop": dense("source: gaps.csv, arguments: {missing: drop}, inputs: {x: age}", 1),
    "one column": dense(
        "source: people.csv, arguments: {types: {city: ids}}, inputs: {x: city}, "
        "prepare: {city: [{CategoryEncoding: {num_tokens: 3, output_mode: one_hot}}]}",
        3,
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_script_reads_tables_as_a_run_does(name: str, tmp_path: Path) -> None:
    for file in ("people.csv", "gaps.csv"):
        people(tmp_path, file)
    same_samples(TABLES[name], tmp_path)


@pytest.mark.slow
def test_a_script_trains_on_a_table_to_the_weights_of_a_run(tmp_path: Path) -> None:
    people(tmp_path)
    same(TABLES["whole"], tmp_path)


def odd_files(folder: Path) -> None:
    """Files with what is seldom: quotes and blanks in a header, dates, a word that is left out, no splits."""
    rng = np.random.default_rng(6)
    rows = [(row, "Ro, me" if row % 2 else 'Os"" lo', row % 3) for row in range(60)]
    lines = [f'{row % 7},"{city}",{row},{kind}' for row, city, kind in rows]
    (folder / "odd.csv").write_text("\n".join([" a ,b,,y", *lines]), encoding="utf-8")
    gaps = [
        f"{'' if row == 9 else row},{'rare' if row == 9 else city[:2]},{kind}" for row, city, kind in rows
    ]
    (folder / "rare.csv").write_text("\n".join(["a,b,y", *gaps]), encoding="utf-8")
    large = [f"{1_700_000_000_000 + row * 37},{kind}" for row, _, kind in rows]
    (folder / "large.csv").write_text("\n".join(["t,y", *large]), encoding="utf-8")
    first = datetime.date(2026, 1, 1)
    table = {
        "day": [first + datetime.timedelta(days=int(day)) for day in rng.permutation(60)],
        "count": rng.integers(9, size=60),
        "city": pa.array(rng.choice(["u", "v", "w"], size=60)).dictionary_encode(),
        "good": rng.integers(2, size=60).astype(bool),
        "kind": rng.integers(3, size=60),
    }
    parquet.write_table(pa.table(table), folder / "typed.parquet")
    np.save(folder / "x.npy", rng.normal(size=(60, 4)))
    np.save(folder / "y.npy", rng.integers(3, size=(60, 1)))


ODD = {
    "header": dense("source: odd.csv, inputs: {x: [column_3, a, b]}"),
    "left out": dense("source: rare.csv, arguments: {missing: drop}"),
    "large numbers": dense("source: large.csv, inputs: {x: t}, scale: standard", 1),
    "types": dense("source: typed.parquet, order_by: day", 5),
    "double precision": dense("source: x.npy, split: stratified, prepare: {x: [Normalization]}"),
}


@pytest.mark.parametrize("name", ODD)
def test_a_script_reads_odd_files_as_a_run_does(name: str, tmp_path: Path) -> None:
    odd_files(tmp_path)
    same_samples(ODD[name], tmp_path)


def records(folder: Path) -> None:
    rng = np.random.default_rng(3)
    rows = [
        {
            "tags": [int(tag) for tag in rng.integers(1, 9, size=rng.integers(1, 7))],
            "place": [float(number) for number in rng.normal(size=2)],
            "size": float(rng.normal()),
            "good": bool(rng.integers(2)),
            "title": f"a {rng.choice(['fine', 'poor'])} thing of {row}",
            "kind": str(rng.choice(["tea", "coffee"])),
        }
        for row in range(60)
    ]
    with (folder / "records.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    columns = ("size", "good", "kind", "title")
    table = pa.table({name: [row[name] for row in rows] for name in columns})
    parquet.write_table(table, folder / "records.parquet")


RECORDS = {
    "features.jsonl": dense("source: records.jsonl, inputs: {x: [size, good]}", 2, 2),
    "lists.jsonl": dense("source: records.jsonl, inputs: {x: [place]}, scale: standard", 2, 2),
    "features.parquet": dense("source: records.parquet, arguments: {target: kind}", 2, 2),
    "sequences": dense(
        "source: records.jsonl, inputs: {x: tags}, prepare: {tags: [pad_sequences]}", "null", 2
    ),
    "texts": dense(
        "source: records.jsonl, inputs: {x: title}, "
        "prepare: {title: [{TextVectorization: {max_tokens: 30}}]}",
        "null",
        2,
    ),
    "texts of a table": dense(
        "source: records.parquet, arguments: {target: kind}, inputs: {x: title}, "
        "prepare: {title: [{TextVectorization: "
        "{output_mode: tf_idf, max_tokens: 9, pad_to_max_tokens: true}}]}",
        9,
        2,
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_script_reads_records_as_a_run_does(name: str, tmp_path: Path) -> None:
    records(tmp_path)
    same_samples(RECORDS[name], tmp_path)


def folders(folder: Path) -> None:
    rng = np.random.default_rng(4)
    for part, count in (("train", 30), ("test", 8)):
        for number in range(count):
            kind = ("bright", "dark", "grey")[number % 3]
            place = folder / "pictures" / part / kind / ("deep" if number % 5 == 0 else ".")
            place.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(256, size=(7, 9, 3), dtype="uint8")
            Image.fromarray(pixels).convert("P" if number == 4 else "RGB").save(place / f"{number}.png")
    for number in range(40):
        place = folder / "letters" / ("kind", "rude")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.txt").write_bytes(f"dear {number % 7}\r\nyours {number}".encode())


FOLDERS = {
    "images": dense("source: pictures, arguments: {image_size: [4, 5]}", 60),
    "resized": dense(
        "source: pictures, arguments: {image_size: [8, 9], color_mode: grayscale, interpolation: area, "
        "crop_to_aspect_ratio: true}, scale: 5, prepare: {image: [{Resizing: {height: 2, width: 2}}]}",
        4,
    ),
    "texts": dense(
        "source: letters, "
        "prepare: {text: [{TextVectorization: {max_tokens: 30, output_sequence_length: 4}}]}",
        4,
        2,
    ),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_script_reads_folders_as_a_run_does(name: str, tmp_path: Path) -> None:
    folders(tmp_path)
    same_samples(FOLDERS[name], tmp_path)


AUGMENTED = """
data:
  source: pictures
  arguments: {image_size: [4, 5]}
  split: random
  shuffle: false
  prepare: {image: [{Resizing: {height: 3, width: 4}}]}
  augment: {image: [{RandomBrightness: {factor: [0.5, 0.5], value_range: [0, 255]}}]}
model:
  nodes:
    x: {Input: {shape: [3, 4, 3]}}
    flat: {Flatten: {}, from: x}
    y: {Dense: {units: 3, activation: softmax}, from: flat}
  outputs: [y]
training: {loss: SparseCategoricalCrossentropy, class_weight: balanced, epochs: 1, batch_size: 16, seed: 3}
"""


def test_a_script_augments_training_samples_alone(tmp_path: Path) -> None:
    folders(tmp_path)
    experiment = document.read_text(AUGMENTED)
    script = write(experiment, tmp_path, folder=tmp_path)
    found: dict[str, Any] = {}
    with contextlib.chdir(tmp_path):
        for section in script.sections[:4]:
            exec(section.block.text, found)
    splits = load(experiment, tmp_path, None, 3)
    assert splits.train.augment is not None
    inputs, targets = splits.train.augment(np.arange(len(splits.train)), (3, 2, 0, 0))
    batches = list(found["train_batches"])
    # A layer whose range of change is a point changes every sample in the same way.
    np.testing.assert_allclose(np.concatenate([x for x, _ in batches]), inputs["x"], rtol=1e-6)
    assert np.array_equal(np.concatenate([y for _, y in batches]), targets["y"])
    assert splits.validation is not None
    assert np.array_equal(found["x_val"], splits.validation.read(slice(None))[0]["x"])
