"""Settings of a machine: the file with its rows, what comes before it, and the command that changes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kflab.cli import run
from kflab.errors import UnusableInputError
from kflab.runs import backends
from kflab.settings import (
    Settings,
    change_settings,
    chosen_backend,
    chosen_device,
    read_settings,
    settings_file,
    usable_backend,
)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KFLAB_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.delenv("KFLAB_DEVICE", raising=False)
    path = settings_file()
    path.parent.mkdir()
    return path


def test_without_a_file_everything_is_as_usual(file: Path) -> None:
    assert read_settings() == Settings()
    file.write_text("# nothing as yet\n\n")
    assert read_settings() == Settings()


def test_an_option_comes_before_a_variable_and_that_before_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chosen_backend() == ("tensorflow", "")
    file.write_text("backend: jax\ndevice: cpu\n")
    assert chosen_backend() == ("jax", str(file))
    assert chosen_device() == ("cpu", str(file))
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("KFLAB_DEVICE", "gpu:1")
    assert chosen_backend() == ("torch", "KERAS_BACKEND")
    assert chosen_device("gpus") == ("gpus", "--device")
    assert chosen_device() == ("gpu:1", "KFLAB_DEVICE")


@pytest.mark.parametrize(
    ("text", "row", "words"),
    [
        ("backend: jax\n\ndevise: cpu\n", 3, "no setting 'devise'; did you mean device"),
        ("device: cuda\n", 1, "expected a device such as cpu, gpu"),
        ("backend: jax\nbackend2: 1\n", 2, "did you mean backend"),
        ("# first\nbackend: theano\n", 2, "expected tensorflow, jax, torch, got 'theano'"),
        ("warm_trainer: 3\n", 1, "expected true or false, got 3"),
        ("device: cpu\ndisk_reserve: -1\n", 2, "got -1"),
        ("device: [cpu]\n", 1, "expected text"),
        ("device: cpu\ndevice: gpu\n", 2, "twice"),
        ("- cpu\n", 1, "expected a mapping"),
    ],
)
def test_an_error_has_its_row(file: Path, text: str, row: int, words: str) -> None:
    file.write_text(text)
    with pytest.raises(UnusableInputError) as caught:
        read_settings()
    assert str(caught.value).startswith(f"{file}:{row}: ")
    assert words in str(caught.value)


def test_a_change_keeps_comments_and_takes_defaults_back(file: Path) -> None:
    file.write_text("# of this machine\ndevice: cpu  # the GPU is of others\n")
    file.chmod(0o644)
    assert change_settings({"disk_reserve": 5}).disk_reserve == 5
    assert "# the GPU is of others" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o644, "as it was"
    change_settings({"device": None, "disk_reserve": None})
    assert read_settings() == Settings()
    assert file.read_text().startswith("# of this machine")


def test_a_file_that_is_broken_is_not_written_over(file: Path) -> None:
    file.write_text("devise: cpu\n")
    with pytest.raises(UnusableInputError, match="devise"):
        change_settings({"device": "gpu"})
    assert file.read_text() == "devise: cpu\n"


def test_a_backend_that_is_not_installed_says_how_to_get_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "is_installed", lambda name: name == "tensorflow")
    assert backends.installed() == ("tensorflow",)
    with pytest.raises(
        UnusableInputError, match=r"--backend: jax is not installed: pip install 'kflab\[jax\]'"
    ):
        usable_backend("jax")
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    with pytest.raises(UnusableInputError, match="KERAS_BACKEND: Keras has no backend 'theano'"):
        usable_backend()


def test_the_command_prints_and_changes_them(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["settings", "device=gpu:1", "warm_trainer=false", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(file)
    assert told["settings"] == {
        "backend": "tensorflow",
        "device": "gpu:1",
        "warm_trainer": False,
        "disk_reserve": 1.0,
    }
    assert run(["settings", "device="]) == 0
    assert "a free GPU, or else the CPU" in capsys.readouterr().out
    assert read_settings() == Settings(warm_trainer=False)


@pytest.mark.parametrize("given", ["device", "=cpu", "device=cuda", "warm_trainer=perhaps", "colour=red"])
def test_the_command_refuses_what_is_no_setting(
    file: Path, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    assert run(["settings", given]) == 2
    assert capsys.readouterr().err.startswith("kflab: ")
    assert not file.exists()


def test_a_run_on_a_device_that_is_not_there_makes_no_folder(
    file: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert run(["run", "iris_mlp", "--device", "gpu", "--detach"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("kflab: gpu can not be had: ")
    assert error.count("\n") == 1
    assert list(runs_dir.iterdir()) == []
