from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from kflab.errors import KflabError, UnusableInputError
from kflab.runs import folder
from kflab.runs.folder import create
from kflab.runs.info import EXPERIMENT, INFO, amend_info, read_info

YAML = "kflab: 1  # a comment\ndata: {source: digits}\n"


def make(runs_dir: Path, **changes: object) -> Path:
    return create(YAML, "Two branches!", runs_dir, **{"seed": 7, "backend": "tensorflow", **changes})


def test_folder_holds_the_experiment_to_the_letter_and_what_it_runs_with(tmp_path: Path) -> None:
    run_dir = make(tmp_path / "runs", source="presets/digits.yaml")
    info = read_info(run_dir)
    assert (run_dir / EXPERIMENT).read_text() == YAML
    assert (info.name, info.title, info.seed, info.seed_drawn) == (run_dir.name, "Two branches!", 7, False)
    assert Path(info.source).is_absolute()
    assert info.backend == "tensorflow"
    assert info.process is None
    assert json.loads((run_dir / INFO).read_text())["host"]


def test_name_tells_time_and_title(tmp_path: Path) -> None:
    day, time, *slug, suffix = make(tmp_path).name.split("-")
    assert (len(day), len(time), len(suffix)) == (8, 6, 4)
    assert slug == ["two", "branches"]


def test_only_the_owner_can_read(tmp_path: Path) -> None:
    run_dir = make(tmp_path / "new" / "runs")
    assert stat.S_IMODE(run_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(run_dir.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in run_dir.iterdir()} == {0o600}


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    assert len({make(tmp_path) for _ in range(20)}) == 20


def test_a_seed_is_drawn_and_recorded_when_none_is_given(tmp_path: Path) -> None:
    first, second = (read_info(make(tmp_path, seed=None)) for _ in range(2))
    assert first.seed_drawn
    assert first.seed != second.seed


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Größe & Übung 3", "groe-ubung-3"),
        ("../../etc/passwd", "etc-passwd"),
        ("日本", "run"),
        ("", "run"),
        ("one two three four five six seven eight", "one-two-three-four-five-six"),
        ("x" * 80, "x" * 32),
    ],
)
def test_slug_is_fit_for_a_file_name(title: str, expected: str) -> None:
    assert folder.slug(title) == expected


def test_amending_leaves_the_rest_and_no_other_files(tmp_path: Path) -> None:
    run_dir = make(tmp_path)
    before = sorted(path.name for path in run_dir.iterdir())
    amend_info(run_dir, keras="3.15.0", devices=("cpu:0",))
    info = read_info(run_dir)
    assert (info.keras, info.devices, info.seed) == ("3.15.0", ("cpu:0",), 7)
    assert sorted(path.name for path in run_dir.iterdir()) == before


def test_a_folder_that_cannot_be_made_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KflabError, match="cannot make a run folder"):
        make(tmp_path / "file")


@pytest.mark.parametrize("text", ["", "{", '{"name": 3}', "\0\0\0", "[]"])
def test_damaged_info_names_the_file(tmp_path: Path, text: str) -> None:
    run_dir = make(tmp_path)
    (run_dir / INFO).write_text(text)
    with pytest.raises(UnusableInputError, match=r"run\.json: damaged"):
        read_info(run_dir)


def test_info_of_a_newer_kflab_is_read(tmp_path: Path) -> None:
    run_dir = make(tmp_path)
    known = json.loads((run_dir / INFO).read_text())
    (run_dir / INFO).write_text(json.dumps({**known, "added_later": {"a": 1}}))
    assert read_info(run_dir).seed == 7


def test_a_folder_without_info_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UnusableInputError, match="not a run folder"):
        read_info(tmp_path)
