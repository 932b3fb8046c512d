"""What a person sees of curves: the right shape, nothing lost, nothing that jumps, at every size."""

from __future__ import annotations

import itertools
import math
from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kflab.tui.axes import epoch_axis, log_axis, short_number, tick_label, value_axis
from kflab.tui.charts import BRAILLE, PLAIN, Chart, Marks, Role, Series, draw
from kflab.tui.curve_marks import Mark
from kflab.tui.lines import Part, width_of
from kflab.tui.reduce import Envelope, Settled

FALLING = Envelope([float(epoch) for epoch in range(1, 21)], [2.3 * 0.8**epoch for epoch in range(1, 21)])
RISING = Envelope([float(epoch) for epoch in range(1, 21)], [1 - 0.8**epoch for epoch in range(1, 21)])


def train(curve: Envelope, last: float = 0.5) -> Series:
    return Series(Role.TRAIN, (curve,), last)


def validation(curve: Envelope, last: float = 0.5) -> Series:
    return Series(Role.VALIDATION, (curve,), last)


def text(chart: Chart) -> list[str]:
    return ["".join(run.text for run in line) for line in chart.lines]


def cells(chart: Chart, part: Part) -> set[tuple[int, int]]:
    """The row and column of every cell of the plot that belongs to a part."""
    found = set()
    for row, line in enumerate(chart.lines[1:]):
        column = 0
        for run in line:
            for character in run.text:
                if run.part is part and character != " ":
                    found.add((row, column))
                column += 1
    return found


def shape(chart: Chart) -> list[float]:
    """The mean row of the training curve in each column that it is in."""
    points = sorted(cells(chart, Part.TRAIN), key=lambda cell: cell[1])
    columns = itertools.groupby(points, key=lambda cell: cell[1])
    return [sum(rows) / len(rows) for rows in ([row for row, _ in group] for _, group in columns)]


def test_a_falling_loss_falls_on_the_screen_and_a_rising_metric_rises() -> None:
    falling = shape(draw("loss", [train(FALLING)], 60, 14, epochs=20))
    rising = shape(draw("accuracy", [train(RISING)], 60, 14, epochs=20))
    assert falling[0] < 3 < falling[-1]
    assert falling == sorted(falling)
    assert rising[0] > 7 > rising[-1]
    assert rising == sorted(rising, reverse=True)


def test_the_last_values_stand_in_the_legend() -> None:
    legend = text(draw("loss", [train(FALLING, 0.0265), validation(RISING, 0.3112)], 60, 12, epochs=20))[0]
    assert "loss" in legend
    assert "train 0.0265" in legend
    assert "validation 0.3112" in legend


def test_a_narrow_legend_keeps_the_values_and_cuts_the_name() -> None:
    both = [train(FALLING, 0.0265), validation(RISING, 0.3112)]
    legend = text(draw("sparse_top_k_categorical_accuracy", both, 32, 12))[0]
    assert "0.0265" in legend
    assert "0.3112" in legend
    assert "sp" in legend
    assert "…" in legend
    assert "cy" in legend


def test_means_over_an_epochs_first_batches_are_left_out_but_in_the_first_epoch() -> None:
    xs, ys = array("d", [0.1, 0.5, 1.0, 1.1, 1.5]), array("d", [2.0, 1.5, 1.2, 9.0, 1.1])
    settled = Settled(xs, ys)
    assert list(settled.update().xs) == [0.1, 0.5, 1.0, 1.5]
    xs.extend([2.0, 2.05, 2.3])
    ys.extend([1.0, 9.0, 0.9])
    assert list(settled.update().ys) == [2.0, 1.5, 1.2, 1.1, 1.0, 0.9]


def test_train_and_validation_differ_in_more_than_colour() -> None:
    lines = text(draw("loss", [train(FALLING), validation(RISING)], 60, 14, epochs=20))
    assert any("●" in line for line in lines[1:])
    alone = text(draw("loss", [train(FALLING)], 60, 14, epochs=20))
    assert not any("●" in line for line in alone)


def test_plain_charts_are_ascii() -> None:
    lines = text(draw("loss", [train(FALLING), validation(RISING)], 60, 14, epochs=20, marks=PLAIN))
    assert all(line.isascii() for line in lines)
    plot = "".join(lines[1:])
    assert "." in plot
    assert "o" in plot


HAPPENED = [Mark(4.0), Mark(5.5, "lr 1e-3 → 1e-4", turns=True), Mark(11.0, "paused"), Mark(30.0, "beyond")]


