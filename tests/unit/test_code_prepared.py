"""Scripts of data that is prepared, split, weighed or read from files: what they say and refuse."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kflab import document
from kflab.code.scripts import sketch, write
from kflab.errors import KflabError

RUFF = shutil.which("ruff", path=str(Path(sys.executable).parent)) or "ruff"

MODEL = """
model:
  nodes:
    x: {{Input: {{shape: [{features}]}}}}
    flat: {{Flatten: {{}}, from: x}}
    y: {{Dense: {{units: {units}, activation: softmax}}, from: flat}}
  outputs: [y]
training: {{loss: SparseCategoricalCrossentropy, seed: 3{more}}}
"""


def script(
    data: str, folder: Path | None = None, features: object = 4, units: int = 3, more: str = ""
) -> str:
    text = f"data: {{{data}}}" + MODEL.format(features=features, units=units, more=more)
    return write(document.read_text(text), folder, folder=folder).text


def data_of(text: str) -> list[str]:
    return text.partition("# Data\n")[2].partition("\n\n# Model")[0].splitlines()


def fit_of(text: str) -> list[str]:
    return text.partition("model.compile(")[2].partition("\n\n# Test")[0].splitlines()


def table(folder: Path) -> None:
    rows = [f"{20 + row},{row % 3}.5,{'Rome' if row % 2 else 'Oslo'},{'ab'[row % 2]}" for row in range(40)]
    (folder / "people.csv").write_text("\n".join(["age,size,city,kind", *rows]), encoding="utf-8")
    (folder / "gaps.csv").write_text("\n".join(["age,size,city,kind", *rows, ",1,Rome,a"]), encoding="utf-8")


def folders(folder: Path) -> None:
    for kind, ending in (("pictures", "png"), ("letters", "txt")):
        for label in ("one", "two", "three"):
            (folder / kind / label).mkdir(parents=True)
            for number in range(9):
                (folder / kind / label / f"{number}.{ending}").write_bytes(b"-")


def test_preprocessing_layers_are_adapted_to_the_training_samples() -> None:
    text = script("source: iris, prepare: {features: [{Normalization: {axis: -1}}]}")
    assert data_of(text)[-3:] == [
        "normalization = layers.Normalization()",
        "normalization.adapt(x_train)",
        "x_train, x_val, x_test = prepared(normalization, x_train, x_val, x_test)",
    ]


def test_labels_are_made_one_hot_in_every_split() -> None:
    text = script("source: iris, validation: 0, prepare: {species: [to_categorical]}")
    assert data_of(text)[-2:] == [
        "y_train = to_categorical(y_train, 3)",
        "y_test = to_categorical(y_test, 3)",
    ]


def test_weights_of_classes_are_given_or_computed_in_sight() -> None:
    given = fit_of(script("source: iris", more=', class_weight: {versicolor: 3, "2": 0.5}'))
    assert "    class_weight={1: 3.0, 2: 0.5}," in given
    computed = fit_of(script("source: iris", more=", class_weight: balanced"))
    assert computed[1:3] == [
        "classes, counts = np.unique(y_train, return_counts=True)",
        "class_weight = dict(zip(classes, len(y_train) / (len(classes) * counts)))",
    ]
    assert "    class_weight=class_weight," in computed


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("split: random, limit: 20", "x_train, y_train, train_size=20, random_state=3"),
        ("split: time", "(x_train, y_train), (x_test, y_test) = split_in_time((x, y), 0.2, 0)"),
        ("shuffle: false", "(x_train, y_train), (x_test, y_test) = split_in_time((x, y), 0.2, 0)"),
        ("split: random, shuffle: false", "train, test = map("),
        ("order_by: species", 'order = np.argsort(y, kind="stable")'),
    ],
)
def test_samples_are_split_as_the_document_says(data: str, line: str) -> None:
    text = script(f"source: iris, {data}")
    assert line in (written.strip() for written in data_of(text))
    assert ("shuffle=False" in text) == ("shuffle" in data)


def test_samples_that_are_not_split_keep_their_variables_beside_the_model() -> None:
    text = script("source: iris, test: 0, validation: 0")
    assert "x_output = keras.Input(" in text
    assert "model.fit(x, y," in text


def test_a_table_is_read_with_its_columns_and_their_types(tmp_path: Path) -> None:
    table(tmp_path)
    assert data_of(script("source: people.csv", tmp_path)) == [
        'types = {"age": "float64", "size": "float64", "city": "string", "kind": "string"}',
        "table = csv.read_csv(",
        '    "people.csv",',
        "    convert_options=csv.ConvertOptions(column_types=types, include_columns=list(types)),",
        ")",
        'columns = [table["age"], table["size"], one_hot(table["city"])]',
        'x = np.column_stack(columns).astype("float32")',
        'y = codes(table["kind"])',
        "train, test = split(np.arange(len(x)), 0.2, y, 5)",
        "train, val = split(train, 0.1, y, 3)",
        "x_train, x_val, x_test = x[train], x[val], x[test]",
        "y_train, y_val, y_test = y[train], y[val], y[test]",
    ]


AUGMENT = "augment: {image: [RandomFlip, {RandomBrightness: {factor: 0.1}}]}"


def test_training_samples_alone_are_augmented(tmp_path: Path) -> None:
    folders(tmp_path)
    text = script(f"source: pictures, arguments: {{image_size: [4, 4]}}, {AUGMENT}", tmp_path, "4, 4, 3")
    assert data_of(text)[-7:] == [
        'x_val = x_val.astype("float32") / 255',
        'x_test = x_test.astype("float32") / 255',
        "y_train, y_val, y_test = y[train], y[val], y[test]",
        "augmentation = layers.Pipeline([layers.RandomFlip(), layers.RandomBrightness(0.1)])",
        "train_batches = augmented(",
        "    x_train, y_train, 32, lambda samples: augmentation(samples) / 255",
        ")",
    ]
    assert "model.fit(train_batches, " in text.replace("(\n    ", "(").replace(",\n    ", ", ")


EVERY = {
    "people": ("source: people.csv, arguments: {target: kind}", 4),
    "ids": ("source: people.csv, arguments: {types: {city: ids}}, inputs: {x: city}", 1),
    "gaps": ("source: gaps.csv, arguments: {missing: median}", 4),
    "dropped": ("source: gaps.csv, arguments: {missing: drop}, order_by: age, inputs: {x: [age, city]}", 3),
    "pictures": (f"source: pictures, arguments: {{image_size: [4, 4]}}, {AUGMENT}", "4, 4, 3"),
    "letters": ("source: letters, prepare: {text: [{TextVectorization: {max_tokens: 9}}]}", "null"),
    "iris": ("source: iris, split: stratified, prepare: {features: [Normalization]}", 4),
}


def test_scripts_are_formatted_and_without_complaints(tmp_path: Path) -> None:
    table(tmp_path)
    folders(tmp_path)
    written = tmp_path / "written"
    written.mkdir()
    for name, (data, features) in EVERY.items():
        text = script(data, tmp_path, features, more=", class_weight: balanced")
        (written / f"{name}.py").write_text(text, encoding="utf-8")
    for arguments in (["format", "--diff"], ["check", "--select", "E,F,I,N,W"]):
        done = subprocess.run(
            [RUFF, arguments[0], "--isolated", *arguments[1:], "."],
            cwd=written,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("data", "features", "told"),
    [
        ("source: gaps.csv", 4, "'age' has no value in row 41"),
        (
            "source: people.csv, inputs: {x: [age, size]}, prepare: {age: [Normalization]}",
            2,
            "preparing 'age', one of several columns",
        ),
        ("source: gaps.csv, arguments: {missing: most_frequent}", 4, "the missing values of 'age'"),
        (
            f"source: pictures, arguments: {{image_size: 4}}, scale: standard, {AUGMENT}",
            "4, 4, 3",
            "standard",
        ),
        ("source: pictures, arguments: {image_size: 9000}", "9000, 9000, 3", "more than memory has room for"),
        (
            "source: pictures, arguments: {image_size: 4}, prepare: {image: [Equalization]}",
            "4, 4, 3",
            "Equalization",
        ),
    ],
)
def test_what_no_code_is_written_for_is_told(data: str, features: object, told: str, tmp_path: Path) -> None:
    table(tmp_path)
    folders(tmp_path)
    with pytest.raises(KflabError, match=told):
        script(data, tmp_path, features)


def test_a_table_that_was_not_read_to_its_end_is_told(tmp_path: Path) -> None:
    rows = "\n".join(f"{row},{row % 7},{'ab'[row % 2]}" for row in range(200_000))
    (tmp_path / "long.csv").write_text(f"one,two,kind\n{rows}\n", encoding="utf-8")
    text = "data: {source: long.csv}" + MODEL.format(features=2, units=2, more="")
    shown = sketch(document.read_text(text), tmp_path)
    assert any("long.csv" in problem and "not read to its end" in problem for problem in shown.problems)
    assert "keras.Model(" in shown.text
