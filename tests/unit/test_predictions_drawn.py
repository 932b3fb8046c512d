"""Predictions as text: what lines up, what is shaded, what is left out where there is no room."""

from __future__ import annotations

import pytest

from kflab.catalog.looks import Picture, Row
from kflab.pictures.ansi import to_text
from kflab.pictures.cells import Piece, Tone, width_of
from kflab.pictures.confusion import Cell, confusions, fits, matrix, mistakes, scores
from kflab.pictures.palette import Depth
from kflab.pictures.predicted import figures, heading, overview, sample, scatter
from kflab.pictures.style import Style
from kflab.predict.results import (
    ClassScore,
    Kind,
    OutputResult,
    Predictions,
    Said,
    SampleResult,
    ValueScore,
)

PLAIN = Style(80, Depth.NONE)
THREE = OutputResult(
    "kind",
    Kind.CLASSES,
    ("cat", "dog", "a very long label"),
    (3,),
    ((90, 10, 0), (1, 1200, 3), (0, 0, 0)),
    (
        ClassScore("cat", 0.9, 0.9, 0.9, 100),
        ClassScore("dog", 0.99, 0.99, 0.99, 1204),
        ClassScore("a very long label", 0, 0, 0, 0),
    ),
    0.9893,
)
MANY = OutputResult(
    "kind",
    Kind.CLASSES,
    tuple(f"class {number}" for number in range(100)),
    (100,),
    tuple(
        tuple(9 if row == column else int(column == row + 1) for column in range(100)) for row in range(100)
    ),
    (),
    0.9,
)


def text(lines: list[tuple[Piece, ...]]) -> str:
    return to_text(lines, Depth.NONE)


def test_the_columns_of_the_matrix_line_up_and_counts_are_shaded_by_their_share() -> None:
    rows = text(matrix(THREE, PLAIN)).splitlines()
    assert rows[2].split() == ["cat", "90█", "10░", "·"]
    assert rows[3].split() == ["dog", "1░", "1,200█", "3░"]
    ends = [[at for at, mark in enumerate(row) if mark in "█░·"] for row in rows[2:4]]
    assert ends[0][:2] == ends[1][:2]
    assert "90#" in text(matrix(THREE, PLAIN._replace(plain=True)))


@pytest.mark.parametrize("width", [20, 30, 50, 80, 120])
@pytest.mark.parametrize("output", [THREE, MANY])
def test_no_line_is_wider_than_there_is_room(output: OutputResult, width: int) -> None:
    style = Style(width, Depth.TRUE)
    lines = [*matrix(output, style, Cell(1, 2)), *scores(output, style), *confusions(output, style)]
    assert max(map(width_of, lines)) <= width


def test_where_not_all_columns_fit_those_around_the_cursor_are_shown() -> None:
    assert not fits(MANY, 80)
    assert fits(THREE, 80)
    rows = text(matrix(MANY, PLAIN, Cell(50, 51))).splitlines()
    assert "[1]" in rows[52]
    assert "of 100" in rows[0]
    assert "[1]" not in text(matrix(MANY, PLAIN, Cell(50, 3)))


def test_an_error_stands_out_and_the_cursor_too() -> None:
    line = matrix(THREE, PLAIN, Cell(0, 0))[2]
    assert next(piece for piece in line if "10" in piece.text).tone is Tone.WARNING
    assert next(piece for piece in line if "90" in piece.text).text.strip() == "[90]"


def test_mistakes_come_with_the_most_frequent_first() -> None:
    assert list(mistakes(THREE)) == [Cell(0, 1), Cell(1, 2), Cell(1, 0)]
    assert "cat" in text(confusions(THREE, PLAIN)).splitlines()[1]


def test_the_mean_is_over_the_classes_that_there_are() -> None:
    last = text(scores(THREE, PLAIN)).splitlines()[-1].split()
    assert last == ["mean", "0.945", "0.945", "0.945", "1,304"]


def test_a_sample_shows_what_is_true_beside_what_was_said_however_unlikely() -> None:
    said = Said(true=2, predicted=0, shares=((0, 0.9), (1, 0.06), (2, 0.04)))
    found = SampleResult(7, {"kind": said}, {"x": Row((1.5, 2.0))})
    drawn = text(sample(found, [THREE], PLAIN, most_bars=1))
    assert "#7" in drawn
    assert "a very long label taken for cat ✗" in drawn
    assert "• a very long label" in drawn
    assert "0.0400" in drawn
    assert "1.5" in drawn


def test_a_picture_stands_beside_its_bars() -> None:
    said = Said(true=0, predicted=0, shares=((0, 1.0),))
    picture = Picture(8, 8, 1, bytes(range(0, 256, 4)))
    lines = sample(SampleResult(0, {"kind": said}, {"image": picture}), [THREE], Style(60, Depth.TRUE))
    assert "▀" in text(lines)
    assert "1.0000" in text(lines).splitlines()[1]
    assert max(map(width_of, lines)) <= 60


def test_values_are_told_with_what_is_true_and_their_scatter_has_one_range() -> None:
    output = OutputResult(
        "y", Kind.VALUES, shape=(1,), values=ValueScore(0.5, 0.75, 0.9), points=((0.0, 1.0), (10.0, 9.0))
    )
    assert figures(Predictions("r", "final", "test", outputs=(output,)), output) == (
        "MAE 0.5 · RMSE 0.75 · R² 0.9000"
    )
    drawn = text(scatter(output, PLAIN))
    assert drawn.splitlines()[-1].startswith("0")
    assert drawn.splitlines()[-1].endswith("10")
    row = SampleResult(0, {"y": Said(values=(1.0,), true_values=(3.0,), error=4.0)})
    assert "predicted 1, true 3, off by -2" in text(sample(row, [output], PLAIN))


def test_the_heading_says_which_model_and_how_many_of_how_many() -> None:
    found = Predictions("r", "best", "test", samples=10, of=20, outputs=(THREE,))
    assert heading(found) == "best model · 10 of 20 samples of test split"
    assert "predicted →" in text(overview(found, PLAIN))