@pytest.mark.parametrize("marks", [BRAILLE, PLAIN])
def test_what_happened_is_marked_where_no_curve_is(marks: Marks) -> None:
    curves = [train(FALLING), validation(RISING)]
    without = draw("loss", curves, 70, 14, epochs=20, marks=marks)
    chart = draw("loss", curves, 70, 14, epochs=20, marks=marks, events=HAPPENED)
    for part in (Part.TRAIN, Part.VALIDATION):
        assert cells(chart, part) == cells(without, part)
    lines = text(chart)
    assert {width_of(line) for line in chart.lines} == {70}
    assert any("lr 1e-3 → 1e-4" in line for line in lines)
    assert any("paused" in line for line in lines)
    assert not any("beyond" in line for line in lines)
    axis, axis_before = lines[-2], text(without)[-2]
    changed = [
        column for column, pair in enumerate(zip(axis, axis_before, strict=True)) if len(set(pair)) > 1
    ]
    left, columns = 6, 64
    assert changed == [left + int(mark.x / 20 * columns) for mark in HAPPENED[:3]]


def test_a_mark_stands_below_the_point_of_its_place() -> None:
    for x in (1.0, 7.0, 19.5):
        curve = train(Envelope([x], [1.0]))
        chart = draw("loss", [curve], 70, 14, epochs=20, events=[Mark(x, "here", turns=True)])
        columns = {column for _, column in cells(chart, Part.TRAIN)}
        lines = {column for row, column in cells(chart, Part.FRAME) if column - 5 > 0 and row < 11}
        assert columns & lines


def test_every_size_gives_lines_of_exactly_that_size() -> None:
    for width, height in itertools.product(range(1, 45, 3), range(1, 14)):
        curves = [train(FALLING), validation(RISING)]
        chart = draw("loss", curves, width, height, epochs=20, events=HAPPENED)
        assert len(chart.lines) == height
        assert {width_of(line) for line in chart.lines} == {width}
    assert draw("loss", [], 0, 5).lines == ()


@pytest.mark.parametrize(
    "curves", [[], [train(Envelope([], []), math.nan)], [train(Envelope([1.0], [math.nan]))]]
)
def test_without_a_value_the_axes_are_there_and_claim_nothing(curves: Sequence[Series]) -> None:
    lines = text(draw("loss", curves, 50, 10, epochs=20))
    assert "20" in lines[-1]
    assert not any(character.isdigit() for line in lines[1:-1] for character in line)


def test_nan_is_a_gap_and_is_told() -> None:
    ys = [2.0, 1.8, 1.6, *[math.nan] * 10, 0.6, 0.4, 0.2, 0.1]
    curve = Envelope([float(x) for x in range(1, len(ys) + 1)], ys)
    chart = draw("loss", [train(curve, math.nan)], 60, 12, epochs=len(ys))
    columns = {column for _, column in cells(chart, Part.TRAIN)}
    widest = max(after - before for before, after in itertools.pairwise(sorted(columns)))
    assert widest > 20
    assert "nan" in text(chart)[0]


def test_a_logarithmic_axis_shows_decades_and_is_refused_without_positive_values() -> None:
    curve = Envelope([1.0, 2.0, 3.0, 4.0], [1000.0, 10.0, 0.1, 0.001])
    rows = shape(draw("loss", [train(curve)], 60, 14, epochs=4, log=True))
    steps = [after - before for before, after in itertools.pairwise(rows)]
    assert max(steps) <= 2
    negative = Envelope([1.0, 2.0], [-1.0, -2.0])
    refused = draw("score", [train(negative)], 70, 14, epochs=2, log=True)
    assert "no log" in text(refused)[0]
    assert cells(refused, Part.TRAIN)


def test_a_logarithmic_axis_leaves_out_what_has_no_logarithm() -> None:
    curve = Envelope([1.0, 2.0, 3.0, 4.0], [10.0, 0.0, -1.0, 1.0])
    assert cells(draw("loss", [train(curve)], 60, 14, epochs=4, log=True), Part.TRAIN)


def test_charts_leave_nothing_behind_for_the_next_one() -> None:
    once = draw("accuracy", [train(RISING)], 50, 12, epochs=20)
    draw("loss", [train(FALLING), validation(RISING)], 80, 20, epochs=100, log=True)
    draw("loss", [train(FALLING)], 40, 9, epochs=3, ended=True, marks=PLAIN)
    assert draw("accuracy", [train(RISING)], 50, 12, epochs=20) == once


