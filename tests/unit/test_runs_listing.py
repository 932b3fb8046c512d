from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from kflab.errors import UnusableInputError
from kflab.runs.events import End, Epoch, Finished, Prepared
from kflab.runs.folder import create
from kflab.runs.info import EVENTS, INFO, amend_info
from kflab.runs.lines import LineWriter
from kflab.runs.listing import find_run, list_runs, summarize
from kflab.runs.status import Status


def write(run_dir: Path, *events: msgspec.Struct) -> None:
    with LineWriter(run_dir / EVENTS) as writer:
        for event in events:
            writer.write(event)


SIZES = Prepared(2.0, 4, 10, 32, 320, 32, 64, 1234)


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    runs = []
    for index, title in enumerate(("first", "second", "third")):
        run_dir = create("kflab: 1\n", title, tmp_path, seed=1, backend="tensorflow")
        amend_info(run_dir, created=1000.0 + index)
        runs.append(run_dir)
    return runs


def test_newest_first(tmp_path: Path, runs: list[Path]) -> None:
    assert [summary.title for summary in list_runs(tmp_path)] == ["third", "second", "first"]


def test_no_runs(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "none") == []


def test_a_damaged_run_is_listed_with_the_cause(tmp_path: Path, runs: list[Path]) -> None:
    (runs[0] / INFO).write_text("{")
    damaged = next(summary for summary in list_runs(tmp_path) if summary.name == runs[0].name)
    assert damaged.status is Status.CRASHED
    assert "damaged" in damaged.cause


def test_other_folders_are_no_runs(tmp_path: Path, runs: list[Path]) -> None:
    (tmp_path / "notes").mkdir()
    assert len(list_runs(tmp_path)) == 3


def test_a_row_tells_how_it_went(tmp_path: Path, runs: list[Path]) -> None:
    write(
        runs[1],
        SIZES,
        Epoch(4.0, 3, 2.0, {"loss": 0.5}),
        Finished(9.0, End.DONE, {"loss": 0.4}, 7.0, "", 3),
    )
    row = summarize(runs[1])
    assert (row.status, row.epoch, row.epochs, row.seconds) == (Status.DONE, 3, 4, 7.0)
    assert (row.logs, row.test) == ({"loss": 0.5}, {"loss": 0.4})


def test_found_by_name_start_end_path_and_last(tmp_path: Path, runs: list[Path]) -> None:
    second = runs[1]
    assert find_run(second.name, tmp_path) == second
    assert find_run(second.name.rpartition("-")[2], tmp_path) == second
    assert find_run(second.name[:-2], tmp_path) == second
    assert find_run(str(second), tmp_path / "elsewhere") == second
    assert find_run("last", tmp_path) == runs[2]


def test_what_means_several_is_refused_with_some(tmp_path: Path, runs: list[Path]) -> None:
    with pytest.raises(UnusableInputError, match=r"means 3 runs.*type more"):
        find_run(runs[0].name[:4], tmp_path)


@pytest.mark.parametrize("text", ["", "nothing", "../.."])
def test_what_means_none_is_refused(tmp_path: Path, runs: list[Path], text: str) -> None:
    with pytest.raises(UnusableInputError, match="no run is called"):
        find_run(text, tmp_path)


def test_last_of_none(tmp_path: Path) -> None:
    with pytest.raises(UnusableInputError, match="no runs"):
        find_run("last", tmp_path)
