"""What is told of data: figures against NumPy's own, what is missing, classes, samples of what is large."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kflab import presets
from kflab.catalog.bundled import OFFERS
from kflab.catalog.dataset_types import TargetInfo, TargetKind
from kflab.catalog.looks import Asked, Curves, Look, Picture, Row, Words, ask
from kflab.data import sampling
from kflab.data.figures import class_counts, figures
from kflab.data.histograms import MOST_BINS, edges
from kflab.data.looking import look
from kflab.data.profile import NotDownloadedError, profile
from kflab.data.showing import Way, shades
from kflab.document import read
from kflab.experiment import Data, Experiment
from kflab.graph.nodes import Graph, Layer, Node


def experiment_of(**data: Any) -> Experiment:
    model = Graph(nodes={"input": Node(Layer("Input", {"shape": [2]}))}, outputs=("input",))
    return Experiment(model=model, data=Data(**data))


def asked(base: Path | str = "", *, data: dict[str, Any], **wanted: Any) -> Asked:
    return ask(experiment_of(**data), str(base), **wanted)


# Figures


DTYPES = ["uint8", "int32", "int64", "float16", "float32", "float64", "bool"]


@given(
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: arrays.arrays(
            dtype, arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=9)
        )
    )
)
@settings(max_examples=120, deadline=None)
@example(np.array([0, 9223372036854775296, 9223372036854775297]))
@example(np.array([9223372036854775297]))
@example(np.array([-18014398509481231]))
def test_figures_are_those_of_numpy(array: np.ndarray[Any, Any]) -> None:
    found = figures("x", array)
    wide = array.astype("float64")
    finite = wide[np.isfinite(wide)]
    flat = wide.reshape(len(wide), -1) if wide.size else np.zeros((len(wide), 0))
    assert found.samples == len(array)
    assert found.shape == array.shape[1:]
    assert found.missing == np.isnan(flat).any(axis=1).sum()
    assert found.infinite == np.isinf(flat).any(axis=1).sum()
    bad = np.flatnonzero(~np.isfinite(flat).all(axis=1))
    assert found.first_unusable == (bad[0] if len(bad) else None)
    if not finite.size:
        assert found.low is found.high is found.mean is found.deviation is None
        assert found.histogram == ()
        return
    assert (found.low, found.high) == (finite.min(), finite.max())
    assert found.zeros == pytest.approx((finite == 0).mean())
    assert found.distinct in (None, len(np.unique(array[np.isfinite(array)])))
    assert sum(one.count for one in found.histogram) == finite.size
    assert found.histogram[0].low <= finite.min()
    assert found.histogram[-1].high >= finite.max()
    if np.abs(finite).max() < 1e100:
        assert found.mean == pytest.approx(finite.mean(), abs=1e-6 * max(1.0, float(np.abs(finite).max())))
        assert found.deviation == pytest.approx(
            finite.std(), rel=1e-6, abs=1e-6 * float(np.abs(finite).max())
        )


def test_figures_of_many_blocks_are_those_of_the_whole() -> None:
    array = np.random.default_rng(1).normal(100, 3, size=(70_000, 40)).astype("float32")
    array[60_001, 7] = np.nan
    array[65_000, 0] = np.inf
    found = figures("x", array)
    finite = array[np.isfinite(array)].astype("float64")
    assert found.first_unusable == 60_001
    assert (found.missing, found.infinite) == (1, 1)
    assert found.mean == pytest.approx(finite.mean(), rel=1e-9)
    assert found.deviation == pytest.approx(finite.std(), rel=1e-6)
    assert sum(one.count for one in found.histogram) == finite.size


def test_columns_of_a_table_have_figures_of_their_own() -> None:
    table = np.array([[1.0, 10.0], [2.0, np.nan], [3.0, 30.0]])
    found = figures("features", table, columns=("age", "pay"), is_table=True)
    age, pay = found.columns
    assert (age.name, age.low, age.high, age.missing) == ("age", 1, 3, 0)
    assert (pay.name, pay.low, pay.high, pay.missing, pay.first_unusable) == ("pay", 10, 30, 1, 1)


def test_texts_tell_what_is_missing() -> None:
    found = figures("city", np.array(["Rome", "", None, "Rome", float("nan")], dtype=object))
    assert (found.dtype, found.missing, found.first_unusable, found.distinct) == ("string", 3, 1, 4)


@given(
    st.floats(-1e300, 1e300) | st.floats(-1000, 1000),
    st.floats(0, 1e300) | st.floats(0, 100),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_edges_grow_hold_everything_and_are_few(low: float, span: float, whole: bool) -> None:
    low, span = (float(int(low)), float(int(span))) if whole else (low, span)
    high = low + span
    found = edges(low, high, whole=whole)
    assert found[0] <= low
    assert found[-1] >= high
    assert 2 <= len(found) <= MOST_BINS + 1
    assert sorted(found) == found


def test_edges_can_be_read() -> None:
    assert edges(0, 255, whole=True) == [float(edge) for edge in range(0, 261, 20)]
    assert edges(0.0, 1.0, whole=False)[:3] == [0.0, 0.05, 0.1]
    assert edges(0, 3, whole=True) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("values", "target", "expected"),
    [
        ([0, 2, 2], TargetInfo("y", TargetKind.CLASSES, classes=4), [("0", 1), ("1", 0), ("2", 2), ("3", 0)]),
        (
            [1, 1, 0],
            TargetInfo("y", TargetKind.BINARY, classes=2, labels=("no", "yes")),
            [("no", 1), ("yes", 2)],
        ),
        ([[0, 1], [0, 1]], TargetInfo("y", TargetKind.ONE_HOT, (2,), classes=2), [("0", 0), ("1", 2)]),
        ([[1, 1], [0, 1]], TargetInfo("y", TargetKind.MULTI, (2,), classes=2), [("0", 1), ("1", 2)]),
        (
            [0, -1, 7, 1],
            TargetInfo("y", TargetKind.CLASSES, classes=2),
            [("0", 1), ("1", 1), *[(str(i), 0) for i in range(2, 7)], ("7", 1)],
        ),
        ([0.5, 2.5], TargetInfo("y", TargetKind.VALUES), []),
        (
            ["b", "a", "b"],
            TargetInfo("y", TargetKind.CLASSES, classes=2, labels=("a", "b")),
            [("a", 1), ("b", 2)],
        ),
    ],
)
def test_classes_are_counted(values: list[Any], target: TargetInfo, expected: list[tuple[str, int]]) -> None:
    found = class_counts(np.array(values), target)
    assert [(one.label, one.count) for one in found] == expected


# Samples of what is large


@given(st.integers(0, 10**7), st.integers(1, 5000))
@settings(max_examples=80, deadline=None)
def test_places_are_spread_over_everything(count: int, most: int) -> None:
    found = sampling.places(count, most)
    rows = [row for start, length in sorted(found) for row in (start, start + length - 1)]
    assert sum(length for _, length in found) <= max(most, 0)
    if count:
        assert min(rows) == 0
        assert count <= most or most == 1 or max(rows) == count - 1
        assert all(0 <= row < count for row in rows)
    ordered = sorted(found)
    assert all(a[0] + a[1] <= b[0] for a, b in itertools.pairwise(ordered))


class Slow:
    """Rows that can be counted as they are read."""

    def __init__(self, count: int) -> None:
        self.shape, self.dtype, self.read = (count, 3), np.dtype("float32"), 0

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Any:
        index = np.arange(len(self))[rows] if isinstance(rows, slice) else rows
        self.read += len(index)
        return np.repeat(index[:, None], 3, axis=1).astype("float32")


def test_of_rows_on_the_disk_a_sample_from_all_over_is_read() -> None:
    rows = Slow(10_000_000)
    found = sampling.look(rows, until=float("inf"))
    assert rows.read <= sampling.MOST_ROWS_READ
    assert found.rows is not None
    assert found.row_of(0) == 0
    assert found.row_of(len(found.values) - 1) == 9_999_999
    assert (found.values[:, 0] == found.rows).all()
    assert np.array_equal(found.rows, sampling.look(Slow(10_000_000), until=float("inf")).rows)


def test_reading_stops_when_time_is_over_and_has_read_something() -> None:
    rows = Slow(10_000_000)
    found = sampling.look(rows, until=0.0)
    assert 0 < len(found.values) == rows.read < 10_000


# Whole datasets


@pytest.mark.parametrize("name", [offer.name for offer in OFFERS])
def test_every_dataset_that_needs_no_network_is_told(name: str) -> None:
    found = profile(Data(source=name))
    assert not found.problem
    assert found.train > found.validation > 0
    assert found.test > 0
    assert set(found.raw) == set(found.fed)
    assert not found.is_sampled
    for array in (*found.raw.values(), *found.fed.values()):
        assert array.low is not None
        assert not array.missing
        assert sum(one.count for one in array.histogram) > 0
    for target in found.info.targets:
        counts = found.raw[target.name].classes
        assert len(counts) == target.classes
        if counts:
            assert sum(one.count for one in counts) == found.raw[target.name].samples
            assert sum(one.count for one in found.fed[target.name].classes) == found.train
            assert sum(one.count for one in found.validation_classes[target.name]) == found.validation


def test_what_the_model_gets_is_told_as_it_is_scaled() -> None:
    found = profile(Data(source="diabetes", scale="standard"))
    assert found.raw["features"].high == 301
    assert found.fed["features"].mean == pytest.approx(0, abs=1e-6)
    assert [one.name for one in found.raw["features"].columns][:3] == ["age", "sex", "bmi"]


def test_edges_of_the_largest_numbers_rise() -> None:
    found = edges(-1.1e-187, 9.5e306, whole=False)
    assert found == sorted(set(found))
    assert (found[0], found[-1]) == (-1.1e-187, 9.5e306)


def test_columns_side_by_side_are_told_as_they_are_scaled(tmp_path: Path) -> None:
    rows = "".join(f"{20 + 7 * index},{index % 5},{index}\n" for index in range(40))
    (tmp_path / "houses.csv").write_text("area,rooms,price\n" + rows, encoding="utf-8")
    graph = Graph(nodes={"x": Node(Layer("Input", {"shape": [2]}))}, outputs=("x",))
    data = Data(
        source="houses.csv",
        arguments={"target": "price"},
        inputs={"x": ("area", "rooms")},
        scale="standard",
    )
    found = profile(Experiment(model=graph, data=data), tmp_path)
    assert found.raw["area + rooms"].high == 293
    assert found.fed["area + rooms"].mean == pytest.approx(0, abs=1e-6)


def test_what_is_missing_in_a_file_is_told_with_its_row(tmp_path: Path) -> None:
    x = np.arange(40, dtype="float32").reshape(20, 2)
    x[7, 1], x[9, 0] = np.nan, np.inf
    np.savez(tmp_path / "mine.npz", x=x, y=np.arange(20) % 2)
    found = profile(Data(source="mine.npz"), tmp_path)
    assert (found.raw["x"].missing, found.raw["x"].infinite, found.raw["x"].first_unusable) == (1, 1, 7)


def test_ids_of_words_tell_how_long_texts_are_and_how_they_are_filled_up() -> None:
    found = profile(Data(source="tickets")).raw["text_body"]
    assert found.trailing_zeros > 0.5
    assert (found.lengths[0].low, found.lengths[-1].high) == (20, 60)
    assert sum(one.count for one in found.lengths) == found.samples


def test_nothing_is_downloaded_by_looking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(NotDownloadedError, match=r"11\.5 MB"):
        profile(Data(source="mnist"))
    found = look(asked(data={"source": "mnist"}, samples=3))
    assert found.missing > 10_000_000
    assert "mnist" in found.error
    assert not list(tmp_path.rglob("*.npz"))


# Samples to be drawn


def test_samples_are_leafed_through_without_a_gap_and_without_a_repeat() -> None:
    whole = look(asked(data={"source": "iris"}, samples=150, profile=False))
    first = look(asked(data={"source": "iris"}, samples=100, profile=False))
    rest = look(asked(data={"source": "iris"}, samples=100, skip=100, profile=False))
    assert whole.of == 150
    assert whole.samples == first.samples + rest.samples
    assert sorted(sample.index for sample in whole.samples) == list(range(150))


def test_samples_of_one_class_are_all_of_it() -> None:
    found = look(asked(data={"source": "digits"}, samples=500, label="3", profile=False))
    assert found.of == len(found.samples) == 146
    assert {sample.labels["digit"] for sample in found.samples} == {"3"}
    assert "did you mean" in look(asked(data={"source": "iris"}, samples=1, label="setoza")).error


def test_each_kind_of_array_is_shown_as_what_it_is() -> None:
    def first(**data: Any) -> Any:
        return look(asked(data=data, samples=1, profile=False)).samples[0]

    digit = first(source="digits")
    assert isinstance(digit.inputs["image"], Picture)
    assert (digit.inputs["image"].width, digit.inputs["image"].channels) == (8, 1)
    ticket = first(source="tickets")
    assert isinstance(ticket.inputs["title"], Words)
    assert 0 not in ticket.inputs["title"].ids
    assert isinstance(ticket.inputs["tags"], Row)
    assert set(ticket.labels) == {"priority", "department"}
    wave = first(source="sine")
    assert isinstance(wave.inputs["window"], Curves)
    assert wave.inputs["window"].steps == 48
    assert first(source="diabetes").inputs["features"].names[:2] == ("age", "sex")


def test_points_of_the_plane_come_with_their_classes() -> None:
    found = look(asked(data={"source": "moons"}, samples=1, profile=False)).points
    assert found is not None
    assert len(found.xs) == len(found.ys) == len(found.classes) == 1000
    assert set(found.classes) == {0, 1}
    assert found.labels == ("upper", "lower")
    assert look(asked(data={"source": "digits"}, samples=1, profile=False)).points is None


def test_categories_are_shown_as_words_and_gaps_as_gaps() -> None:
    way = Way(0, 90, names=("age", "city=Oslo", "city=Rome", "pay"))
    assert way.show(np.array([30.0, 0, 1, 2.5])) == Row((30.0, "Rome", 2.5), ("age", "city", "pay"))
    assert way.show(np.array([np.nan, np.nan, np.nan, 1])) == Row((None, None, 1.0), ("age", "city", "pay"))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, (0, 1)), (0, 200, (0, 255)), (-1, 1, (-1, 1)), (-3, 7, (-3, 7)), (0, 4000, (0, 4000))],
)
def test_white_is_the_end_of_the_usual_scale(low: float, high: float, expected: tuple[float, float]) -> None:
    assert shades(low, high) == expected


def test_pixels_that_are_no_numbers_are_drawn_as_black_or_white() -> None:
    value = np.array([[np.nan, np.inf], [-np.inf, 0.5]])[..., None].repeat(8, 0).repeat(8, 1)
    shown = Way(0, 1).show(value)
    assert isinstance(shown, Picture)
    assert set(shown.pixels) == {0, 128, 255}


def test_a_large_image_is_sent_small() -> None:
    shown = Way(0, 255, side=64).show(np.full((300, 600, 3), 9, dtype="uint8"))
    assert isinstance(shown, Picture)
    assert (shown.width, shown.height, set(shown.pixels)) == (64, 32, {9})


@given(
    st.sampled_from(["uint8", "float32", "int64"]).flatmap(
        lambda dtype: arrays.arrays(
            dtype, arrays.array_shapes(min_dims=0, max_dims=5, min_side=1, max_side=8)
        )
    )
)
@settings(max_examples=100, deadline=None)
def test_a_value_of_any_shape_can_be_shown(value: np.ndarray[Any, Any]) -> None:
    shown = Way(None, None).show(value)
    if isinstance(shown, Picture):
        assert len(shown.pixels) == shown.width * shown.height * shown.channels


# The process


def answer_of(question: bytes) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "kflab.data"], input=question, capture_output=True, check=False, timeout=60
    )
    return dict(json.loads(done.stdout))


def test_the_process_answers_one_question_and_loads_no_keras() -> None:
    import msgspec

    experiment = read(presets.path("digits_mlp"))
    code = "import sys; from kflab.data.__main__ import main; main(); sys.exit('keras' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=msgspec.json.encode(ask(experiment, samples=2)),
        capture_output=True,
        check=True,
        timeout=60,
    )
    found = msgspec.json.decode(done.stdout, type=Look)
    assert found.profile is not None
    assert found.profile.raw["image"].shape == (8, 8, 1)
    assert len(found.samples) == 2


def test_the_process_says_what_is_wrong_in_one_line() -> None:
    assert "not a question" in answer_of(b"{]")["error"]
