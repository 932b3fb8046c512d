"""Tables of a person's own: whatever they are written as, what is in them comes back."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from kflab.catalog.dataset_types import ArrayInfo, DatasetInfo, TargetKind
from kflab.catalog.datasets import describe
from kflab.catalog.matching import match
from kflab.data.arrays import Raw
from kflab.data.readers import tables
from kflab.data.sources import open_source, study
from kflab.errors import UnusableInputError
from kflab.experiment import Data, Spec
from kflab.graph.nodes import Graph, Layer, Node


def opened(data: Data, base: Path | None = None) -> tuple[DatasetInfo, Raw]:
    study(data, base)
    info = describe(data, base)
    return info, open_source(data, [*info.inputs, *info.columns, *info.targets], base)


def write(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    kind = path.suffix
    if kind in (".csv", ".tsv"):
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, delimiter="\t" if kind == ".tsv" else ",")
            writer.writerow(header)
            writer.writerows(
                ["" if v is None else str(v).lower() if isinstance(v, bool) else v for v in row]
                for row in rows
            )
    elif kind == ".parquet":
        columns = list(zip(*rows, strict=True))
        parquet.write_table(pa.table({name: list(c) for name, c in zip(header, columns, strict=True)}), path)
    else:
        path.write_text(
            "".join(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows), encoding="utf-8"
        )
    return path


ENDINGS = (".csv", ".tsv", ".parquet", ".jsonl")
HEADER = ("amount", "count", "fresh", "city", "price")
CITIES = ("Rome", 'New "York"', "São Paulo", "a, b")


def value(kind: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), kind)


ROWS = st.lists(
    st.tuples(
        value(st.floats(-1e6, 1e6, width=32)),
        value(st.integers(-1000, 1000)),
        value(st.booleans()),
        value(st.sampled_from(CITIES)),
        st.floats(-1e6, 1e6, width=32),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_random_tables_come_back_as_they_were_written(tmp_path: Path, rows: list[tuple[Any, ...]]):
    # Each column has a value of its kind, and each category comes often enough to be one.
    rows = [(0.5, 1, True, city, 1.25) for city in CITIES for _ in range(2 * len(rows) + 2)] + rows
    types = {"amount": "number", "count": "number", "fresh": "boolean", "city": "category"}
    for ending in ENDINGS:
        path = write(tmp_path / f"t{ending}", HEADER, rows)
        info, raw = opened(Data(source=str(path), arguments={"missing": "mean", "types": types}))
        assert info.train == len(rows)
        (features,) = info.inputs
        assert features.features == ("amount", "count", "fresh", *(f"city={city}" for city in sorted(CITIES)))
        found = raw.train.inputs["features"][:]
        missing = np.nan
        expected = [
            [
                *(missing if number is None else float(number) for number in row[:3]),
                *(missing if row[3] is None else float(row[3] == city) for city in sorted(CITIES)),
            ]
            for row in rows
        ]
        np.testing.assert_array_equal(found, np.array(expected, "float32"))
        np.testing.assert_array_equal(raw.train.targets["price"], np.array([r[4] for r in rows], "float32"))


@pytest.mark.parametrize("ending", ENDINGS)
def test_columns_are_numbers_booleans_dates_categories_or_text(tmp_path: Path, ending: str):
    rows = [
        (
            0.5 * n,
            n % 2 == 0,
            f"2026-01-{n % 28 + 1:02}",
            ("red", "blue")[n % 2],
            f"a text, of its own {n}",
            n % 3,
        )
        for n in range(40)
    ]
    path = write(tmp_path / f"t{ending}", ("size", "new", "day", "color", "words", "label"), rows)
    info, raw = opened(Data(source=path.name), tmp_path)
    (features,) = info.inputs
    assert features.features == ("size", "new", "day", "color=blue", "color=red")
    assert raw.train.inputs["features"][1].tolist() == [0.5, 0, 20455, 1, 0]
    assert [(column.name, column.shape, column.dtype) for column in info.columns] == [
        ("size", (1,), "float32"),
        ("new", (1,), "float32"),
        ("day", (1,), "float32"),
        ("color", (2,), "float32"),
        ("words", (), "string"),
    ]
    assert raw.train.inputs["words"][[3, 1]].tolist() == ["a text, of its own 3", "a text, of its own 1"]
    (target,) = info.targets
    assert (target.name, target.kind, target.classes) == ("label", TargetKind.CLASSES, 3)
    assert raw.train.targets["label"][:4].tolist() == [0, 1, 2, 0]
    assert "words" in info.summary


def test_dates_keep_their_seconds_on_their_own(tmp_path: Path):
    rows = [(f"2026-01-01 00:00:{n:02}", n) for n in range(60)]
    path = write(tmp_path / "t.csv", ("at", "y"), rows)
    _, raw = opened(Data(source=str(path)))
    assert len(np.unique(raw.train.inputs["at"][:])) == 60


@pytest.mark.parametrize(
    ("header", "given", "expected"),
    [
        (("a", "b", "c"), {}, ["c"]),
        (("a", "label", "c"), {}, ["label"]),
        (("a", "b", "c"), {"target": "a"}, ["a"]),
        (("a", "b", "c"), {"target": ["c", "a"]}, ["c", "a"]),
    ],
)
def test_the_target_is_the_one_named_so_or_the_last(tmp_path: Path, header, given, expected):
    path = write(tmp_path / "t.csv", header, [(0.5, 1.5, 2.5), (3.5, 4.5, 5.5)])
    info = describe(Data(source=str(path), arguments=given))
    assert [target.name for target in info.targets] == expected
    assert info.inputs[0].features == tuple(name for name in header if name not in expected)


def test_data_targets_may_name_the_column(tmp_path: Path):
    path = write(tmp_path / "t.csv", ("a", "b", "c"), [(0.5, 1.5, 2.5), (3.5, 4.5, 5.5)])
    info = describe(Data(source=str(path), targets={"out": "b"}))
    assert [target.name for target in info.targets] == ["b"]


def test_columns_are_chosen_and_left_out(tmp_path: Path):
    path = write(tmp_path / "t.csv", ("a", "b", "c", "y"), [(0.5, 1.5, 2.5, 1.5), (3.5, 4.5, 5.5, 0.5)])
    assert describe(Data(source=str(path), arguments={"columns": ["c", "a"]})).inputs[0].features == (
        "c",
        "a",
    )
    assert describe(Data(source=str(path), arguments={"drop": "b"})).inputs[0].features == ("a", "c")


@pytest.mark.parametrize("ending", ENDINGS)
def test_words_of_a_target_are_its_classes(tmp_path: Path, ending: str):
    rows = [(n / 2, ("yes", "no")[n % 2]) for n in range(4)]
    info, raw = opened(Data(source=str(write(tmp_path / f"t{ending}", ("a", "bought"), rows))))
    (target,) = info.targets
    assert (target.kind, target.labels) == (TargetKind.BINARY, ("no", "yes"))
    assert raw.train.targets["bought"].tolist() == [1, 0, 1, 0]


def test_words_that_never_come_twice_are_classes_of_a_target_too(tmp_path: Path):
    rows = [(n / 2, f"class {n}") for n in range(5)]
    info = describe(Data(source=str(write(tmp_path / "t.csv", ("a", "kind"), rows))))
    assert info.targets[0].classes == 5


def test_whole_numbers_that_go_far_are_values(tmp_path: Path):
    path = write(tmp_path / "t.csv", ("a", "price"), [(n / 2, n * 1000) for n in range(50)])
    assert describe(Data(source=str(path))).targets[0].kind is TargetKind.VALUES


def test_a_type_that_is_given_comes_before_the_look(tmp_path: Path):
    path = write(tmp_path / "t.csv", ("zip", "y"), [(10_000 + n % 3, n % 2) for n in range(20)])
    info, _ = opened(Data(source=str(path), arguments={"types": {"zip": "category", "y": "number"}}))
    assert info.inputs[0].features == ("zip=10000", "zip=10001", "zip=10002")
    assert info.targets[0].kind is TargetKind.VALUES
    ids = Data(source=str(path), arguments={"types": {"zip": "ids"}})
    info, raw = opened(ids)
    assert [(array.name, array.dtype, array.ids) for array in info.inputs] == [("zip", "int32", 3)]
    assert raw.train.inputs["zip"][:4].tolist() == [[0], [1], [2], [0]]


def test_semicolons_and_decimal_commas_are_told_from_the_file(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text("größe;y\n1,5;0\n2,25;1\n", encoding="utf-8")
    _, raw = opened(Data(source=str(path)))
    assert raw.train.inputs["features"][:].tolist() == [[1.5], [2.25]]
    path.write_bytes("größe|y\n1.5|0\n".encode("latin-1"))
    info = describe(Data(source=str(path), arguments={"encoding": "latin-1"}))
    assert info.inputs[0].features == ("größe",)


@pytest.mark.parametrize("how", ["mean", "median", "zero", "most_frequent"])
def test_gaps_are_filled_with_what_the_training_samples_have(tmp_path: Path, how: str):
    rows = [(1, "a"), (1, "a"), (4, "b"), (None, None), (100, "b")]
    rows = [(*row, 0.5) for row in rows]
    path = write(tmp_path / "t.csv", ("n", "c", "y"), rows)
    data = Data(source=str(path), arguments={"missing": how, "types": {"c": "category"}})
    _, raw = opened(data)
    values = raw.gaps["features"].fit(raw.train.inputs["features"][:4])
    expected = {"mean": [2, 1, 0], "median": [1, 1, 0], "zero": [0, 0, 0], "most_frequent": [1, 1, 0]}
    assert values.tolist() == expected[how]


def test_rows_with_gaps_are_dropped(tmp_path: Path):
    path = write(tmp_path / "t.csv", ("a", "b", "y"), [(1, None, 1), (2, 5, 2), (3, 6, None), (4, 7, 4)])
    data = Data(source=str(path), arguments={"missing": "drop"})
    assert not describe(data).unusable
    study(data)
    info = describe(data)
    raw = open_source(data, [*info.inputs, *info.targets])
    assert raw.train.inputs["features"][:].tolist() == [[2, 5], [4, 7]]
    assert len(raw.train) == 2


def test_gaps_are_refused_with_row_and_column(tmp_path: Path):
    path = write(tmp_path / "t.csv", ("age", "y"), [(1, 1.5), (None, 2.5), (None, 3.5)])
    data = Data(source=str(path))
    info = describe(data)
    assert "'age' has no value in row 2, nor have 1 more rows" in info.unusable
    with pytest.raises(UnusableInputError, match=r"'age' has no value in row 2"):
        opened(data)


def test_lists_of_numbers_are_arrays(tmp_path: Path):
    rows = [([n, n + 1, n + 2], [[n, 1], [2, n]], [1, 0] if n % 2 else [0, 1]) for n in range(6)]
    for ending in (".jsonl", ".parquet"):
        path = write(tmp_path / f"t{ending}", ("x", "grid", "y"), rows)
        info, raw = opened(Data(source=str(path)))
        assert [(array.name, array.shape) for array in info.inputs] == [("x", (3,)), ("grid", (2, 2))]
        assert (info.targets[0].kind, info.targets[0].shape) == (TargetKind.ONE_HOT, (2,))
        assert raw.train.inputs["grid"][[4]].tolist() == [[[4, 1], [2, 4]]]
        assert raw.train.targets["y"][:2].tolist() == [[0, 1], [1, 0]]


def test_lists_of_varying_length_need_to_be_padded(tmp_path: Path):
    path = write(tmp_path / "t.jsonl", ("words", "y"), [([1, 2], 0), ([3], 1), ([4, 5, 6], 0)])
    with pytest.raises(
        UnusableInputError, match=r"'words' has a list of shape \[1\] in row 2.*pad_sequences"
    ):
        opened(Data(source=str(path)))
    padded = Data(source=str(path), prepare={"words": (Spec("pad_sequences", {"maxlen": 3}),)})
    study(padded)
    info = describe(padded)
    raw = open_source(padded, [ArrayInfo("words", (None,)), *info.targets])
    assert [row.tolist() for row in raw.train.inputs["words"][:]] == [[1, 2], [3], [4, 5, 6]]


def test_columns_side_by_side_feed_one_input(tmp_path: Path):
    rows = [(n, ("red", "blue")[n % 2], n / 2, n % 2) for n in range(8)]
    path = write(tmp_path / "t.csv", ("a", "color", "b", "y"), rows)
    data = Data(source=str(path), inputs={"left": ("b", "color"), "right": "a"})
    study(data)
    nodes = {
        "left": Node(Layer("Input", {"shape": [3]})),
        "right": Node(Layer("Input", {"shape": [1]})),
        "y": Node(Layer("Dense", {"units": 1}), inputs=("left",)),
    }
    matching = match(Graph(nodes=nodes, outputs=("y",)), data, describe(data))
    assert not matching.problems
    raw = open_source(data, list(matching.inputs.values()))
    assert raw.train.inputs[matching.inputs["left"].name][:2].tolist() == [[0, 0, 1], [0.5, 1, 0]]
    assert raw.train.inputs["a"][:2].tolist() == [[0], [1]]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_large_table_is_kept_in_files_and_read_from_there(tmp_path: Path, ending: str, monkeypatch):
    rows = [(n / 2, ("red", "blue")[n % 2], f"text no. {n}", n % 2) for n in range(500)]
    path = write(tmp_path / f"t{ending}", ("a", "color", "words", "y"), rows)
    data = Data(source=str(path))
    _, small = opened(data)
    before = {name: rows[:] for name, rows in small.train.inputs.items()}
    monkeypatch.setattr(tables, "IN_MEMORY", 0)
    monkeypatch.setenv("KFLAB_CACHE_DIR", str(tmp_path / "cache"))
    tables._last.clear()
    seen: list[int] = []
    study(data, None, lambda _name, done, _size: seen.append(done))
    kept = list((tmp_path / "cache" / "tables").iterdir())
    assert [(folder / "narrow").exists() for folder in kept].count(True) == 1
    assert not [folder for folder in kept if folder.name.startswith(".")]
    _, large = opened(data)
    assert not isinstance(large.train.inputs["features"], np.ndarray)
    rng = np.random.default_rng(1).permutation(500)
    for name, expected in before.items():
        np.testing.assert_array_equal(large.train.inputs[name][rng], expected[rng])
    np.testing.assert_array_equal(large.train.targets["y"], small.train.targets["y"])


def test_a_file_that_changes_is_read_again(tmp_path: Path):
    path = write(tmp_path / "t.csv", ("a", "y"), [(0.5, 1)])
    assert opened(Data(source=str(path)))[0].train == 1
    write(path, ("a", "y"), [(0.5, 1), (1.5, 0), (2.5, 1)])
    info, raw = opened(Data(source=str(path)))
    assert (info.train, len(raw.train)) == (3, 3)


def test_a_column_that_says_nothing_at_first_is_what_it_turns_out_to_be(tmp_path: Path):
    rows = [("" if n < 9_000 else n / 2, "x" if n % 2 else "z", n % 2) for n in range(10_000)]
    path = write(tmp_path / "t.csv", ("late", "color", "y"), rows)
    info, raw = opened(Data(source=str(path), arguments={"missing": "zero"}))
    assert info.inputs[0].features == ("late", "color=x", "color=z")
    assert raw.train.inputs["late"][9_001].tolist() == [4500.5]