def test_a_spike_among_a_million_points_is_seen() -> None:
    count = 1_000_000
    ys = array("d", bytes(8 * count))
    ys[345_678] = 7.0
    curve = Envelope(array("d", (20 * index / count for index in range(count))), ys)
    tops = [max(values) for _, values in curve.reduce(0.0, 20.0, 100)]
    assert max(tops) == 7.0
    assert sum(len(xs) for xs, _ in curve.reduce(0.0, 20.0, 100)) <= 200


VALUES = st.lists(
    st.one_of(st.floats(-1e6, 1e6), st.just(math.nan), st.just(math.inf)), min_size=1, max_size=900
)


@given(ys=VALUES, columns=st.integers(1, 60), cuts=st.lists(st.integers(0, 900), max_size=3))
def test_reducing_keeps_the_extremes_however_the_points_arrived(
    ys: list[float], columns: int, cuts: list[int]
) -> None:
    xs_seen, ys_seen = array("d"), array("d")
    curve = Envelope(xs_seen, ys_seen)
    for start, stop in itertools.pairwise(sorted({0, len(ys), *(min(cut, len(ys)) for cut in cuts)})):
        xs_seen.extend(float(index) for index in range(start, stop))
        ys_seen.extend(ys[start:stop])
        curve.bounds()
    finite = [value for value in ys if math.isfinite(value)]
    assert curve.bounds() == ((min(finite), max(finite)) if finite else None)
    segments = curve.reduce(0.0, float(len(ys)), columns)
    shown = [value for _, values in segments for value in values]
    assert sum(len(values) for _, values in segments) <= max(2 * columns, 1)
    if finite:
        assert (min(shown), max(shown)) == (min(finite), max(finite))
    positions = [x for xs, _ in segments for x in xs]
    assert positions == sorted(positions)


def test_a_value_axis_stays_while_the_values_fit_and_only_widens() -> None:
    first = value_axis(0.4, 2.3, 5)
    assert value_axis(0.3, 2.2, 5, first) is first
    wider = value_axis(0.3, 3.7, 5, first)
    assert wider.low <= first.low
    assert wider.high >= 3.7


@given(low=st.floats(-1e9, 1e9), span=st.floats(0, 1e9), most=st.integers(2, 12))
def test_a_value_axis_holds_its_values_at_round_ticks(low: float, span: float, most: int) -> None:
    axis = value_axis(low, low + span, most)
    slack = 1e-6 * max(abs(low), abs(low + span), 1e-9)
    assert axis.low <= low + slack
    assert axis.high >= low + span - slack
    assert 2 <= len(axis.ticks) <= most + 3
    assert len(axis.labels) == len(axis.ticks)


def test_ticks_are_round_and_told_apart() -> None:
    assert value_axis(0.0, 2.3, 6).labels == ("0.0", "0.5", "1.0", "1.5", "2.0", "2.5")
    assert value_axis(0.93, 0.99, 6).labels == ("0.93", "0.94", "0.95", "0.96", "0.97", "0.98", "0.99")
    assert log_axis(0.002, 30.0, 10).labels == ("0.001", "0.01", "0.1", "1", "10", "100")
    assert tick_label(2e-5, 1e-5) == "2e-5"
    assert tick_label(0.0, 0.5) == "0.0"


def test_the_epoch_axis_spans_a_short_run_at_once_and_a_long_one_in_steps() -> None:
    assert epoch_axis(0.3, 20, 50, ended=False).high == 20
    ends = [epoch_axis(float(epoch), 1000, 50, ended=False).high for epoch in range(1, 1001)]
    assert ends == sorted(ends)
    assert len(set(ends)) <= 8
    assert ends[-1] == 1000
    assert all(end >= epoch for epoch, end in enumerate(ends, start=1))


def test_the_epoch_axis_of_a_run_that_ended_stops_where_it_did() -> None:
    assert epoch_axis(7.0, 1000, 50, ended=True).high == 7
    assert epoch_axis(30.0, 20, 50, ended=False).high == 30


def test_numbers_are_short_and_keep_their_width() -> None:
    assert [short_number(value) for value in (0.2113, 2.3, 45.123, 29_000.4, 1.2e-5, 3e8)] == [
        "0.2113", "2.3000", "45.12", "29000", "1.20e-5", "3.00e8",
    ]  # fmt: skip
    assert short_number(math.nan) == "nan"
