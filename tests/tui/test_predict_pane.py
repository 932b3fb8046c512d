"""The pane of predictions, with runs made by hand: nothing here loads Keras."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kflab.catalog.looks import Picture
from kflab.predict import cache
from kflab.predict.results import (
    Answer,
    ClassScore,
    Kind,
    OutputResult,
    Predictions,
    Said,
    SampleResult,
    ValueScore,
)
from kflab.runs.folder import create
from kflab.runs.info import FINAL
from kflab.tui.headless import screen_text
from kflab.tui.widgets.predict import PredictPane
from tests.tui.conftest import BRANCHES, OpenLab, lab_of, type_text, wait_for, wait_for_lab, wait_for_text

LABELS = ("cat", "dog", "owl")
MATRIX = ((8, 2, 0), (0, 9, 1), (4, 0, 6))


def said(true: int, predicted: int, share: float = 0.8) -> Said:
    rest = next(number for number in range(3) if number != predicted)
    return Said(true=true, predicted=predicted, shares=((predicted, share), (rest, round(1 - share, 4))))


def sample(index: int, true: int, predicted: int, share: float = 0.8) -> SampleResult:
    picture = Picture(8, 8, 1, bytes(range(64)))
    return SampleResult(index, {"digit": said(true, predicted, share)}, {"image": picture})


CLASSES = OutputResult(
    "digit",
    Kind.CLASSES,
    LABELS,
    (3,),
    MATRIX,
    tuple(ClassScore(label, 0.8, 0.8, 0.8, 10) for label in LABELS),
    0.7667,
)
ROWS = (
    sample(3, 2, 0, 0.91),
    sample(5, 2, 0, 0.55),
    sample(8, 0, 0),
    sample(11, 0, 1, 0.7),
    sample(14, 1, 2, 0.99),
)


def keep(runs_dir: Path, output: OutputResult = CLASSES, rows: tuple[SampleResult, ...] = ROWS) -> Path:
    """A run with a model that nobody loads, and predictions that were kept of it."""
    run_dir = create(BRANCHES, "by hand", runs_dir, seed=1, backend="tensorflow")
    (run_dir / FINAL).write_bytes(b"weights")
    found = Predictions(
        run_dir.name, "final", "test", "", 30, 30, (output,), rows, cache.stamp_of(run_dir / FINAL, None)
    )
    cache.keep(run_dir, found)
    return run_dir


async def test_without_a_run_it_says_how_to_get_one(open_lab: OpenLab) -> None:
    async with open_lab() as pilot:
        await pilot.press("C")
        await wait_for_text(pilot, "No run to predict with yet")
        assert "t trains one" in screen_text(pilot.app)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_cursor_stands_on_the_worst_cell_and_enter_lists_its_samples(
    open_lab: OpenLab, runs_dir: Path, size: tuple[int, int]
) -> None:
    keep(runs_dir)
    async with open_lab(size) as pilot:
        await pilot.press("C")
        await wait_for_text(pilot, "[4]")
        assert "owl: 4 of 10 taken for cat" in screen_text(pilot.app)
        assert "Predictions · final model · test split" in screen_text(pilot.app)
        await pilot.press("enter")
        await wait_for_text(pilot, "owl taken for cat: 4 samples, 2 of them kept")
        await wait_for_text(pilot, "0.9100")
        await pilot.press("escape")
        await wait_for_text(pilot, "[4]")
        await pilot.press("up", "up", "right")
        await wait_for_text(pilot, "cat: 2 of 10 taken for dog")
        await pilot.press("escape")
        await wait_for(pilot, lambda: "Predictions" not in screen_text(pilot.app) or size[0] > 80)


async def test_mistakes_come_with_the_surest_first_and_are_leafed_through(
    open_lab: OpenLab, runs_dir: Path
) -> None:
    keep(runs_dir)
    async with open_lab() as pilot:
        await pilot.press("C")
        await wait_for_text(pilot, "[4]")
        await pilot.press("x")
        await wait_for_text(pilot, "Mistakes, the surest first: 4 samples")
        assert "dog taken for owl" in screen_text(pilot.app)
        first = lab_of(pilot).screen.query_one(PredictPane).text
        await pilot.press("right")
        await wait_for(
            pilot, lambda: lab_of(pilot).screen.query_one(PredictPane).text != first, "the next page"
        )
        await pilot.press("left")
        await wait_for(
            pilot, lambda: lab_of(pilot).screen.query_one(PredictPane).text == first, "the first page"
        )


async def test_values_are_drawn_against_what_is_true(open_lab: OpenLab, runs_dir: Path) -> None:
    output = OutputResult(
        "digit", Kind.VALUES, shape=(1,), values=ValueScore(1.0, 1.5, 0.75), points=((0.0, 1.0), (4.0, 3.0))
    )
    rows = tuple(
        SampleResult(index, {"digit": Said(values=(1.0,), true_values=(1.0 + index,), error=float(index**2))})
        for index in range(4)
    )
    keep(runs_dir, output, rows)
    async with open_lab() as pilot:
        await pilot.press("C")
        await wait_for_text(pilot, "RMSE 1.5 · R² 0.7500")
        await wait_for_text(pilot, "predicted ↑")
        await pilot.press("enter")
        await wait_for_text(pilot, "off by -3")


async def test_own_files_are_asked_for_and_what_is_wrong_with_them_is_one_line(
    open_lab: OpenLab, runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(runs_dir)
    asked = []

    async def predict(question: object, patience: float = 1) -> Answer:
        asked.append(question)
        return Answer(error="own.npz: it has no array 'image'", exit_code=2)

    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own"
    own.write_bytes(b"nothing")
    async with open_lab() as pilot:
        await pilot.press("C")
        await wait_for_text(pilot, "[4]")
        monkeypatch.setattr("kflab.tui.predict_link.predict", predict)
        await pilot.press("o")
        await wait_for_text(pilot, "file or folder of your own")
        await type_text(pilot, "ownx")
        await pilot.press("enter")
        await wait_for_text(pilot, "no such file or folder")
        await pilot.press("backspace", "enter")
        await wait_for_lab(pilot)
        await wait_for_text(pilot, "it has no array 'image'")
    assert [question.source for question in asked] == [os.fspath(own)]  # type: ignore[attr-defined]


async def test_samples_of_which_nothing_is_known_are_listed_at_once(
    open_lab: OpenLab, runs_dir: Path
) -> None:
    unknown = SampleResult(0, {"digit": Said(predicted=1, shares=((1, 0.9), (0, 0.1)))}, name="own.png")
    keep(runs_dir, OutputResult("digit", Kind.CLASSES, LABELS, (3,)), (unknown,))
    async with open_lab() as pilot:
        await pilot.press("C")
        await wait_for_text(pilot, "own.png dog")
        await wait_for_text(pilot, "0.9000")


async def test_another_matrix_moves_the_cursor_to_where_there_is_something(
    open_lab: OpenLab, runs_dir: Path
) -> None:
    keep(
        runs_dir,
        OutputResult("digit", Kind.CLASSES, LABELS, (3,), ((0, 0, 0), (0, 5, 0), (0, 0, 2)), (), 1.0),
    )
    async with open_lab() as pilot:
        await pilot.press("C")
        await wait_for_text(pilot, "dog: 5 of 5 told right")
