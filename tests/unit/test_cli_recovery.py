"""`kflab recover`: what was not saved, from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from kflab import document, presets, recovery
from kflab.cli import run
from kflab.experiment import Training
from kflab.graph.history import History
from kflab.recovery import Speller
from kflab.runs.process import identify


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KFLAB_STATE_DIR", str(tmp_path / "state"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def crash(path: Path | None, source: str = "model") -> Path:
    """The recovery file of a lab that set the epochs to 77 and is gone."""
    experiment = document.read(path or presets.path("digits_mlp"))
    training = msgspec.structs.replace(experiment.training, epochs=77)
    history = History(experiment).edit(msgspec.structs.replace(experiment, training=training), "set epochs")
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        dead = identify(process.pid)
    unsaved = Speller().unsaved(history, path=path, source=source, folder=None, base=None, edits=1)
    return recovery.keep(msgspec.structs.replace(unsaved, process=dead))


@pytest.fixture
def file(folder: Path) -> Path:
    path = folder / "model.yaml"
    path.write_text(presets.path("digits_mlp").read_text())
    return path


def test_nothing_to_recover_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["recover"]) == 0
    assert "nothing to recover" in capsys.readouterr().out
    assert run(["recover", "model.yaml"]) == 2
    assert "no unsaved changes" in capsys.readouterr().err


def test_what_can_be_recovered_is_listed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crash(file)
    crash(None, "new_iris")
    file.with_name(".other.yaml.kflab-unsaved").write_text("{")
    assert run(["recover"]) == 0
    out = capsys.readouterr().out
    assert "model.yaml" in out
    assert "new_iris" in out
    assert "damaged" in out
    assert run(["recover", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {item.get("name", "") for item in listed} == {"model.yaml", "new_iris", ""}


def test_it_is_shown_written_and_discarded(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = crash(file)
    assert run(["recover", "model.yaml"]) == 0
    assert "+  epochs: 77" in capsys.readouterr().out
    assert run(["recover", "model.yaml", "-o", "found.yaml"]) == 0
    assert document.read(file.with_name("found.yaml")).training.epochs == 77
    assert run(["recover", "model.yaml", "-o", "found.yaml"]) == 2
    assert place.exists()
    assert run(["recover", "model.yaml", "--discard"]) == 0
    assert not place.exists()
    assert document.read(file).training.epochs != 77


def test_what_a_lab_is_still_editing_is_not_discarded(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = crash(file)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        unsaved = msgspec.structs.replace(recovery.read(place), process=identify(process.pid))
        recovery.keep(unsaved, place)
        assert run(["recover", "model.yaml", "--discard"]) == 1
        assert "is open in a lab" in capsys.readouterr().err
    assert place.exists()


def test_a_file_that_is_gone_says_what_is_left_of_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crash(file)
    file.unlink()
    assert run(["open", "model.yaml"]) == 2
    assert "kflab open model.yaml --recover" in capsys.readouterr().err
    assert run(["recover", "model.yaml", "-o", "model.yaml"]) == 0
    assert document.read(file).training == Training(
        **{**msgspec.structs.asdict(document.read(presets.path("digits_mlp")).training), "epochs": 77}
    )


def test_a_folder_that_moved_takes_its_recovery_files_along(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crash(file)
    moved = file.parent.rename(file.parent.with_name("moved"))
    (found,) = recovery.find(moved / file.name)
    assert found.unsaved is not None
    assert found.unsaved.file == str(moved / file.name)
